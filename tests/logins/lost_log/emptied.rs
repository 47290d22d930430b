//! An empty store replaces one that nodes know: credentials from before are refused, and new ones are accepted.

use std::sync::Arc;

use auth_core::store::Reset;
use auth_core::store::Store;
use auth_core::store::memory::MemoryStore;
use auth_tests::shop::{assert_ended, assert_works, open, refresh_of};
use auth_tests::{Fault, FaultyStore, Op, SECOND, World, anna, bert, on_both_stores, whole};

use crate::lost_log::support::{assert_one_reset, fragile};

on_both_stores!(
    what_is_logged_right_after_a_store_was_emptied_is_heard_of,
    a_store_that_was_emptied_before_a_node_starts_lets_nothing_old_in,
);

/// Another store of the same kind and time, with nothing in it.
async fn empty_store(world: &World) -> Arc<dyn Store> {
    match world.store.is_durable() {
        true => Arc::new(open(world.path().with_file_name("other.db"), &world.clock).await),
        false => Arc::new(MemoryStore::with_clock(world.clock.clone())),
    }
}

async fn what_is_logged_right_after_a_store_was_emptied_is_heard_of(world: World) {
    let [here, there] = [world.node().await, world.node().await];
    let (old, session) = (here.login(anna()).await, here.sign_in("anna", "").await);
    // Enough that the new log is shorter than the old one.
    for _ in 0..3 {
        let ended = here.login(bert()).await;
        here.end(&refresh_of(&ended)).await;
    }
    for node in [&here, &there] {
        node.catch_up().await;
        assert_works(node, &old).await;
        node.get_by_cookie("/me", &session).await.assert_text("anna, by session");
        node.store.drop_wake_ups();
    }
    world.clock.advance(SECOND);
    let empty = empty_store(&world).await;
    for node in [&here, &there] {
        node.events.clear();
        node.store.swap(empty.clone());
    }

    let new = here.login(anna()).await;
    here.end(&refresh_of(&new)).await;
    there.catch_up().await;
    assert_ended(&there, &new).await;
    let again = there.login(anna()).await;
    here.catch_up().await;
    let world = world.with_store(empty);
    let fresh = world.node().await;
    for node in [&here, &there, &fresh] {
        // A new sign-in is valid at once, on every node.
        assert_works(node, &again).await;
        let own = node.login(anna()).await;
        assert_works(&here, &own).await;
        assert_works(&there, &own).await;
        node.refresh(&refresh_of(&own)).await.unwrap();
        let cookie = node.sign_in("anna", "").await;
        here.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        // Credentials from before are refused.
        assert_ended(node, &old).await;
        assert_ended(node, &new).await;
        node.get_by_cookie("/me", &session).await.assert_invalid_session();
    }
    for node in [&here, &there] {
        assert_one_reset(node, Reset::Incarnation);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_logged_right_after_everything_was_deleted_is_heard_of() {
    whole(async {
        let (world, store) = fragile();
        let [here, there] = [world.node().await, world.node().await];
        let (old, bad) = (here.login(anna()).await, here.login(anna()).await);
        here.end(&refresh_of(&bad)).await;
        here.catch_up().await;
        there.catch_up().await;
        world.clock.advance(SECOND);
        store.empty();
        let new = here.login(anna()).await;
        here.end(&refresh_of(&new)).await;
        there.catch_up().await;
        here.catch_up().await;
        for node in [&here, &there] {
            assert_ended(node, &new).await;
            assert_ended(node, &old).await;
            assert_ended(node, &bad).await;
            assert_works(&here, &node.login(anna()).await).await;
            assert_one_reset(node, Reset::UnknownMark);
        }
    })
    .await;
}

async fn a_store_that_was_emptied_before_a_node_starts_lets_nothing_old_in(world: World) {
    let node = world.node().await;
    let (old, session) = (node.login(anna()).await, node.sign_in("anna", "").await);
    let signed_out = node.login(anna()).await;
    node.end(&refresh_of(&signed_out)).await;
    drop(node);
    world.clock.advance(SECOND);
    let empty = empty_store(&world).await;
    let world = world.with_store(empty);
    let node = world.node().await;
    for tokens in [&old, &signed_out] {
        assert_ended(&node, tokens).await;
    }
    node.get_by_cookie("/me", &session).await.assert_invalid_session();
    assert_works(&node, &node.login(anna()).await).await;
    // Nor does a node that could not read the log when it started.
    let blind = FaultyStore::over(world.store.clone());
    blind.always(Op::Page, Fault::Before);
    let blind = world.node_over(blind, |builder| builder).await;
    blind.get("/me", signed_out.access_token()).await.assert_invalid_token();
    blind.get("/me", old.access_token()).await.assert_invalid_token();
    blind.store.set_down(true);
    blind.get("/me", signed_out.access_token()).await.assert_unavailable();
}
