//! Subjects with very many logins.

use std::time::Duration;

use auth_core::store::sqlite::SqliteStore;
use auth_core::store::{Created, FamilyStore as _, LoginStore as _, NewLogin, RevocationStore as _, Rotated};
use auth_core::testing::ManualClock;
use sqlx::SqliteConnection;
use tempfile::TempDir;

use crate::sqlite::support::*;

/// Adds copies of login 0, which must be there.
async fn copy(connection: &mut SqliteConnection, copies: u32) {
    let sql = format!(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {copies}) \
         INSERT INTO auth_login (id, realm, subject, kind, created_at, last_seen_at, authenticated_at, expires_at, \
             idle_expires_at, claims, begun_under, epoch, claims_loaded_at, retention, extra, generation, branch, \
             previous_branch, current, previous, nonce, rotated_at, confirmed, shared, counted) \
         SELECT unhex(printf('%032x', n)), realm, subject, kind, created_at, last_seen_at, authenticated_at, \
             expires_at, idle_expires_at, claims, begun_under, epoch, claims_loaded_at, retention, extra, generation, \
             branch, previous_branch, current, previous, nonce, rotated_at, confirmed, shared, counted \
         FROM number CROSS JOIN auth_login WHERE id = zeroblob(16)"
    );
    run(connection, &sql).await;
}

/// Counts changed rows, of every table, from now on.
async fn count_changes(connection: &mut SqliteConnection) {
    run(connection, "CREATE TABLE changes (n INTEGER); INSERT INTO changes VALUES (0)").await;
    for table in ["auth_login", "auth_session", "auth_subject", "auth_log", "auth_untidy", "auth_realm"] {
        for event in ["INSERT", "UPDATE", "DELETE"] {
            let trigger = format!(
                "CREATE TRIGGER changes_{table}_{event} AFTER {event} ON {table} \
                 BEGIN UPDATE changes SET n = n + 1; END"
            );
            run(connection, &trigger).await;
        }
    }
}

async fn changes(connection: &mut SqliteConnection) -> i64 {
    let changes = number(connection, "SELECT n FROM changes").await;
    run(connection, "UPDATE changes SET n = 0").await;
    changes
}

#[tokio::test]
async fn ending_all_changes_as_many_rows_however_many_logins_there_are() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    add(&store, 0).await;
    let mut stranger = stranger(&file(&folder)).await;
    count_changes(&mut stranger).await;

    store.claims_changed(&realm(), &anna(), HOUR).await.unwrap();
    assert_eq!(changes(&mut stranger).await, 2, "record and entry");
    let few = store.end_all(&realm(), &anna(), None, HOUR).await.unwrap().value;
    assert_eq!((few.count, changes(&mut stranger).await), (1, 3), "record, entry and note for purging");
    assert_eq!(store.purge().await.unwrap().value, 1);

    add(&store, 0).await;
    copy(&mut stranger, 19_999).await;
    changes(&mut stranger).await;
    store.claims_changed(&realm(), &anna(), HOUR).await.unwrap();
    assert_eq!(changes(&mut stranger).await, 2);
    let many = store.end_all(&realm(), &anna(), Some(id(5)), HOUR).await.unwrap().value;
    assert_eq!((many.count, many.spared, changes(&mut stranger).await), (19_999, Some(id(5)), 3));
    assert_eq!(count(&store).await, 1);
    assert_eq!(store.purge().await.unwrap().value, 19_999);
    assert_eq!(number(&mut stranger, "SELECT count(*) FROM auth_login").await, 1);
    assert_eq!(number(&mut stranger, "SELECT count(*) FROM auth_untidy").await, 0);
    assert_eq!(store.purge().await.unwrap().value, 0);
}

async fn is_made(store: &SqliteStore, number: u32) -> bool {
    let ticket = ticket(store).await;
    let made = store.create(&realm(), &ticket, &login(number), None, None).await.unwrap();
    matches!(made.value, Created::Made { .. })
}

#[tokio::test]
async fn what_fell_below_the_floor_is_purged() {
    let folder = TempDir::new().unwrap();
    let clock = ManualClock::new(NOW);
    let store = open_at(&file(&folder), clock.clone()).await;
    for number in 0..3 {
        assert!(is_made(&store, number).await);
    }
    clock.advance(std::time::Duration::from_secs(1));
    store.declare_restored(&realm(), None).await.unwrap();
    assert!(!is_made(&store, 1).await, "the id is taken until the row is gone");
    assert!(is_made(&store, 9).await);
    assert_eq!(store.purge().await.unwrap().value, 3);
    assert!(is_made(&store, 1).await);
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn a_login_that_was_used_is_purged_when_it_expires_and_not_before() {
    let folder = TempDir::new().unwrap();
    let clock = ManualClock::new(NOW);
    let store = open_at(&file(&folder), clock.clone()).await;
    let ticket = ticket(&store).await;
    // More than one step of purging looks at.
    for number in 0..250 {
        let new = NewLogin { lifetime: 4 * HOUR, ..login(number) };
        let _ = store.create(&realm(), &ticket, &new, None, None).await.unwrap();
    }
    clock.advance(HOUR / 2);
    for number in 0..220 {
        let rotated = store.rotate(&realm(), &rotation(number)).await.unwrap().value;
        assert!(matches!(rotated, Rotated::Rotated(_)));
    }
    clock.advance(HOUR / 2);
    assert_eq!(store.purge().await.unwrap().value, 30);
    clock.advance(HOUR / 2 - Duration::from_millis(1));
    assert_eq!(store.purge().await.unwrap().value, 0);
    assert_eq!(count(&store).await, 220);
    clock.advance(Duration::from_millis(1));
    assert_eq!(store.purge().await.unwrap().value, 220);
}
