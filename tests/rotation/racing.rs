//! Signing out while a refresh is under way, and answers that arrive in another order.

use std::sync::Arc;

use auth_core::login::Tokens;
use auth_tests::shop::{assert_refused, assert_try_again, refresh_of};
use auth_tests::{
    Directory, Fault, GRACE, Gate, HOUR, Node, Op, World, admin, anna, claims_of, in_time, joined,
    on_both_stores, subject,
};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::sync::Barrier;

on_both_stores!(
    a_refresh_after_the_sign_out_is_refused,
    a_sign_out_after_the_refresh_ends_what_it_brought,
    a_sign_out_just_before_the_rotation_wins,
    a_sign_out_just_after_the_rotation_wins,
    ending_all_logins_just_after_the_rotation_wins,
    claims_that_change_just_after_the_rotation_outdate_what_it_brought,
    late_answers_carry_the_same_token,
    a_late_answer_that_was_overtaken_is_not_handed_out,
);

async fn sign_out(node: &Node, access_token: &str) {
    let reply = node.bearer(Method::POST, "/auth/logout", access_token).await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::NO_CONTENT, ""));
}

/// Nothing that was ever handed out works, here and on another node.
async fn assert_over(world: &World, node: &Node, tokens: &[&Tokens]) {
    let other = world.node().await;
    for node in [node, &other] {
        for tokens in tokens {
            assert_refused(&node.refresh(&refresh_of(tokens)).await);
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
        }
        assert!(node.logins_of("anna").await.is_empty());
        assert_eq!(node.events.thefts(), 0);
    }
}

async fn a_refresh_after_the_sign_out_is_refused(world: World) {
    let node = world.node().await;
    let first = node.login(anna()).await;
    let next = node.refresh(&refresh_of(&first)).await.unwrap();
    sign_out(&node, first.access_token()).await;
    assert_over(&world, &node, &[&first, &next]).await;
}

async fn a_sign_out_after_the_refresh_ends_what_it_brought(world: World) {
    let node = world.node().await;
    let first = node.login(anna()).await;
    let next = node.refresh(&refresh_of(&first)).await.unwrap();
    sign_out(&node, next.access_token()).await;
    assert_over(&world, &node, &[&first, &next]).await;
}

async fn a_sign_out_just_before_the_rotation_wins(world: World) {
    let node = world.node().await;
    let first = node.login(anna()).await;
    let (gate, refresh) = node.refreshing_up_to(Op::Rotate, Fault::StopBefore, &refresh_of(&first)).await;
    sign_out(&node, first.access_token()).await;
    gate.open();
    assert_refused(&joined(refresh).await);
    assert_over(&world, &node, &[&first]).await;
}

async fn a_sign_out_just_after_the_rotation_wins(world: World) {
    let node = world.node().await;
    let first = node.login(anna()).await;
    let (gate, refresh) = node.refreshing_up_to(Op::Rotate, Fault::StopAfter, &refresh_of(&first)).await;
    sign_out(&node, first.access_token()).await;
    gate.open();
    // Whatever it got, it is worth nothing.
    let late = joined(refresh).await;
    assert_over(&world, &node, &[&first]).await;
    if let Ok(late) = &late {
        assert_over(&world, &node, &[late]).await;
    }
}

async fn ending_all_logins_just_after_the_rotation_wins(world: World) {
    let (node, admins) = (world.node().await, world.node().await);
    let first = node.login(anna()).await;
    let (gate, refresh) = node.refreshing_up_to(Op::Rotate, Fault::StopAfter, &refresh_of(&first)).await;
    assert_eq!(in_time(admins.auth.end_all_logins(&subject("anna"))).await.unwrap(), 1);
    gate.open();
    let late = joined(refresh).await;
    node.catch_up().await;
    assert_over(&world, &node, &[&first]).await;
    if let Ok(late) = &late {
        assert_over(&world, &node, &[late]).await;
    }
}

/// The token is signed under the epoch of the rotation, whatever came afterwards.
async fn claims_that_change_just_after_the_rotation_outdate_what_it_brought(world: World) {
    let directory = Directory::of([admin()]);
    let (node, other) = (world.node_with_source(&directory).await, world.node_with_source(&directory).await);
    let first = refresh_of(&node.login(admin()).await);
    let gate = Gate::closed();
    directory.stop_next_at(&gate);
    let refresh = node.refreshing(&first);
    gate.reached().await;
    directory.put(anna());
    other.claims_changed("anna").await;
    gate.open();
    let late = joined(refresh).await.unwrap();
    assert_eq!(claims_of(late.access_token())["roles"], json!(["admin"]));
    for node in [&node, &other] {
        node.catch_up().await;
        node.get("/admin", late.access_token()).await.assert_invalid_token();
    }
    let next = node.refresh(&refresh_of(&late)).await.unwrap();
    for node in [&node, &other] {
        node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
        node.get("/admin", next.access_token()).await.assert_insufficient();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_sign_out_among_many_refreshes_no_token_works() {
    for round in 0..40 {
        let world = if round % 2 == 0 { World::memory() } else { World::sqlite().await };
        let node = world.node().await;
        let first = Arc::new(node.login(anna()).await);
        let barrier = Arc::new(Barrier::new(9));
        let refreshes: Vec<_> = (0..8)
            .map(|_| {
                let (node, first, barrier) = (node.clone(), first.clone(), barrier.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    node.refresh(&refresh_of(&first)).await
                })
            })
            .collect();
        barrier.wait().await;
        sign_out(&node, first.access_token()).await;
        let mut handed_out = Vec::new();
        for refresh in refreshes {
            match joined(refresh).await {
                Ok(tokens) => handed_out.push(tokens),
                refused => assert_refused(&refused),
            }
        }
        handed_out.push(Arc::into_inner(first).unwrap());
        assert_over(&world, &node, &handed_out.iter().collect::<Vec<_>>()).await;
    }
}

async fn late_answers_carry_the_same_token(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let (gate, slow) = node.refreshing_up_to(Op::Rotate, Fault::StopAfter, &first).await;
    let fast = node.refresh(&first).await.unwrap();
    node.get("/me", fast.access_token()).await.assert_text("anna, by jwt");
    world.clock.advance(HOUR);
    gate.open();
    assert_eq!(refresh_of(&joined(slow).await.unwrap()), refresh_of(&fast));
    assert!(node.refresh(&refresh_of(&fast)).await.is_ok());
}

/// The client could store it over the newer one: it is told to try again, with what it has by then.
async fn a_late_answer_that_was_overtaken_is_not_handed_out(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let (gate, slow) = node.refreshing_up_to(Op::Rotate, Fault::StopAfter, &first).await;
    let second = refresh_of(&node.refresh(&first).await.unwrap());
    world.clock.advance(GRACE);
    let third = node.refresh(&second).await.unwrap();
    node.get("/me", third.access_token()).await.assert_text("anna, by jwt");
    let row = node.row(&first).await;
    gate.open();
    assert_try_again(&joined(slow).await);
    assert_eq!(node.row(&first).await, row);
    let again = refresh_of(&third);
    assert_eq!(refresh_of(&node.refresh(&again).await.unwrap()), again);
}
