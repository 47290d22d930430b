//! Neither a restored store nor one that wakes them without end keeps nodes busy.

use std::sync::Arc;
use std::time::Duration;

use auth_core::store::Store;
use auth_core::store::memory::Incarnation;
use auth_tests::shop::refresh_of;
use auth_tests::store::{Altered, Documents, Families, Log, Logins, Relay, Sessions};
use auth_tests::{Fault, FaultyStore, Node, Op, SECOND, World, anna, whole};
use tokio::sync::watch;

use crate::lost_log::support::{fragile, on_restores, restore};

on_restores!(a_restored_store_keeps_no_node_busy);

/// In front of a store that wakes nodes without end.
#[derive(Clone, Debug)]
struct Restless(Arc<dyn Store>);

impl Altered for Restless {
    fn behind(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
}

impl Logins for Restless {}
impl Families for Restless {}
impl Sessions for Restless {}
impl Documents for Restless {}

impl Log for Restless {
    fn wake_ups(&self) -> watch::Receiver<u64> {
        let (wake, wake_ups) = watch::channel(0);
        tokio::spawn(async move {
            while !wake.is_closed() {
                wake.send_modify(|count| *count += 1);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        wake_ups
    }
}

/// The pages that are asked for in so many seconds, by the clock of the test.
async fn pages_in(node: &Node, time: Duration) -> usize {
    let before = node.store.calls(Op::Page);
    tokio::time::sleep(time).await;
    node.store.calls(Op::Page) - before
}

#[tokio::test(start_paused = true)]
async fn a_store_that_wakes_without_end_keeps_no_node_busy() {
    whole(async {
        let world = World::memory();
        let restless = Restless(world.store.clone());
        // The wake-ups of what stands in front must be those of the one behind.
        let store = FaultyStore::over(Arc::new(Relay(restless)));
        let node = world.node_over(store, |builder| builder).await;
        let woken = pages_in(&node, 10 * SECOND).await;
        assert!((100..=501).contains(&woken), "{woken}");
        node.store.always(Op::Page, Fault::Before);
        let failing = pages_in(&node, 10 * SECOND).await;
        assert!((5..=11).contains(&failing), "{failing}");
    })
    .await;
}

async fn a_restored_store_keeps_no_node_busy(incarnation: Incarnation) {
    let (world, store) = fragile();
    let nodes = [world.node().await, world.node().await, world.node().await];
    let quiet = pages_in(&nodes[0], 10 * SECOND).await;
    assert!((5..=11).contains(&quiet), "{quiet}");
    let copy = store.snapshot();
    for _ in 0..5 {
        let tokens = nodes[0].login(anna()).await;
        nodes[0].end(&refresh_of(&tokens)).await;
    }
    for node in &nodes {
        node.catch_up().await;
    }
    restore(&world, &store, &copy, incarnation);
    let after = pages_in(&nodes[0], 10 * SECOND).await;
    assert!(after <= 30, "{after}");
    let quiet = pages_in(&nodes[0], 10 * SECOND).await;
    assert!((5..=11).contains(&quiet), "{quiet}");
    for node in &nodes {
        assert!(node.store.calls(Op::WriteBack) <= 1);
    }
}
