//! Partitions that lost a part of what they had.

use std::collections::BTreeSet;

use auth_core::store::{Created, Cursor, Partition, Reset};
use auth_core::testing::contract::World as _;

use crate::concurrency::{HOUR, Stage};
use crate::redis::world::{self, RedisWorld};

/// The number of subjects, so that many partitions have one.
const MANY: u8 = 40;

fn partition(stage: &Stage, subject: u8) -> u8 {
    Partition::of(&Stage::subject(subject), stage.store.partitions()).number()
}

async fn log_length(world: &RedisWorld, stage: &Stage, subject: u8) -> usize {
    let length =
        world.command(&["XLEN", &world.key_of(&stage.realm, partition(stage, subject), "log")]).await;
    redis::from_redis_value(length).unwrap()
}

/// The entry that the cursor names is gone from one partition: the page begins at the start of all.
#[tokio::test]
async fn a_partition_that_lost_its_log_is_noticed() {
    let Some(world) = world::alone().await else { return };
    let stage = Stage::of(&world);
    for number in 0..MANY {
        stage.end_all(&Stage::subject(number)).await;
    }
    let all = stage.page(&Cursor::start(), 100).await;
    assert_eq!((all.entries.len(), all.has_more), (usize::from(MANY), false));
    let lost = log_length(&world, &stage, 7).await;
    assert!(lost > 0);
    world.command(&["DEL", &world.key_of(&stage.realm, partition(&stage, 7), "log")]).await;
    let page = stage.page(&all.next, 100).await;
    assert_eq!(page.reset, Some(Reset::UnknownMark));
    assert_eq!(page.entries.len(), usize::from(MANY) - lost);
    assert_eq!(stage.page(&page.next, 100).await.reset, None);
}

/// The entries that the cursor names had expired and are gone: the page begins at the start of all, without alarm.
#[tokio::test]
async fn a_partition_whose_old_entries_were_purged_is_read_again_without_alarm() {
    let Some(world) = world::alone().await else { return };
    let stage = Stage::of(&world);
    for number in 0..MANY {
        stage.end_all(&Stage::subject(number)).await;
    }
    let cursor = stage.page(&Cursor::start(), 100).await.next;
    world.advance(2 * HOUR);
    assert_eq!(stage.page(&cursor, 100).await.reset, None);
    let log = world.key_of(&stage.realm, partition(&stage, 7), "log");
    world.command(&["XTRIM", &log, "MAXLEN", "=", "0"]).await;
    let (_, mark) = stage.end_all(&Stage::subject(7)).await;
    let page = stage.page(&cursor, 100).await;
    assert_eq!(page.reset, Some(Reset::Purged));
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), [mark]);
    assert_eq!(stage.page(&page.next, 100).await.reset, None);
}

/// Or some could sign in and would be gone at once: what they get is as new as the floor that nodes know.
#[tokio::test]
async fn partitions_agree_about_the_floor_again() {
    let Some(world) = world::alone().await else { return };
    let stage = Stage::of(&world);
    let before = stage.page(&Cursor::start(), 1).await.floor;
    let (high, lost) = (partition(&stage, 0), partition(&stage, 1));
    assert_ne!(high, lost);
    world.command(&["INCRBY", &world.key_of(&stage.realm, high, "floor"), "1000000"]).await;
    world.command(&["DEL", &world.key_of(&stage.realm, lost, "floor")]).await;
    let made = stage.create(&stage.login(&Stage::subject(1), 1), None, None).await;
    assert!(matches!(made, Created::Made { .. }), "{made:?}");
    for subject in 0..MANY {
        let ticket = stage.store.ticket(&stage.realm, &Stage::subject(subject)).await.unwrap();
        assert_eq!(ticket.value.epoch, before + 1_000_000);
    }
    assert_eq!(stage.page(&Cursor::start(), 1).await.floor, before + 1_000_000);
}

/// Whatever it keeps grows with live logins and unexpired entries, not with history.
#[tokio::test]
async fn a_purge_leaves_only_the_records_of_ended_logins() {
    let Some(world) = world::alone().await else { return };
    let stage = Stage::of(&world);
    for number in 1..=20 {
        let subject = Stage::subject(number);
        let login = stage.login(&subject, number);
        let session = stage.session(&subject, number);
        assert!(matches!(stage.create(&login, Some(&session), None).await, Created::Made { .. }));
        stage.end_all(&subject).await;
    }
    world.advance(10 * HOUR);
    stage.store.purge().await.unwrap();
    for key in world.keys().await {
        let key = String::from_utf8(key).unwrap();
        let is_kept = ["floor", "store", "realms", "asked", "highest", "log", "log_ends", "marks"];
        let is_kept = is_kept.iter().any(|name| key.ends_with(name)) || key.contains(":subject:");
        assert!(is_kept, "{key} is left");
    }
    // The newest entry of each partition.
    let partitions: BTreeSet<_> = (1..=20).map(|subject| partition(&stage, subject)).collect();
    let page = stage.page(&Cursor::start(), 100).await;
    assert_eq!(page.entries, []);
    let mut left = 0;
    for number in 0..16 {
        let length = world.command(&["XLEN", &world.key_of(&stage.realm, number, "log")]).await;
        left += redis::from_redis_value::<usize>(length).unwrap();
    }
    assert_eq!(left, partitions.len());
}
