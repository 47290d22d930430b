//! "Used": the first time that a guard accepts the access token of a rotation.

use auth_core::login::Tokens;
use auth_tests::shop::{assert_refused, assert_try_again, refresh_of};
use auth_tests::{
    Fault, Forged, GRACE, Gate, Node, Op, SECOND, World, anna, in_time, joined, on_both_stores, within,
};
use futures_util::FutureExt as _;

on_both_stores!(
    what_this_node_saw_counts_before_the_store_knows,
    what_is_on_its_way_to_the_store_counts,
    the_writes_of_a_dropped_call_are_written_later,
    what_could_not_be_written_is_written_later,
    a_predecessor_is_not_answered_while_a_use_can_not_be_written,
    the_use_of_an_older_token_does_not_hide_that_of_the_newer,
    the_use_of_an_older_token_confirms_nothing,
    another_node_counts_what_was_written,
    a_rotation_is_confirmed_once_and_not_with_each_request,
    an_access_token_that_is_refused_confirms_nothing,
);

/// A login after one rotation: the first refresh token, and the tokens that came of it.
async fn rotated(node: &Node) -> (String, Tokens) {
    let first = refresh_of(&node.login(anna()).await);
    let next = node.refresh(&first).await.unwrap();
    (first, next)
}

async fn call(node: &Node, tokens: &Tokens) {
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
}

async fn assert_theft(node: &Node, token: &str) {
    assert_refused(&node.refresh(token).await);
    assert_eq!(node.row(token).await, None);
    assert_eq!(node.events.thefts(), 1);
}

async fn what_this_node_saw_counts_before_the_store_knows(world: World) {
    let node = world.node().await;
    let (first, next) = rotated(&node).await;
    call(&node, &next).await;
    assert!(!node.family(&first).await.confirmed);
    world.clock.advance(GRACE);
    assert_theft(&node, &first).await;
}

async fn what_is_on_its_way_to_the_store_counts(world: World) {
    let node = world.node().await;
    let (first, next) = rotated(&node).await;
    let gate = Gate::closed();
    node.store.always(Op::Confirm, Fault::StopBefore(gate.clone()));
    call(&node, &next).await;
    let writer = node.clone();
    let writing = tokio::spawn(async move { in_time(writer.auth.flush()).await });
    gate.reached().await;
    world.clock.advance(GRACE);
    let stealing = node.refreshing(&first);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    gate.open();
    assert_refused(&joined(stealing).await);
    joined(writing).await.unwrap();
    assert_eq!(node.row(&first).await, None);
}

async fn the_writes_of_a_dropped_call_are_written_later(world: World) {
    let node = world.node().await;
    let (first, next) = rotated(&node).await;
    let gate = Gate::closed();
    node.store.next(Op::Confirm, Fault::StopBefore(gate.clone()));
    call(&node, &next).await;
    {
        let mut flush = Box::pin(node.auth.flush());
        assert!((&mut flush).now_or_never().is_none());
        gate.reached().await;
    }
    node.flush().await;
    assert!(node.family(&first).await.confirmed);
    world.clock.advance(GRACE);
    assert_theft(&node, &first).await;
}

async fn what_could_not_be_written_is_written_later(world: World) {
    let node = world.node().await;
    let (first, next) = rotated(&node).await;
    node.store.next(Op::Confirm, Fault::Before);
    node.store.next(Op::Confirm, Fault::After);
    call(&node, &next).await;
    assert!(in_time(node.auth.flush()).await.is_err());
    assert!(!node.family(&first).await.confirmed);
    assert!(in_time(node.auth.flush()).await.is_err());
    node.flush().await;
    assert!(node.family(&first).await.confirmed);
}

async fn a_predecessor_is_not_answered_while_a_use_can_not_be_written(world: World) {
    let node = world.node().await;
    let (first, next) = rotated(&node).await;
    node.store.always(Op::Confirm, Fault::Before);
    call(&node, &next).await;
    world.clock.advance(GRACE);
    let row = node.row(&first).await;
    assert_try_again(&node.refresh(&first).await);
    assert_eq!(node.row(&first).await, row);
    node.store.heal(Op::Confirm);
    assert_theft(&node, &first).await;
}

async fn the_use_of_an_older_token_does_not_hide_that_of_the_newer(world: World) {
    let node = world.node().await;
    let (_, older) = rotated(&node).await;
    world.clock.advance(GRACE);
    let newer = node.refresh(&refresh_of(&older)).await.unwrap();
    call(&node, &newer).await;
    call(&node, &older).await;
    node.flush().await;
    assert!(node.family(&refresh_of(&newer)).await.confirmed);
    world.clock.advance(GRACE);
    assert_theft(&node, &refresh_of(&older)).await;
}

async fn the_use_of_an_older_token_confirms_nothing(world: World) {
    let node = world.node().await;
    let (first, lost) = rotated(&node).await;
    world.clock.advance(GRACE);
    let replaced = node.refresh(&first).await.unwrap();
    call(&node, &lost).await;
    node.flush().await;
    assert!(!node.family(&first).await.confirmed);
    world.clock.advance(GRACE);
    let again = refresh_of(&node.refresh(&first).await.unwrap());
    assert_eq!(Forged::from(&again).branch(), 2);
    assert_ne!(again, refresh_of(&replaced));
}

async fn another_node_counts_what_was_written(world: World) {
    let (here, there) = (world.node().await, world.node().await);
    let (first, next) = rotated(&here).await;
    call(&here, &next).await;
    // At most a second later, without anybody asking for it.
    within("a confirmation that is written", async {
        while !here.family(&first).await.confirmed {
            tokio::time::sleep(SECOND / 10).await;
        }
    })
    .await;
    world.clock.advance(GRACE);
    assert_theft(&there, &first).await;
}

async fn a_rotation_is_confirmed_once_and_not_with_each_request(world: World) {
    let node = world.node().await;
    let (first, next) = rotated(&node).await;
    for _ in 0..20 {
        for _ in 0..10 {
            call(&node, &next).await;
        }
        world.clock.advance(SECOND);
        node.flush().await;
    }
    assert!(node.family(&first).await.confirmed);
    assert_eq!(node.store.calls(Op::Confirm), 1);
}

async fn an_access_token_that_is_refused_confirms_nothing(world: World) {
    let node = world.node().await;
    let (first, next) = rotated(&node).await;
    world.clock.advance(auth_tests::TTL + auth_tests::LEEWAY);
    node.get("/me", next.access_token()).await.assert_invalid_token();
    node.flush().await;
    assert!(!node.family(&first).await.confirmed);
    assert_eq!(node.store.calls(Op::Confirm), 0);
    assert!(node.refresh(&first).await.is_ok());
}
