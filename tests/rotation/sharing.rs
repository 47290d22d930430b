//! Two parties with one login within the grace: it is seen when a predecessor comes again after its successor was used.

use std::num::NonZeroU32;

use auth_core::audit::AuditEvent;
use auth_core::store::{EndReason, Family};
use auth_tests::shop::{assert_refused, login_of, refresh_of};
use auth_tests::{GRACE, Node, SECOND, World, anna, on_both_stores, subject};

on_both_stores!(
    a_login_that_seems_shared_is_reported_and_goes_on,
    a_predecessor_whose_successor_was_not_used_is_no_sign_of_sharing,
    a_generation_counts_once,
    a_generation_without_a_sign_begins_the_count_anew,
    a_login_that_is_shared_in_too_many_generations_in_a_row_ends_alone,
);

/// A second after the rotation of a token, whose successor is used meanwhile: the successor.
async fn rotated_and_used(node: &Node, token: &str) -> String {
    let next = node.refresh(token).await.unwrap();
    node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    node.clock.advance(SECOND);
    node.events.clear();
    refresh_of(&next)
}

/// How often in a row a login seems shared, as a predecessor that comes again shows.
async fn assert_shared(node: &Node, token: &str, streak: u32) {
    let answer = node.refresh(token).await.unwrap();
    let (login, generation) = (login_of(token), node.family(token).await.position.generation);
    let expected =
        [AuditEvent::Shared { login, streak, age: SECOND }, AuditEvent::Replayed { login, generation }];
    assert_eq!(node.events.take(), expected);
    node.get("/me", answer.access_token()).await.assert_text("anna, by jwt");
}

async fn a_login_that_seems_shared_is_reported_and_goes_on(world: World) {
    let node = world.node().await;
    let mut token = refresh_of(&node.login(anna()).await);
    for streak in 1..=20 {
        let next = rotated_and_used(&node, &token).await;
        let before = node.family(&token).await;
        assert_shared(&node, &token, streak).await;
        let counted = Family { confirmed: true, shared: streak, counted: true, ..before };
        assert_eq!(node.family(&token).await, counted);
        world.clock.advance(GRACE);
        token = next;
    }
    assert!(node.refresh(&token).await.is_ok());
}

async fn a_predecessor_whose_successor_was_not_used_is_no_sign_of_sharing(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    for _ in 0..3 {
        drop(node.refresh(&first).await.unwrap());
        world.clock.advance(SECOND / 2);
    }
    assert_eq!(node.events.count(|event| matches!(event, AuditEvent::Shared { .. })), 0);
    let family = node.family(&first).await;
    assert_eq!((family.shared, family.counted), (0, false));
}

async fn a_generation_counts_once(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    rotated_and_used(&node, &first).await;
    assert_shared(&node, &first, 1).await;
    for _ in 0..5 {
        drop(node.refresh(&first).await.unwrap());
        assert_eq!(node.events.take(), [AuditEvent::Replayed { login: login_of(&first), generation: 1 }]);
    }
    assert_eq!(node.family(&first).await.shared, 1);
}

async fn a_generation_without_a_sign_begins_the_count_anew(world: World) {
    let node = world.node().await;
    let mut token = refresh_of(&node.login(anna()).await);
    for (is_shared, streak) in [(true, 1), (true, 2), (false, 2), (true, 1), (true, 2), (true, 3)] {
        let next = rotated_and_used(&node, &token).await;
        if is_shared {
            assert_shared(&node, &token, streak).await;
        }
        assert_eq!(node.family(&token).await.shared, streak);
        world.clock.advance(GRACE);
        token = next;
    }
}

async fn a_login_that_is_shared_in_too_many_generations_in_a_row_ends_alone(world: World) {
    let end_after = NonZeroU32::new(2).unwrap();
    let node = world.node_with(|builder| builder.end_shared_logins_after(end_after)).await;
    let other = node.login(anna()).await;
    let first = refresh_of(&node.login(anna()).await);
    let second = rotated_and_used(&node, &first).await;
    assert_shared(&node, &first, 1).await;
    world.clock.advance(GRACE);
    let third = rotated_and_used(&node, &second).await;
    assert_refused(&node.refresh(&second).await);
    let (login, subject, reason) = (login_of(&first), subject("anna"), EndReason::Stolen);
    let expected = [
        AuditEvent::LoginEnded { login, subject: subject.clone(), reason },
        AuditEvent::Shared { login, streak: 2, age: SECOND },
        AuditEvent::Theft { login, subject, generations: 1, age: SECOND },
    ];
    assert_eq!(node.events.take(), expected);
    assert_refused(&node.refresh(&third).await);
    assert_eq!(node.logins_of("anna").await, [login_of(&refresh_of(&other))]);
    node.get("/me", other.access_token()).await.assert_text("anna, by jwt");
}
