//! Wake-ups between nodes.

use auth_core::store::postgres::PostgresStore;
use auth_core::store::{Cursor, RevocationStore as _};
use auth_tests::within;
use tokio::sync::watch;

use crate::concurrency::Stage;
use crate::postgres::world::PostgresWorld;

async fn woken(wake_ups: &mut watch::Receiver<u64>) {
    within("a wake-up", wake_ups.changed()).await.unwrap();
}

/// The wake-ups of a new node, when it listens: then it wakes its readers for the first time, and misses nothing more.
async fn listening(node: &PostgresStore) -> watch::Receiver<u64> {
    let mut wake_ups = node.wake_ups();
    within("the node listens", wake_ups.wait_for(|count| *count > 0)).await.unwrap();
    wake_ups
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_entry_wakes_the_other_nodes() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let other = world.node().await;
    let mut wake_ups = listening(&other).await;
    for round in 1..=3 {
        stage.end_all(&Stage::subject(1)).await;
        woken(&mut wake_ups).await;
        let most = std::num::NonZeroU32::new(9).unwrap();
        let page = other.page(&stage.realm, &Cursor::start(), most).await.unwrap().value;
        assert_eq!(page.entries.len(), round, "the wake-up came before the commit");
    }
}

/// Many entries within 10 ms are one notification, and a node does not wake itself by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_entries_are_few_notifications() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let other = world.node().await;
    let (mut own, mut others) = (listening(&world.store).await, listening(&other).await);
    let (before, other_before) = (*own.borrow_and_update(), *others.borrow_and_update());
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let stage = stage.clone();
            tokio::spawn(async move {
                for _ in 0..25 {
                    stage.end_all(&Stage::subject(number)).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    woken(&mut others).await;
    let own = *own.borrow_and_update() - before;
    assert_eq!(own, 200, "one for each call, and none for the notifications of this node");
    let others = *others.borrow_and_update() - other_before;
    assert!((1..200).contains(&others), "{others} notifications for 200 entries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_listens_again_after_its_connection_was_cut() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let other = world.node().await;
    listening(&world.store).await;
    let mut wake_ups = listening(&other).await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE query LIKE 'LISTEN \"auth_log_{s}\"%'";
    assert_eq!(world.stranger().await.number(cut).await, 2);
    // It listens again, and may have missed something, so it looks.
    woken(&mut wake_ups).await;
    wake_ups.borrow_and_update();
    stage.end_all(&Stage::subject(1)).await;
    woken(&mut wake_ups).await;
}
