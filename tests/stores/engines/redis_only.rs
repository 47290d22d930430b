//! What only Redis has: settings without which it would forget, and a log that it may lose.

use std::num::NonZeroU32;
use std::time::Duration;

use auth_core::store::{Created, Cursor, Ids, Reset};

use auth_core::testing::contract::World as _;

use crate::engines::concurrency::{HOUR, Stage};
use crate::engines::redis::{self, RedisEngine};
use crate::engines::sketch::Offset;
use auth_tests::server::Server;

/// Cut off from its replicas, so that another may have taken its place: nothing that it says counts.
#[tokio::test]
async fn a_master_without_replicas_does_not_answer_where_they_are_required() {
    let Some(server) = Server::another_redis() else { return };
    let world = redis::world_on(&server).await;
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

/// It would throw away records that say what has ended.
#[tokio::test]
async fn a_server_that_evicts_is_refused() {
    let Some(server) = Server::another_redis() else { return };
    server.set_redis("maxmemory-policy", "allkeys-lru");
    let opened = RedisEngine::open(&server, "test".into(), Offset::default()).await;
    assert!(format!("{:?}", opened.unwrap_err()).contains("noeviction"));
}

/// The entry that the cursor names is gone from one partition: the page begins at the start of all.
#[tokio::test]
async fn a_partition_that_lost_its_log_is_noticed() {
    let Some(world) = redis::world().await else { return };
    let stage = Stage::of(&world);
    for number in 0..40 {
        stage.end_all(&Stage::subject(number)).await;
    }
    let all = stage.page(&Cursor::start(), 100).await;
    assert_eq!((all.entries.len(), all.has_more), (40, false));
    let lose = "#!lua\nlocal lost = redis.call('XLEN', ARGV[3] .. 'log')\nredis.call('DEL', ARGV[3] .. 'log')\nreturn lost";
    let lost = world.store.engine.tamper(&stage.realm, &Stage::subject(7), lose).await;
    let lost = usize::try_from(lost).unwrap();
    assert!(lost > 0);
    let page = stage.page(&all.next, 100).await;
    assert_eq!(page.reset, Some(Reset::UnknownMark));
    assert_eq!(page.entries.len(), 40 - lost);
    assert_eq!(stage.page(&page.next, 100).await.reset, None);
}

/// The entries that the cursor names were over and are gone: the page begins at the start of all, without alarm.
#[tokio::test]
async fn a_partition_whose_old_entries_were_purged_is_read_again_without_alarm() {
    let Some(world) = redis::world().await else { return };
    let stage = Stage::of(&world);
    for number in 0..40 {
        stage.end_all(&Stage::subject(number)).await;
    }
    let cursor = stage.page(&Cursor::start(), 100).await.next;
    world.advance(2 * HOUR);
    assert_eq!(stage.page(&cursor, 100).await.reset, None);
    let purge = "#!lua\nreturn redis.call('XTRIM', ARGV[3] .. 'log', 'MAXLEN', '=', 0)";
    assert!(world.store.engine.tamper(&stage.realm, &Stage::subject(7), purge).await > 0);
    let (_, mark) = stage.end_all(&Stage::subject(7)).await;
    let page = stage.page(&cursor, 100).await;
    assert_eq!(page.reset, Some(Reset::Purged));
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), [mark]);
    assert_eq!(stage.page(&page.next, 100).await.reset, None);
}

/// Or some could sign in and would be gone at once: what they get is as new as the floor that nodes know.
#[tokio::test]
async fn partitions_agree_about_the_floor_again() {
    let Some(world) = redis::world().await else { return };
    let stage = Stage::of(&world);
    let subjects: Vec<_> = (0..40).map(Stage::subject).collect();
    let before = stage.page(&Cursor::start(), 1).await.floor;
    let engine = &world.store.engine;
    let raise = "#!lua\nreturn redis.call('INCRBY', KEYS[1], 1000000)";
    let raised = u64::try_from(engine.tamper(&stage.realm, &subjects[0], raise).await).unwrap();
    assert_eq!(raised, before + 1_000_000);
    engine.tamper(&stage.realm, &subjects[1], "#!lua\nreturn redis.call('DEL', KEYS[1])").await;
    let made = stage.create(&stage.login(&subjects[1], 1), None, None).await;
    assert!(matches!(made, Created::Made { .. }), "{made:?}");
    for subject in &subjects {
        assert_eq!(stage.store.ticket(&stage.realm, subject).await.unwrap().value.epoch, raised);
    }
    assert_eq!(stage.page(&Cursor::start(), 1).await.floor, raised);
}
