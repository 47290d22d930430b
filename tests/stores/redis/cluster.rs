//! A cluster of three masters with a replica each.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use auth_core::store::redis::RedisStore;
use auth_core::store::{Created, Cursor, EndReason, LoginStore as _, Reset, RevocationStore as _};
use auth_tests::server::Cluster;
use auth_tests::within;

use crate::concurrency::{self, HOUR, Stage};

async fn opened(cluster: &Cluster, prefix: &str) -> RedisStore {
    let urls = cluster.urls();
    RedisStore::builder(urls.iter().map(String::as_str)).prefix(prefix).open().await.unwrap()
}

fn stage_of(store: &RedisStore) -> Stage {
    Stage::with(Arc::new(store.clone()))
}

/// What needs several calls at once, on keys in the slots of three masters.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn steps_on_a_cluster_are_as_exact_as_on_one_server() {
    let Some(cluster) = Cluster::start() else { return };
    concurrency::a_limit_that_evicts_is_exact(stage_of(&opened(&cluster, "limit").await)).await;
    concurrency::every_entry_of_eight_writers_is_seen(stage_of(&opened(&cluster, "log").await)).await;
    concurrency::no_sign_in_survives_an_ending_beside_it(stage_of(&opened(&cluster, "end").await)).await;
    concurrency::one_of_many_rotations_wins_and_the_others_see_it(stage_of(
        &opened(&cluster, "rotate").await,
    ))
    .await;
}

/// From one server of it the others are found.
#[tokio::test]
async fn a_cluster_is_found_from_one_of_its_servers() {
    let Some(cluster) = Cluster::start() else { return };
    let store = RedisStore::open(&cluster.urls()[0]).await.unwrap();
    let stage = stage_of(&store);
    for subject in 0..40 {
        stage.end_all(&Stage::subject(subject)).await;
    }
    assert_eq!(stage.page(&Cursor::start(), 100).await.entries.len(), 40);
}

/// A replica takes over that never got the end of a login: the reader that saw the end is told, and its write-back ends the
/// login again.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_lost_an_acknowledged_end_is_noticed_and_mended() {
    let Some(cluster) = Cluster::start() else { return };
    let store = opened(&cluster, "auth").await;
    let stage = stage_of(&store);
    let subject = Stage::subject(0);
    let login = stage.login(&subject, 1);
    assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));
    stage.end_all(&Stage::subject(0xEE)).await;
    let (master, replica) = cluster.keeping(&format!("{{auth/{}}}", stage.partition(&subject).number()));
    master.replicate_redis();
    replica.signal_redis("STOP");
    master.drop_replicas();
    let ended = store.end(&stage.realm, &subject, login.id, EndReason::SignedOut, HOUR).await.unwrap();
    let mark = ended.value.unwrap().mark;
    let page = stage.page(&Cursor::start(), 100).await;
    let known = page.entries.clone();
    assert!(known.iter().any(|entry| entry.mark == mark));
    master.signal_redis("KILL");
    replica.signal_redis("CONT");
    replica.take_over();
    let most = NonZeroU32::new(100).unwrap();
    let after = within("an answer of the new master", async {
        loop {
            match store.page(&stage.realm, &page.next, most).await {
                Ok(page) => return page.value,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    let live = store.login(&stage.realm, login.id).await.unwrap().value;
    assert!(live.is_some(), "the replica does not know the end");
    assert_eq!(after.reset, Some(Reset::UnknownMark));
    store.write_back(&stage.realm, &known).await.unwrap();
    assert!(store.login(&stage.realm, login.id).await.unwrap().value.is_none());
    assert!(stage.page(&Cursor::start(), 100).await.entries.iter().any(|entry| entry.mark == mark));
}
