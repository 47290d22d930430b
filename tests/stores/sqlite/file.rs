//! The file: it stays, it is private, and it is missed when it goes.

use auth_core::store::sqlite::SqliteStore;
use auth_core::store::{Cursor, LoginStore as _, Reset, RevocationStore as _};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::sqlite::support::*;

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    add(&store, 1).await;
    add(&store, 2).await;
    assert!(end(&store, 1).await.unwrap());
    let before = page(&store, &Cursor::start()).await;
    drop(store);

    let store = open(&file(&folder)).await;
    assert_eq!(state(&store, 1).await, (false, false, true));
    assert_eq!(state(&store, 2).await, (true, true, false));
    let after = page(&store, &before.next).await;
    assert_eq!((after.entries.len(), after.reset, after.floor), (0, None, before.floor));
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    for number in 0..20 {
        add(&store, number).await;
    }
    assert!(end(&store, 7).await.unwrap());
    // What a killed process leaves behind: nothing was closed, nothing was moved into the main file.
    let left = folder.path().join("left.db");
    for ending in ["", "-wal"] {
        let (from, to) =
            (format!("{}{ending}", file(&folder).display()), format!("{}{ending}", left.display()));
        std::fs::copy(from, to).unwrap();
    }
    let reopened = open(&left).await;
    for number in 0..20 {
        let expected = if number == 7 { (false, false, true) } else { (true, true, false) };
        assert_eq!(state(&reopened, number).await, expected);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    add(&store, 1).await;
    for name in ["auth.db", "auth.db-wal", "auth.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_name_that_looks_like_an_address_is_a_name() {
    let folder = TempDir::new().unwrap();
    for name in ["file:a?mode=memory", ":memory:", "a b%20#é"] {
        let path = folder.path().join(name);
        add(&open(&path).await, 1).await;
        assert!(path.is_file());
        assert_eq!(state(&open(&path).await, 1).await, (true, true, false));
    }
}

#[tokio::test]
async fn what_is_not_a_database_is_not_opened() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("text"), "not a database, whatever its name may say. ".repeat(99))
        .unwrap();
    assert!(SqliteStore::open(folder.path().join("text")).await.is_err());
    assert!(SqliteStore::open(folder.path().join("missing/auth.db")).await.is_err());
    assert!(SqliteStore::open(folder.path()).await.is_err());
    assert!(SqliteStore::open("").await.is_err());
}

#[tokio::test]
async fn an_application_may_keep_its_own_tables_in_the_file() {
    let folder = TempDir::new().unwrap();
    let mut stranger =
        SqliteConnectOptions::new().filename(file(&folder)).create_if_missing(true).connect().await.unwrap();
    run(&mut stranger, "CREATE TABLE _sqlx_migrations (mine TEXT); CREATE TABLE login (mine TEXT)").await;
    add(&open(&file(&folder)).await, 1).await;
}

/// A store with a login, and a page that was read before something happens to the file.
async fn used(folder: &TempDir) -> (SqliteStore, Cursor) {
    let store = open(&file(folder)).await;
    add(&store, 1).await;
    add(&store, 2).await;
    assert!(end(&store, 2).await.unwrap());
    let cursor = page(&store, &Cursor::start()).await.next;
    (store, cursor)
}

/// Reads and writes fail, and go on failing.
async fn assert_lost(store: &SqliteStore, why: &str) {
    for _ in 0..3 {
        let read = store.page(&realm(), &Cursor::start(), most(1)).await.unwrap_err();
        assert!(format!("{read:?}").contains(why), "{read:?}");
        let write = end(store, 1).await.unwrap_err();
        assert!(format!("{write:?}").contains(why), "{write:?}");
        assert!(store.clone().purge().await.is_err());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_deleted_while_it_is_open_is_missed() {
    for name in ["auth.db", "auth.db-wal", "auth.db-shm"] {
        let folder = TempDir::new().unwrap();
        let (store, _) = used(&folder).await;
        std::fs::remove_file(folder.path().join(name)).unwrap();
        let why = if name == "auth.db" { "database file was deleted" } else { "write-ahead log was deleted" };
        assert_lost(&store, why).await;
    }
}

/// While a write waits for another process to let go of the lock.
#[cfg(unix)]
#[tokio::test]
async fn what_is_written_into_a_file_that_was_renamed_is_not_acknowledged() {
    let folder = TempDir::new().unwrap();
    let (store, _) = used(&folder).await;
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "BEGIN IMMEDIATE").await;
    let write = tokio::spawn(async move { end(&store, 1).await });
    // It has looked at the file, and waits.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    std::fs::rename(file(&folder), folder.path().join("aside.db")).unwrap();
    run(&mut stranger, "COMMIT").await;
    let refused = write.await.unwrap().unwrap_err();
    assert!(format!("{refused:?}").contains("renamed or replaced"), "{refused:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_file_is_as_good_as_the_file() {
    let folder = TempDir::new().unwrap();
    let (store, _) = used(&folder).await;
    let elsewhere = TempDir::new().unwrap();
    std::os::unix::fs::symlink(file(&folder), file(&elsewhere)).unwrap();
    assert_eq!(state(&open(&file(&elsewhere)).await, 1).await, state(&store, 1).await);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_renamed_is_an_error_even_when_it_is_renamed_back() {
    let folder = TempDir::new().unwrap();
    let (store, _) = used(&folder).await;
    let aside = folder.path().join("aside.db");
    std::fs::rename(file(&folder), &aside).unwrap();
    assert_lost(&store, "database file was deleted, renamed").await;
    std::fs::rename(&aside, file(&folder)).unwrap();
    assert_lost(&store, "database file was deleted, renamed").await;
    // Opened anew, it is what it was.
    drop(store);
    assert_eq!(state(&open(&file(&folder)).await, 1).await, (true, true, false));
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_another_one_replaces_is_missed() {
    let folder = TempDir::new().unwrap();
    let (store, _) = used(&folder).await;
    let other = folder.path().join("other.db");
    drop(open(&other).await);
    std::fs::rename(&other, file(&folder)).unwrap();
    assert_lost(&store, "database file was deleted, renamed or replaced").await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_write_ahead_log_stays_while_connections_come_and_go() {
    let folder = TempDir::new().unwrap();
    let (store, _) = used(&folder).await;
    let mut stranger = stranger(&file(&folder)).await;
    // Each error closes a connection; another process opens and closes the file, and moves the log into it.
    run(
        &mut stranger,
        "CREATE TRIGGER broken BEFORE DELETE ON auth_login BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    for _ in 0..5 {
        assert!(end(&store, 1).await.is_err());
    }
    run(&mut stranger, "DROP TRIGGER broken; PRAGMA wal_checkpoint(TRUNCATE)").await;
    sqlx::Connection::close(stranger).await.unwrap();
    assert!(end(&store, 1).await.unwrap());
}

#[tokio::test]
async fn a_restored_older_copy_is_known_by_its_log() {
    let folder = TempDir::new().unwrap();
    let (store, older) = used(&folder).await;
    let copy = folder.path().join("copy.db");
    run(&mut stranger(&file(&folder)).await, &format!("VACUUM INTO '{}'", copy.display())).await;
    // After the copy was made, one more login ends; then the copy takes the file's place, with the service stopped.
    assert!(end(&store, 1).await.unwrap());
    let newer = page(&store, &older).await.next;
    drop(store);
    let restored = open(&copy).await;
    assert_eq!(state(&restored, 1).await, (true, true, false));

    assert_eq!(page(&restored, &older).await.reset, None);
    let from_start = page(&restored, &newer).await;
    assert_eq!((from_start.reset, from_start.entries.len()), (Some(Reset::UnknownMark), 1));
    // Grown back to where it was, it still is another history.
    add(&restored, 9).await;
    assert!(end(&restored, 9).await.unwrap());
    let from_start = page(&restored, &newer).await;
    assert_eq!((from_start.reset, from_start.entries.len()), (Some(Reset::UnknownMark), 2));
}

#[tokio::test]
async fn another_file_is_another_incarnation() {
    let folder = TempDir::new().unwrap();
    let (_store, cursor) = used(&folder).await;
    let other = open(&folder.path().join("other.db")).await;
    assert_eq!(page(&other, &cursor).await.reset, Some(Reset::Incarnation));
    let empty = page(&other, &Cursor::start()).await;
    assert_eq!(empty.reset, None);
    assert_eq!(page(&open(&file(&folder)).await, &empty.next).await.reset, Some(Reset::Incarnation));
    for foreign in [vec![0], vec![0; 47], vec![0; 49]] {
        let page = page(&other, &Cursor::from_bytes(foreign)).await;
        assert_eq!(page.reset, Some(Reset::Malformed));
    }
}
