//! The log while transactions dawdle, roll back and stay open, and after it lost entries.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::id::Subject;
use auth_core::store::{Cursor, Mark, Realm, Reset};
use auth_core::testing::contract::World as _;

use crate::concurrency::{HOUR, Stage, read_on};
use crate::postgres::world::{PostgresWorld, Stranger};

const WRITERS: u8 = 8;

/// Ends all logins of a subject, in a transaction that somebody else ends.
async fn end_all(stranger: &mut Stranger, realm: &Realm, subject: &Subject) -> Mark {
    let mark = Mark::random().unwrap();
    let end = sqlx::query(stranger.sql("SELECT * FROM {s}.auth_end_all($1, 0, $2, NULL, 900000, $3)"));
    let end = end.bind(realm.as_str()).bind(subject.as_str()).bind(mark.as_bytes().as_slice());
    end.execute(&mut stranger.connection).await.unwrap();
    mark
}

/// They commit in another order than they write, some roll back, and one stays open all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_entry_of_writers_that_dawdle_is_seen_once() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
    read_on(&stage, &mut cursor, &mut seen).await;

    let mut held = world.stranger().await;
    held.run("BEGIN").await;
    let late = end_all(&mut held, &stage.realm, &Stage::subject(100)).await;

    let committed = Arc::new(Mutex::new(Vec::new()));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (mut stranger, committed) = (world.stranger().await, Arc::clone(&committed));
        let realm = stage.realm.clone();
        writers.push(tokio::spawn(async move {
            for round in 0..40_u64 {
                stranger.run("BEGIN").await;
                let mark = end_all(&mut stranger, &realm, &Stage::subject(writer)).await;
                let while_others_go_on = Duration::from_millis((round * 7 + u64::from(writer) * 3) % 11);
                tokio::time::sleep(while_others_go_on).await;
                if round % 4 == 3 {
                    stranger.run("ROLLBACK").await;
                } else {
                    stranger.run("COMMIT").await;
                    committed.lock().unwrap().push(mark);
                }
            }
        }));
    }
    loop {
        let is_last = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let before = committed.lock().unwrap().clone();
        read_on(&stage, &mut cursor, &mut seen).await;
        assert!(before.iter().all(|mark| seen.contains(mark)), "a committed entry is missing");
        if is_last {
            break;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(!seen.contains(&late));
    held.run("COMMIT").await;
    read_on(&stage, &mut cursor, &mut seen).await;
    let mut expected: BTreeSet<_> = committed.lock().unwrap().iter().copied().collect();
    expected.insert(late);
    assert_eq!(seen.len(), expected.len(), "an entry came twice");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
}

/// Whatever another application in the same database does, and for how long.
#[tokio::test]
async fn a_transaction_that_is_held_open_delays_no_revocation() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let mut other = world.stranger().await;
    other.run("CREATE TABLE {s}.of_another (x integer); BEGIN; INSERT INTO {s}.of_another VALUES (1)").await;
    let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
    for round in 1..=20 {
        let (_, mark) = stage.end_all(&Stage::subject(1)).await;
        read_on(&stage, &mut cursor, &mut seen).await;
        assert_eq!((seen.len(), seen.last()), (round, Some(&mark)), "late, or twice");
    }
    other.run("COMMIT").await;
    read_on(&stage, &mut cursor, &mut seen).await;
    assert_eq!(seen.len(), 20);
}

/// The entry that the cursor names is gone.
#[tokio::test]
async fn a_log_that_lost_its_end_begins_again() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let (_, kept) = stage.end_all(&Stage::subject(1)).await;
    stage.end_all(&Stage::subject(2)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    let lose = "DELETE FROM {s}.auth_log WHERE id = (SELECT max(id) FROM {s}.auth_log)";
    world.stranger().await.run(lose).await;
    let page = stage.page(&cursor, 10).await;
    assert_eq!(page.reset, Some(Reset::UnknownMark));
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), [kept]);
}

/// The entry that the cursor names is missing, and had expired.
#[tokio::test]
async fn a_log_whose_old_entries_were_purged_is_read_again_without_alarm() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    stage.end_all(&Stage::subject(1)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    world.advance(2 * HOUR);
    assert_eq!(stage.page(&cursor, 10).await.reset, None);
    let (_, mark) = stage.end_all(&Stage::subject(2)).await;
    let lose = "DELETE FROM {s}.auth_log WHERE id = (SELECT min(id) FROM {s}.auth_log)";
    world.stranger().await.run(lose).await;
    let page = stage.page(&cursor, 10).await;
    assert_eq!(page.reset, Some(Reset::Purged));
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), [mark]);
    assert_eq!(stage.page(&page.next, 10).await.reset, None);
}

/// `pg_restore` brings the numbers of another server's transactions, which this one has not reached.
#[tokio::test]
async fn each_entry_of_a_log_from_another_server_is_read_once() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let (_, first) = stage.end_all(&Stage::subject(1)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    let restored = "UPDATE {s}.auth_log SET txid = '4611686018427387904'; UPDATE {s}.auth_store SET system = 1; \
                    UPDATE {s}.auth_incarnation SET started = '2020-01-01'";
    world.stranger().await.run(restored).await;
    let page = stage.page(&cursor, 10).await;
    assert_eq!(page.reset, Some(Reset::Incarnation));
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), [first]);
    let (_, second) = stage.end_all(&Stage::subject(2)).await;
    let page = stage.page(&page.next, 10).await;
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), [second]);
    assert_eq!(stage.page(&page.next, 10).await.entries, []);
}
