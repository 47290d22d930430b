//! Settings without which a server would forget, or answer although it must not.

use std::num::NonZeroU32;
use std::time::Duration;

use auth_core::store::redis::RedisStore;
use auth_core::store::{Created, Cursor, Ids};

use crate::concurrency::Stage;
use crate::redis::world::RedisWorld;
use auth_tests::server::Server;

/// It is cut off from its replicas, so another may have taken its place: nothing that it says counts.
#[tokio::test]
async fn a_master_without_replicas_does_not_answer_where_they_are_required() {
    let Some(server) = Server::another_redis() else { return };
    let world = RedisWorld::on(&server).await;
    let stage = Stage::of(&world);
    let subject = Stage::subject(0);
    let login = stage.login(&subject, 1);
    assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));
    server.set_redis("min-replicas-to-write", "1");
    let (store, realm) = (&stage.store, &stage.realm);
    let most = NonZeroU32::MIN;
    assert!(store.page(realm, &Cursor::start(), most).await.is_err());
    assert!(store.standing(realm, &Ids { login: Some(login.id), ..Ids::default() }).await.is_err());
    assert!(store.login(realm, login.id).await.is_err());
    assert!(store.ticket(realm, &subject).await.is_err());
    assert!(store.end_all(realm, &subject, None, Duration::ZERO).await.is_err());
    server.set_redis("min-replicas-to-write", "0");
    assert!(store.login(realm, login.id).await.unwrap().value.is_some());
}

/// It would delete records that say what has ended.
#[tokio::test]
async fn a_server_that_evicts_is_refused() {
    let Some(server) = Server::another_redis() else { return };
    server.set_redis("maxmemory-policy", "allkeys-lru");
    let opened = RedisStore::open(&server.redis_url()).await;
    assert!(format!("{:?}", opened.unwrap_err()).contains("noeviction"));
}

#[tokio::test]
async fn a_prefix_that_would_move_keys_to_another_slot_is_refused() {
    let Some(server) = Server::redis() else { return };
    for prefix in ["", "a{b", "a}b"] {
        let opened = RedisStore::builder([server.redis_url().as_str()]).prefix(prefix).open().await;
        assert!(format!("{:?}", opened.unwrap_err()).contains("prefix"), "{prefix:?}");
    }
}

/// The password is in the URL.
#[tokio::test]
async fn no_debug_text_or_error_contains_the_url() {
    let url = "redis://someone:hunter2@127.0.0.1:1/";
    let builder = RedisStore::builder([url]);
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = builder.timeout(Duration::from_secs(2)).open().await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

/// A version that cannot read the store says so and does not touch it.
#[tokio::test]
async fn a_store_of_a_later_version_is_refused() {
    let Some(server) = Server::redis() else { return };
    let world = RedisWorld::on(server).await;
    world.command(&["HSET", &world.key(0, "store"), "least_reader", "99"]).await;
    let opened = world.reopened().await;
    assert!(format!("{:?}", opened.unwrap_err()).contains("later version"));
}

/// `SCRIPT FLUSH`, or another server in the place of this one.
#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let Some(server) = Server::another_redis() else { return };
    let world = RedisWorld::on(&server).await;
    let stage = Stage::of(&world);
    let (before, _) = stage.end_all(&Stage::subject(0)).await;
    world.command(&["SCRIPT", "FLUSH"]).await;
    assert!(stage.end_all(&Stage::subject(0)).await.0 > before);
}
