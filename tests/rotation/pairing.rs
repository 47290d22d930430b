//! The policy `pair`: a refresh brings the access token of the same generation too, and one without is theft.

use auth_core::audit::AuditEvent;
use auth_core::jwt::{Algorithm, KeyRing, SigningKey};
use auth_core::login::{RefreshError, Tokens};
use auth_core::store::EndReason;
use auth_tests::shop::{assert_refused, login_of, refresh_of};
use auth_tests::{
    Call, DAY, Forged, GRACE, HOUR, MINUTE, Node, World, anna, bert, in_time, on_both_stores, subject,
};
use http::StatusCode;
use http::header::AUTHORIZATION;
use std::time::Duration;

on_both_stores!(
    a_pair_is_refreshed,
    an_expired_access_token_is_good_enough,
    a_retry_brings_the_pair_that_it_has,
    a_late_retry_brings_the_pair_that_it_has,
    a_refresh_without_access_token_is_theft,
    a_refresh_with_another_access_token_is_theft,
    an_access_token_of_an_unknown_key_is_refused_and_is_no_theft,
    an_older_token_without_access_token_is_theft,
    an_older_pair_is_theft,
    a_stolen_predecessor_without_access_token_is_theft_even_within_the_grace,
    what_is_no_token_of_the_login_revokes_nothing,
    the_access_token_comes_as_a_bearer_token,
);

async fn paired(world: &World) -> Node {
    world.node_with(|builder| builder.require_access_token_to_refresh()).await
}

async fn refresh(node: &Node, tokens: &Tokens) -> Result<Tokens, RefreshError> {
    in_time(node.auth.refresh(&refresh_of(tokens), Some(tokens.access_token()))).await
}

async fn assert_theft(node: &Node, token: &str, access: Option<&str>, generations: u32, age: Duration) {
    node.events.clear();
    assert_refused(&in_time(node.auth.refresh(token, access)).await);
    let (login, subject) = (login_of(token), subject("anna"));
    let expected = [
        AuditEvent::LoginEnded { login, subject: subject.clone(), reason: EndReason::Stolen },
        AuditEvent::Theft { login, subject, generations, age },
    ];
    assert_eq!(node.events.take(), expected);
    assert_eq!(node.row(token).await, None);
}

async fn a_pair_is_refreshed(world: World) {
    let node = paired(&world).await;
    let mut tokens = node.login(anna()).await;
    for generation in 1..5 {
        tokens = refresh(&node, &tokens).await.unwrap();
        assert_eq!(Forged::from(&refresh_of(&tokens)).generation(), generation);
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        world.clock.advance(MINUTE);
    }
}

async fn an_expired_access_token_is_good_enough(world: World) {
    let node = paired(&world).await;
    let first = node.login(anna()).await;
    world.clock.advance(20 * DAY);
    node.get("/me", first.access_token()).await.assert_invalid_token();
    let next = refresh(&node, &first).await.unwrap();
    node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
}

async fn a_retry_brings_the_pair_that_it_has(world: World) {
    let node = paired(&world).await;
    let first = node.login(anna()).await;
    let next = refresh(&node, &first).await.unwrap();
    let again = refresh(&node, &first).await.unwrap();
    assert_eq!(refresh_of(&again), refresh_of(&next));
    // Both answers brought an access token of the same generation; either is a pair.
    for access in [next.access_token(), again.access_token()] {
        let current = in_time(node.auth.refresh(&refresh_of(&next), Some(access))).await.unwrap();
        assert_eq!(refresh_of(&current), refresh_of(&next));
    }
}

async fn a_late_retry_brings_the_pair_that_it_has(world: World) {
    let node = paired(&world).await;
    let first = node.login(anna()).await;
    let lost = refresh(&node, &first).await.unwrap();
    world.clock.advance(5 * HOUR);
    let replaced = refresh(&node, &first).await.unwrap();
    assert_eq!(Forged::from(&refresh_of(&replaced)).branch(), 1);
    // An access token of the replaced branch is not the pair of the new one.
    assert_theft(&node, &refresh_of(&replaced), Some(lost.access_token()), 0, Duration::ZERO).await;
}

async fn a_refresh_without_access_token_is_theft(world: World) {
    let node = paired(&world).await;
    let tokens = refresh(&node, &node.login(anna()).await).await.unwrap();
    world.clock.advance(HOUR);
    let fresh = refresh(&node, &tokens).await.unwrap();
    world.clock.advance(MINUTE);
    assert_theft(&node, &refresh_of(&fresh), None, 0, MINUTE).await;
    node.get("/me", fresh.access_token()).await.assert_invalid_token();
    assert_refused(&refresh(&node, &fresh).await);
}

async fn a_refresh_with_another_access_token_is_theft(world: World) {
    let node = paired(&world).await;
    let (others, strangers) = (node.login(anna()).await, node.login(bert()).await);
    for wrong in [others.access_token(), strangers.access_token(), &refresh_of(&others), "junk", ""] {
        let first = node.login(anna()).await;
        let tokens = refresh(&node, &first).await.unwrap();
        assert_theft(&node, &refresh_of(&tokens), Some(wrong), 0, Duration::ZERO).await;
    }
    let first = node.login(anna()).await;
    let next = refresh(&node, &first).await.unwrap();
    assert_theft(&node, &refresh_of(&next), Some(first.access_token()), 0, Duration::ZERO).await;
    // Only the logins whose tokens were presented ended.
    node.get("/me", others.access_token()).await.assert_text("anna, by jwt");
    node.get("/me", strangers.access_token()).await.assert_text("bert, by jwt");
}

/// Keys are rotated, and clients stay away for longer than the old ones are kept.
async fn an_access_token_of_an_unknown_key_is_refused_and_is_no_theft(world: World) {
    let node = paired(&world).await;
    let tokens = node.login(anna()).await;
    let key = SigningKey::from_secret(&[1; 32], Algorithm::HS256).unwrap();
    let later =
        world.node_with(|builder| builder.keys(KeyRing::new(key).unwrap()).require_access_token_to_refresh());
    let later = later.await;
    assert_refused(&refresh(&later, &tokens).await);
    assert_eq!(later.events.thefts(), 0);
    assert!(refresh(&node, &tokens).await.is_ok());
}

/// What a sign-in brought, two refreshes later.
async fn two_generations_old(node: &Node) -> Tokens {
    let first = node.login(anna()).await;
    let second = refresh(node, &first).await.unwrap();
    node.clock.advance(GRACE);
    drop(refresh(node, &second).await.unwrap());
    node.clock.advance(MINUTE);
    first
}

async fn an_older_token_without_access_token_is_theft(world: World) {
    let node = paired(&world).await;
    let first = two_generations_old(&node).await;
    assert_theft(&node, &refresh_of(&first), None, 2, MINUTE).await;
}

async fn an_older_pair_is_theft(world: World) {
    let node = paired(&world).await;
    let first = two_generations_old(&node).await;
    assert_theft(&node, &refresh_of(&first), Some(first.access_token()), 2, MINUTE).await;
}

async fn a_stolen_predecessor_without_access_token_is_theft_even_within_the_grace(world: World) {
    let node = paired(&world).await;
    let first = node.login(anna()).await;
    drop(refresh(&node, &first).await.unwrap());
    world.clock.advance(GRACE / 2);
    assert_theft(&node, &refresh_of(&first), None, 1, GRACE / 2).await;
}

async fn what_is_no_token_of_the_login_revokes_nothing(world: World) {
    let node = paired(&world).await;
    let tokens = node.login(anna()).await;
    let forged = Forged::from(&refresh_of(&tokens));
    let (row, calls) = (node.row(&refresh_of(&tokens)).await, node.store.all_calls());
    assert_refused(&in_time(node.auth.refresh(&forged.clone().flipped(70, 1).untagged(), None)).await);
    assert_eq!(node.store.all_calls(), calls);
    let (newer, other) = (forged.clone().with_generation(1).tagged(), forged.with_secret(3).tagged());
    for token in [newer, other] {
        for access in [None, Some(tokens.access_token())] {
            assert_refused(&in_time(node.auth.refresh(&token, access)).await);
        }
    }
    assert_eq!(node.row(&refresh_of(&tokens)).await, row);
    assert_eq!(node.events.thefts(), 0);
    assert!(refresh(&node, &tokens).await.is_ok());
}

async fn the_access_token_comes_as_a_bearer_token(world: World) {
    let node = paired(&world).await;
    let tokens = node.login(anna()).await;
    let bearer = format!("bearer {}", tokens.access_token());
    let reply = node.send(Call::refresh(&refresh_of(&tokens)).header(AUTHORIZATION, bearer)).await;
    assert_eq!(reply.status, StatusCode::OK);
    node.post_refresh(&reply.member("refresh_token")).await.assert_invalid_grant();
    node.get("/me", &reply.member("access_token")).await.assert_invalid_token();
}
