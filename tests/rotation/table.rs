//! What is presented, and what is answered.

use auth_core::audit::{AuditEvent, RefusalReason};
use auth_core::id::Position;
use auth_core::store::{EndReason, Family, GraceStart, LoginRow};
use auth_tests::shop::{assert_refused, login_of, realm, refresh_of};
use auth_tests::{
    DAY, Forged, GRACE, HOUR, MILLISECOND, NOW, Node, SECOND, User, World, anna, bert, claims_of,
    on_both_stores,
};
use serde_json::json;
use std::time::Duration;

on_both_stores!(
    the_current_token_is_rotated,
    within_the_grace_the_current_token_is_returned_again_and_counts_as_used,
    within_the_grace_the_predecessor_brings_the_same_successor,
    within_the_grace_a_used_successor_comes_again_too,
    a_successor_that_was_never_used_is_replaced_when_the_grace_ends,
    a_successor_that_was_never_used_is_replaced_weeks_later,
    responses_may_be_lost_again_and_again,
    a_replaced_branch_is_theft,
    a_predecessor_whose_successor_was_used_is_theft,
    an_older_generation_is_theft_even_within_the_grace,
    an_old_backup_of_the_client_is_theft,
    theft_ends_one_login_and_no_other,
    a_token_newer_than_the_row_is_refused_and_revokes_nothing,
    a_right_tag_with_a_wrong_secret_is_refused_and_changes_nothing,
    a_login_that_ended_has_no_grace,
    a_login_that_expired_has_no_grace,
    a_login_that_never_was_is_refused,
    a_session_has_no_refresh_tokens,
    a_clock_that_goes_back_is_not_taken_for_theft,
    the_last_generation_does_not_overflow,
    the_last_branch_does_not_overflow,
);

async fn the_current_token_is_rotated(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let before = node.row(&first).await.unwrap();
    node.events.clear();
    world.clock.advance(HOUR);
    let tokens = node.refresh(&first).await.unwrap();
    let next = refresh_of(&tokens);

    assert_ne!(next, first);
    let (old, new) = (Forged::from(&first), Forged::from(&next));
    assert_eq!((new.generation(), new.branch(), new.login()), (1, 0, old.login()));
    let family = node.family(&next).await;
    let expected = Family {
        position: Position { generation: 1, branch: 0 },
        previous_branch: Some(0),
        current: new.hash(),
        previous: Some(old.hash()),
        nonce: family.nonce,
        rotated_at: NOW.after(HOUR),
        confirmed: false,
        shared: 0,
        counted: false,
    };
    assert_ne!(family.nonce, before.family.as_ref().unwrap().nonce);
    let rotated = LoginRow {
        last_seen_at: NOW.after(HOUR),
        idle_expires_at: NOW.after(HOUR + 30 * DAY),
        family: Some(expected),
        ..before
    };
    assert_eq!(node.row(&next).await, Some(rotated));

    assert_eq!(tokens.expires_in(), 900);
    let claims = claims_of(tokens.access_token());
    let (login, iat) = (login_of(&next), NOW.after(HOUR).seconds());
    assert_eq!(claims["sid"], json!(login));
    assert_eq!(claims["gen"], json!([1, 0]));
    assert_eq!(claims["epoch"], json!(NOW.millis()));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(iat), &json!(iat + 900)));
    assert_eq!(claims["auth_time"], json!(NOW.seconds()));
    assert_eq!(node.events.take(), [AuditEvent::Rotated { login, generation: 1 }]);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
}

async fn within_the_grace_the_current_token_is_returned_again_and_counts_as_used(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    assert!(!node.family(&next).await.confirmed);
    let before = node.row(&next).await.unwrap();
    node.events.clear();
    for wait in [MILLISECOND, GRACE - 2 * MILLISECOND] {
        world.clock.advance(wait);
        assert_eq!(refresh_of(&node.refresh(&next).await.unwrap()), next);
    }
    let confirmed = Family { confirmed: true, ..before.family.clone().unwrap() };
    assert_eq!(node.row(&next).await, Some(LoginRow { family: Some(confirmed), ..before }));
    let login = login_of(&next);
    assert_eq!(node.events.take(), [(); 2].map(|()| AuditEvent::Replayed { login, generation: 1 }));

    world.clock.advance(MILLISECOND);
    assert_refused(&node.refresh(&first).await);
    assert_eq!(node.row(&next).await, None);
}

async fn within_the_grace_the_predecessor_brings_the_same_successor(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    let before = node.row(&next).await.unwrap();
    node.events.clear();
    for wait in [Duration::ZERO, MILLISECOND, GRACE - 2 * MILLISECOND] {
        world.clock.advance(wait);
        let again = node.refresh(&first).await.unwrap();
        assert_eq!(refresh_of(&again), next);
        assert_eq!(claims_of(again.access_token())["gen"], json!([1, 0]));
    }
    // Who got it late has a whole grace to use it.
    let rotated_at = NOW.after(GRACE - MILLISECOND);
    let again = Family { rotated_at, ..before.family.clone().unwrap() };
    assert_eq!(node.row(&next).await, Some(LoginRow { family: Some(again), ..before }));
    let login = login_of(&next);
    assert_eq!(node.events.take(), [(); 3].map(|()| AuditEvent::Replayed { login, generation: 1 }));
}

async fn within_the_grace_a_used_successor_comes_again_too(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let tokens = node.refresh(&first).await.unwrap();
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(refresh_of(&node.refresh(&first).await.unwrap()), refresh_of(&tokens));
    assert!(node.family(&first).await.confirmed);
}

async fn a_successor_that_was_never_used_is_replaced_when_the_grace_ends(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let lost = refresh_of(&node.refresh(&first).await.unwrap());
    node.events.clear();
    world.clock.advance(GRACE);
    let tokens = node.refresh(&first).await.unwrap();
    let replaced = refresh_of(&tokens);
    assert_ne!(replaced, lost);
    let forged = Forged::from(&replaced);
    assert_eq!((forged.generation(), forged.branch()), (1, 1));
    assert_eq!(claims_of(tokens.access_token())["gen"], json!([1, 1]));
    let family = node.family(&replaced).await;
    let expected = Family {
        position: Position { generation: 1, branch: 1 },
        previous_branch: Some(0),
        current: forged.hash(),
        previous: Some(Forged::from(&first).hash()),
        nonce: family.nonce,
        rotated_at: NOW.after(GRACE),
        confirmed: false,
        shared: 0,
        counted: false,
    };
    assert_eq!(family, expected);
    let login = login_of(&first);
    assert_eq!(node.events.take(), [AuditEvent::Replayed { login, generation: 1 }]);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
}

async fn a_successor_that_was_never_used_is_replaced_weeks_later(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let lost = node.refresh(&first).await.unwrap();
    world.clock.advance(29 * DAY);
    let tokens = node.refresh(&first).await.unwrap();
    assert_eq!(Forged::from(&refresh_of(&tokens)).branch(), 1);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(node.family(&refresh_of(&lost)).await.current, Forged::from(&refresh_of(&tokens)).hash());
}

async fn responses_may_be_lost_again_and_again(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    for branch in 0..20 {
        let next = refresh_of(&node.refresh(&first).await.unwrap());
        assert_eq!((Forged::from(&next).generation(), Forged::from(&next).branch()), (1, branch));
        world.clock.advance(GRACE - MILLISECOND);
        assert_eq!(refresh_of(&node.refresh(&first).await.unwrap()), next);
        // The grace of an answer that was handed out late begins anew.
        world.clock.advance(GRACE - MILLISECOND);
        assert_eq!(node.family(&first).await.current, Forged::from(&next).hash());
        world.clock.advance(MILLISECOND);
    }
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    world.clock.advance(GRACE);
    assert_eq!(Forged::from(&refresh_of(&node.refresh(&next).await.unwrap())).generation(), 2);
    assert_eq!(node.family(&next).await.previous_branch, Some(20));
}

async fn a_replaced_branch_is_theft(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let lost = refresh_of(&node.refresh(&first).await.unwrap());
    world.clock.advance(GRACE);
    let replaced = node.refresh(&first).await.unwrap();
    assert_theft(&node, &lost, 0, Duration::ZERO).await;
    node.get("/me", replaced.access_token()).await.assert_invalid_token();
    assert_refused(&node.refresh(&refresh_of(&replaced)).await);
}

async fn a_predecessor_whose_successor_was_used_is_theft(world: World) {
    let node = world.node().await;
    let first = node.login(anna()).await;
    let next = node.refresh(&refresh_of(&first)).await.unwrap();
    for tokens in [&first, &next] {
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
    world.clock.advance(GRACE);
    assert_theft(&node, &refresh_of(&first), 1, GRACE).await;
    for tokens in [&first, &next] {
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
        assert_refused(&node.refresh(&refresh_of(tokens)).await);
    }
}

async fn an_older_generation_is_theft_even_within_the_grace(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let second = refresh_of(&node.refresh(&first).await.unwrap());
    world.clock.advance(HOUR);
    let third = node.refresh(&second).await.unwrap();
    world.clock.advance(3 * SECOND);
    assert_theft(&node, &first, 2, 3 * SECOND).await;
    node.get("/me", third.access_token()).await.assert_invalid_token();
}

async fn an_old_backup_of_the_client_is_theft(world: World) {
    let node = world.node().await;
    let backup = refresh_of(&node.login(anna()).await);
    let mut token = backup.clone();
    for _ in 0..7 {
        world.clock.advance(DAY);
        token = refresh_of(&node.refresh(&token).await.unwrap());
    }
    world.clock.advance(DAY);
    assert_theft(&node, &backup, 7, DAY).await;
}

async fn theft_ends_one_login_and_no_other(world: World) {
    let node = world.node().await;
    let (stolen, other) = (node.login(anna()).await, node.login(anna()).await);
    let (session, stranger) = (node.sign_in("anna", "").await, node.login(bert()).await);
    let second = refresh_of(&node.refresh(&refresh_of(&stolen)).await.unwrap());
    world.clock.advance(GRACE);
    drop(node.refresh(&second).await.unwrap());
    assert_theft(&node, &refresh_of(&stolen), 2, Duration::ZERO).await;
    node.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    node.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    node.get("/me", stranger.access_token()).await.assert_text("bert, by jwt");
    assert_eq!(node.logins_of("anna").await.len(), 2);
}

async fn a_token_newer_than_the_row_is_refused_and_revokes_nothing(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    let first = refresh_of(&tokens);
    let row = node.row(&first).await;
    node.events.clear();
    let login = login_of(&first);
    for (generation, branch) in [(0, 1), (1, 0), (1, 1), (9, 0), (u32::MAX - 1, u16::MAX)] {
        let newer = Forged::from(&first).with_generation(generation).with_branch(branch).tagged();
        assert_refused(&node.refresh(&newer).await);
        assert_eq!(node.events.take(), [AuditEvent::StoreBehind { login }]);
    }
    assert_eq!(node.row(&first).await, row);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(Forged::from(&refresh_of(&node.refresh(&first).await.unwrap())).generation(), 1);
}

async fn a_right_tag_with_a_wrong_secret_is_refused_and_changes_nothing(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    let row = node.row(&next).await;
    node.events.clear();
    for wait in [Duration::ZERO, GRACE] {
        world.clock.advance(wait);
        for token in [&first, &next] {
            assert_refused(&node.refresh(&Forged::from(token).with_secret(9).tagged()).await);
            let reason = RefusalReason::RefreshToken;
            assert_eq!(node.events.take(), [AuditEvent::Refused { reason }]);
        }
    }
    assert_eq!(node.row(&next).await, row);
    assert_eq!(Forged::from(&refresh_of(&node.refresh(&next).await.unwrap())).generation(), 2);
}

async fn a_login_that_ended_has_no_grace(world: World) {
    let node = world.node().await;
    let first = node.login(anna()).await;
    let next = refresh_of(&node.refresh(&refresh_of(&first)).await.unwrap());
    node.end(&next).await;
    node.events.clear();
    for token in [refresh_of(&first), next] {
        assert_refused(&node.refresh(&token).await);
        let reason = RefusalReason::RefreshToken;
        assert_eq!(node.events.take(), [AuditEvent::Refused { reason }]);
    }
    assert!(node.logins_of("anna").await.is_empty());
}

async fn a_login_that_expired_has_no_grace(world: World) {
    let node = world.node_with(|builder| builder.token_idle(HOUR)).await;
    let first = refresh_of(&node.login(anna()).await);
    world.clock.advance(HOUR - MILLISECOND);
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    world.clock.advance(HOUR - MILLISECOND);
    let third = refresh_of(&node.refresh(&next).await.unwrap());
    world.clock.advance(HOUR);
    for token in [first, next, third] {
        assert_refused(&node.refresh(&token).await);
    }
    assert_eq!(node.events.thefts(), 0);
}

async fn a_login_that_never_was_is_refused(world: World) {
    let node = world.node().await;
    assert_refused(&node.refresh(&Forged::first([3; 16], 4).tagged()).await);
    let reason = RefusalReason::RefreshToken;
    assert_eq!(node.events.take(), [AuditEvent::Refused { reason }]);
}

async fn a_session_has_no_refresh_tokens(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    let login = *node.logins_of("anna").await[0].as_bytes();
    for generation in [0, 1] {
        assert_refused(&node.refresh(&Forged::first(login, 0).with_generation(generation).tagged()).await);
    }
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
}

async fn a_clock_that_goes_back_is_not_taken_for_theft(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    for hours in [1, 23] {
        world.clock.set(NOW.before(hours * HOUR));
        assert_eq!(refresh_of(&node.refresh(&first).await.unwrap()), next);
        assert_eq!(refresh_of(&node.refresh(&next).await.unwrap()), next);
    }
    world.clock.set(NOW.after(GRACE));
    let third = refresh_of(&node.refresh(&next).await.unwrap());
    assert_eq!(Forged::from(&third).generation(), 2);
    assert_eq!(node.events.thefts(), 0);
}

async fn the_last_generation_does_not_overflow(world: World) {
    let node = world.node().await;
    let last = family_at(&node, u32::MAX - 1, 0).await;
    let end = refresh_of(&node.refresh(&last).await.unwrap());
    assert_eq!(Forged::from(&end).generation(), u32::MAX);
    world.clock.advance(GRACE);
    let row = node.row(&end).await;
    assert_refused(&node.refresh(&end).await);
    assert_eq!(node.row(&end).await, row);
}

async fn the_last_branch_does_not_overflow(world: World) {
    let node = world.node().await;
    let first = family_at(&node, 5, 0).await;
    drop(node.refresh(&first).await.unwrap());
    let family = node.family(&first).await;
    move_to(&node, &first, Position { branch: u16::MAX, ..family.position }).await;
    world.clock.advance(GRACE);
    let row = node.row(&first).await;
    assert_refused(&node.refresh(&first).await);
    assert_eq!(node.row(&first).await, row);
}

/// A new login of Anna's at that generation and branch, and its token.
async fn family_at(node: &Node, generation: u32, branch: u16) -> String {
    let first = refresh_of(&node.login(anna()).await);
    move_to(node, &first, Position { generation, branch }).await;
    Forged::from(&first).with_generation(generation).with_branch(branch).tagged()
}

/// Puts the login of a token at another position; its secrets stay.
async fn move_to(node: &Node, token: &str, position: Position) {
    let family = node.family(token).await;
    let moved = Family { position, ..family.clone() };
    let (store, realm) = (node.behind(), realm::<User>());
    let (id, grace) = (login_of(token), GraceStart::Keep);
    let put = store.replace_family(&realm, id, &family, &moved, grace, Duration::ZERO).await;
    assert!(put.unwrap().value.is_some());
}

/// Presents a token that was used up: the login ends, and the event says so.
async fn assert_theft(node: &Node, token: &str, generations: u32, age: Duration) {
    let (login, subject) = (login_of(token), anna().name);
    let subject = auth_core::id::Subject::new(&subject).unwrap();
    node.events.clear();
    assert_refused(&node.refresh(token).await);
    let reason = EndReason::Stolen;
    let expected = [
        AuditEvent::LoginEnded { login, subject: subject.clone(), reason },
        AuditEvent::Theft { login, subject, generations, age },
    ];
    assert_eq!(node.events.take(), expected);
    assert_eq!(node.row(token).await, None);
}
