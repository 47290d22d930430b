//! Two nodes on one server: wake-ups, and a server that crashes or stalls.

use std::time::Duration;

use auth_core::store::redis::RedisStore;
use auth_core::store::{Created, LoginStore as _, RevocationStore as _};
use auth_tests::server::{Cluster, Server};
use auth_tests::within;

use crate::concurrency::Stage;
use crate::redis::world::RedisWorld;

/// What one node appends wakes the other, before its next poll.
async fn an_entry_wakes_the_other(writer: &Stage, reader: &RedisStore) {
    let mut wake_ups = reader.wake_ups();
    // The subscription itself wakes once, whenever it is there.
    within("a wake-up", async {
        loop {
            wake_ups.mark_unchanged();
            writer.end_all(&Stage::subject(0)).await;
            if tokio::time::timeout(Duration::from_millis(200), wake_ups.changed()).await.is_ok() {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_entry_wakes_another_node_of_a_server() {
    let Some(server) = Server::redis() else { return };
    let world = RedisWorld::on(server).await;
    an_entry_wakes_the_other(&Stage::of(&world), &world.reopened().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_wakes_another_node_of_a_cluster() {
    let Some(cluster) = Cluster::start() else { return };
    let urls = cluster.urls();
    let open = || RedisStore::builder(urls.iter().map(String::as_str)).open();
    let (writer, reader) = (open().await.unwrap(), open().await.unwrap());
    an_entry_wakes_the_other(&Stage::with(std::sync::Arc::new(writer)), &reader).await;
}

/// With `appendfsync always`, what was acknowledged is there after a crash, and the store finds the server again.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_in_a_crash() {
    let Some(server) = Server::durable_redis() else { return };
    let world = RedisWorld::on(&server).await;
    let stage = Stage::of(&world);
    let (mut live, mut ended) = (Vec::new(), Vec::new());
    for number in 1..=30 {
        let subject = Stage::subject(number);
        let login = stage.login(&subject, number);
        assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));
        if number % 3 == 0 {
            stage.end_all(&subject).await;
            ended.push(login.id);
        } else {
            live.push(login.id);
        }
    }
    server.crash_redis();
    // The first call finds that its connection is gone.
    let store = &stage.store;
    within("the server", async {
        while store.login(&stage.realm, live[0]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    for id in live {
        assert!(store.login(&stage.realm, id).await.unwrap().value.is_some());
    }
    for id in ended {
        assert!(store.login(&stage.realm, id).await.unwrap().value.is_none());
    }
}

/// It answers with an error in time, and works when the server goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_is_an_error_in_time() {
    let Some(server) = Server::another_redis() else { return };
    let url = server.redis_url();
    let store = RedisStore::builder([url.as_str()]).timeout(Duration::from_millis(300)).open().await.unwrap();
    let stage = Stage::with(std::sync::Arc::new(store.clone()));
    let login = stage.login(&Stage::subject(1), 1);
    assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));
    server.signal_redis("STOP");
    let asked = within("an error", store.login(&stage.realm, login.id)).await;
    server.signal_redis("CONT");
    assert!(asked.is_err());
    within("the server", async {
        while store.login(&stage.realm, login.id).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}
