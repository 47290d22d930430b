//! Wake-ups between nodes.

use std::time::Duration;

use auth_core::store::{Cursor, RevocationStore as _};
use auth_tests::within;
use tokio::sync::watch;

use crate::concurrency::Stage;
use crate::postgres::world::PostgresWorld;

async fn woken(wake_ups: &mut watch::Receiver<u64>) {
    within("a wake-up", wake_ups.changed()).await.unwrap();
}

/// Waits until the node listens: from then on nothing is missed.
async fn until_listening(world: &PostgresWorld, nodes: i64) {
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN \"auth_log_{s}\"%'";
    let mut stranger = world.stranger().await;
    within("the nodes listen", async {
        while stranger.number(listening).await < nodes {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_entry_wakes_the_other_nodes() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let other = world.node().await;
    until_listening(&world, 2).await;
    let mut wake_ups = other.wake_ups();
    wake_ups.borrow_and_update();
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
    until_listening(&world, 2).await;
    let (mut own, mut others) = (world.store.wake_ups(), other.wake_ups());
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
    until_listening(&world, 2).await;
    let mut wake_ups = other.wake_ups();
    wake_ups.borrow_and_update();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE query LIKE 'LISTEN \"auth_log_{s}\"%'";
    assert_eq!(world.stranger().await.number(cut).await, 2);
    // It may have missed something, so it looks.
    woken(&mut wake_ups).await;
    until_listening(&world, 2).await;
    wake_ups.borrow_and_update();
    stage.end_all(&Stage::subject(1)).await;
    woken(&mut wake_ups).await;
}
