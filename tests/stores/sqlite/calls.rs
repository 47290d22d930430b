//! Calls that fail or are dropped.

use std::time::Duration;

use auth_core::store::{
    Created, Cursor, DocumentStore as _, FamilyStore as _, Ids, LogEntry, LoginStore as _, NewSession,
    Partition, RevocationStore as _, Rotated, SessionKey, SessionStore as _, Standing, Ticket,
};
use tempfile::TempDir;

use crate::sqlite::support::*;

#[tokio::test]
async fn a_write_that_fails_is_rolled_back() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    let mut stranger = stranger(&file(&folder)).await;
    add(&store, 1).await;
    for action in ["ABORT", "FAIL", "ROLLBACK"] {
        let trigger = format!(
            "CREATE TRIGGER broken AFTER INSERT ON auth_log BEGIN SELECT RAISE({action}, 'broken'); END"
        );
        run(&mut stranger, &trigger).await;
        assert!(end(&store, 1).await.is_err());
        assert!(store.end_all(&realm(), &anna(), None, HOUR).await.is_err());
        assert_eq!(state(&store, 1).await, (true, true, false));
        run(&mut stranger, "DROP TRIGGER broken").await;
        // And the store goes on: a second login comes and goes.
        add(&store, 2).await;
        assert!(end(&store, 2).await.unwrap());
    }
    assert!(end(&store, 1).await.unwrap());
}

#[tokio::test]
async fn a_commit_that_fails_is_an_error() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    add(&store, 1).await;
    let before = store.login(&realm(), id(1)).await.unwrap();
    // A deferred constraint is looked at only when the transaction commits.
    let broken = "CREATE TABLE other (login BLOB REFERENCES auth_login (id) DEFERRABLE INITIALLY DEFERRED); \
                  CREATE TRIGGER broken AFTER UPDATE ON auth_login BEGIN INSERT INTO other VALUES (x'00'); END";
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, broken).await;
    assert!(store.rotate(&realm(), &rotation(1)).await.is_err());
    assert_eq!(store.login(&realm(), id(1)).await.unwrap(), before);
    run(&mut stranger, "DROP TRIGGER broken").await;
    let rotated = store.rotate(&realm(), &rotation(1)).await.unwrap().value;
    assert!(matches!(rotated, Rotated::Rotated(_)));
}

#[tokio::test]
async fn a_dropped_call_takes_effect_as_a_whole_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    let (mut undone, mut done) = (0, 0);
    for number in 0..200_u32 {
        add(&store, number).await;
        let gone = async {
            for _ in 0..number {
                std::thread::sleep(Duration::from_micros(5));
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            ended = end(&store, number) => assert!(ended.unwrap()),
            () = gone => {}
        }
        // The next write waits for whatever is still going on, so that the answer is final.
        store.touch(&realm(), &[]).await.unwrap();
        match state(&store, number).await {
            (true, true, false) => undone += 1,
            (false, false, true) => done += 1,
            other => panic!("after {number}: {other:?}"),
        }
    }
    assert!(undone > 0 && done > 0, "{undone} undone, {done} done: one of the two was not tried");
}

#[tokio::test]
async fn a_read_that_is_dropped_leaves_no_transaction_open() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    add(&store, 1).await;
    for patience in 0..100_u32 {
        let gone = async {
            for _ in 0..patience {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = state(&store, 1) => {}
            () = gone => {}
        }
        // One that is left open would answer with what was there then.
        add(&store, 1000 + patience).await;
        for _ in 0..8 {
            assert_eq!(state(&store, 1000 + patience).await, (true, true, false));
        }
    }
}

#[tokio::test]
async fn the_wake_up_comes_after_the_commit() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    let mut wake_ups = store.wake_ups();
    add(&store, 1).await;
    assert!(!wake_ups.has_changed().unwrap(), "nothing was logged");
    let reader = tokio::spawn({
        let store = store.clone();
        async move {
            wake_ups.changed().await.unwrap();
            page(&store, &Cursor::start()).await.entries.len()
        }
    });
    tokio::task::yield_now().await;
    assert!(end(&store, 1).await.unwrap());
    assert_eq!(reader.await.unwrap(), 1);
}

#[test]
fn debug_shows_no_content() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = TempDir::new().unwrap();
        let store = open(&file(&folder)).await;
        add(&store, 1).await;
        assert_eq!(format!("{store:?}"), "SqliteStore { .. }");
    });
}

#[tokio::test]
async fn nothing_is_in_a_partition_that_is_not_there() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    assert_eq!(store.partitions(), most(1));
    add(&store, 1).await;
    let elsewhere = SessionKey { partition: Partition::new(1), ..key(1) };
    assert_eq!(store.session(&realm(), &elsewhere).await.unwrap().value, None);
    let ids = Ids { session: Some(elsewhere), ..Ids::default() };
    assert_eq!(store.standing(&realm(), &ids).await.unwrap().value, Standing::Gone);
    assert!(store.create_session(&realm(), &NewSession { key: elsewhere, ..session(2) }).await.is_err());
}

#[tokio::test]
async fn numbers_that_no_column_can_contain_are_refused() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    add(&store, 1).await;
    let ticket = Ticket { epoch: u64::MAX, ..ticket(&store).await };
    let made = store.create(&realm(), &ticket, &login(2), None, None).await.unwrap().value;
    assert_eq!(made, Created::Outdated);
    let saved = store.save_session(&realm(), &key(1), b"", u64::MAX, HOUR).await.unwrap().value;
    assert!(!saved);
    assert!(!store.save_document(&realm(), "a", u64::MAX, b"").await.unwrap().value);
    assert!(store.save_claims(&realm(), id(1), b"", u64::MAX).await.is_err());
    // Longer than time itself.
    store.end_all(&realm(), &anna(), None, Duration::MAX).await.unwrap();
    let page = page(&store, &Cursor::start()).await;
    assert_eq!(page.entries[0].expires_at, LogEntry::NEVER);
    assert!(!page.has_more);
}
