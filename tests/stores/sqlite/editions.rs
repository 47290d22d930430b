//! Files of other versions.

use std::path::Path;

use auth_core::store::sqlite::SqliteStore;
use auth_core::store::{Cursor, Ids, LoginStore as _, RevocationStore as _, Standing};
use sqlx::ConnectOptions as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::sqlite::support::*;

const FIRST: &str = include_str!("../../auth-core/migrations/sqlite2/0001_store.sql");

/// A file as the first edition made it, with a login, its session, an epoch and an entry.
async fn first_edition(path: &Path) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("0001_store.sql"), FIRST).unwrap();
    let mut migrator = Migrator::new(folder.path()).await.unwrap();
    migrator.dangerous_set_table_name("auth_migrations");
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    migrator.run(&mut connection).await.unwrap();
    let content = "INSERT INTO auth_login (id, subject, kind, created_at, last_seen_at, authenticated_at, expires_at, \
                       idle_expires_at, claims, epoch, claims_loaded_at) \
                   VALUES (zeroblob(16), 'anna', 0, 1, 1, 1, 1 << 50, 1 << 50, x'', 4, 1); \
                   INSERT INTO auth_session VALUES (zeroblob(32), zeroblob(16), x'', 1, 1 << 50); \
                   INSERT INTO auth_epoch VALUES ('anna', 4); \
                   INSERT INTO auth_log (kind, thing, detail, expires_at) VALUES (1, CAST('anna' AS BLOB), 4, 1 << 50)";
    run(&mut connection, content).await;
}

#[tokio::test]
async fn a_file_of_the_first_edition_is_migrated_and_its_logins_are_over() {
    let folder = TempDir::new().unwrap();
    first_edition(&file(&folder)).await;
    let store = open(&file(&folder)).await;
    assert_eq!(count(&store).await, 0);
    assert_eq!(page(&store, &Cursor::start()).await.entries, []);
    // A credential of before carries an epoch that was a count.
    for epoch in 0..10 {
        let ids = Ids { subject: Some((&anna(), epoch)), ..Ids::default() };
        assert_eq!(store.standing(&realm(), &ids).await.unwrap().value, Standing::Gone);
    }
    add(&store, 1).await;
    drop(store);
    assert_eq!(state(&open(&file(&folder)).await, 1).await, (true, true, false));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let folder = TempDir::new().unwrap();
    first_edition(&file(&folder)).await;
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "CREATE TABLE auth_document (mine TEXT)").await;
    assert!(SqliteStore::open(file(&folder)).await.is_err());
    assert_eq!(number(&mut stranger, "SELECT count(*) FROM auth_login").await, 1);
    run(&mut stranger, "DROP TABLE auth_document").await;
    add(&open(&file(&folder)).await, 1).await;
}

#[tokio::test]
async fn a_file_of_a_later_version_is_read_if_it_can_be() {
    let folder = TempDir::new().unwrap();
    add(&open(&file(&folder)).await, 1).await;
    let mut stranger = stranger(&file(&folder)).await;
    // A later version added a migration, and says that this one may go on.
    let later = "INSERT INTO auth_migrations VALUES (9999, 'later', '2026-01-01', 1, x'00', 0); \
                 UPDATE auth_store SET schema_version = 3; \
                 ALTER TABLE auth_login ADD COLUMN later TEXT";
    run(&mut stranger, later).await;
    let store = open(&file(&folder)).await;
    assert_eq!(state(&store, 1).await, (true, true, false));

    // The next one does not. Who has the file open learns it from the next page.
    run(&mut stranger, "UPDATE auth_store SET schema_version = 4, least_reader = 3").await;
    let why = "too old to read it";
    let refused = SqliteStore::open(file(&folder)).await.unwrap_err();
    assert!(format!("{refused:?}").contains(why), "{refused:?}");
    let refused = store.page(&realm(), &Cursor::start(), most(1)).await.unwrap_err();
    assert!(format!("{refused:?}").contains(why), "{refused:?}");
    let refused = store.login(&realm(), id(1)).await.unwrap_err();
    assert!(format!("{refused:?}").contains(why), "{refused:?}");
}

#[tokio::test]
async fn a_program_of_the_first_edition_gets_errors_from_a_migrated_file() {
    use auth_core::clock::Timestamp;
    use auth_core::store::{LoginStore as _, RevocationStore as _, SessionStore as _};
    let folder = TempDir::new().unwrap();
    let old = auth_core::store::sqlite::SqliteStore::open(file(&folder)).await.unwrap();
    let store = open(&file(&folder)).await;
    add(&store, 1).await;
    assert!(old.load_login(id(1), NOW).await.is_err());
    assert!(old.list_logins(&anna(), NOW).await.is_err());
    assert!(old.epoch(&anna()).await.is_err());
    assert!(old.load_session(&key(1).hash, NOW).await.is_err());
    assert!(old.delete_session(&key(1).hash).await.is_err());
    assert!(old.entries(0, 9, NOW).await.is_err());
    assert!(old.purge(Timestamp::from_millis(i64::MAX)).await.is_err());
    assert!(auth_core::store::sqlite::SqliteStore::open(file(&folder)).await.is_err());
    assert_eq!(state(&store, 1).await, (true, true, false));
}
