//! Files of other versions.

use std::path::Path;

use auth_core::id::KeyId;
use auth_core::store::sqlite::SqliteStore;
use auth_core::store::{
    Cursor, Ids, LogEntry, LoginStore as _, Realm, RevocationStore as _, Revoked, Standing,
};
use auth_core::testing::ManualClock;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqliteConnection};
use tempfile::TempDir;

use crate::sqlite::support::*;

const FIRST: &str = include_str!("../../../auth-core/migrations/sqlite/0001_store.sql");

/// The tables of the first edition, and no others.
async fn first_migrator() -> Migrator {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("0001_store.sql"), FIRST).unwrap();
    let mut migrator = Migrator::new(folder.path()).await.unwrap();
    migrator.dangerous_set_table_name("auth_migrations");
    migrator
}

/// A file as the first edition made it, with a login, its session, an epoch and an entry.
async fn first_edition(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    first_migrator().await.run(&mut connection).await.unwrap();
    let content = "INSERT INTO auth_login (id, subject, kind, created_at, last_seen_at, authenticated_at, expires_at, \
                       idle_expires_at, claims, epoch, claims_loaded_at) \
                   VALUES (zeroblob(16), 'anna', 0, 1, 1, 1, 1 << 50, 1 << 50, x'', 4, 1); \
                   INSERT INTO auth_session VALUES (zeroblob(32), zeroblob(16), x'', 1, 1 << 50); \
                   INSERT INTO auth_epoch VALUES ('anna', 4); \
                   INSERT INTO auth_log (kind, thing, detail, expires_at) VALUES \
                       (1, CAST('anna' AS BLOB), 4, 1 << 50), (3, CAST('leaked' AS BLOB), 0, 9223372036854775807)";
    run(&mut connection, content).await;
}

#[tokio::test]
async fn a_file_of_the_first_edition_is_migrated_and_its_logins_are_ended() {
    let folder = TempDir::new().unwrap();
    first_edition(&file(&folder)).await;
    let store = open(&file(&folder)).await;
    assert_eq!(count(&store).await, 0);
    // Who has the key chooses the epoch.
    let leaked = Revoked::Key(KeyId::new("leaked").unwrap());
    for realm in [realm(), Realm::new("another").unwrap()] {
        let log = store.page(&realm, &Cursor::start(), most(9)).await.unwrap().value.entries;
        assert_eq!(log.iter().map(|entry| &entry.revoked).collect::<Vec<_>>(), [&leaked]);
        assert_eq!(log[0].expires_at, LogEntry::NEVER);
    }
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
async fn a_file_of_the_schema_before_keeps_its_logins_and_is_purged_of_them_in_time() {
    let folder = TempDir::new().unwrap();
    let clock = ManualClock::new(NOW);
    add(&open_at(&file(&folder), clock.clone()).await, 1).await;
    let mut stranger = stranger(&file(&folder)).await;
    let before = "DROP INDEX auth_login_look_at; ALTER TABLE auth_login DROP COLUMN look_at; \
                  CREATE INDEX auth_login_over_at ON auth_login (over_at); \
                  UPDATE auth_store SET schema_version = 2; DELETE FROM auth_migrations WHERE version = 3";
    run(&mut stranger, before).await;
    let store = open_at(&file(&folder), clock.clone()).await;
    assert_eq!(store.purge().await.unwrap().value, 0);
    assert_eq!(state(&store, 1).await, (true, true, false));
    clock.advance(HOUR);
    assert_eq!(store.purge().await.unwrap().value, 1);
    assert_eq!(number(&mut stranger, "SELECT count(*) FROM auth_login").await, 0);
}

#[tokio::test]
async fn every_migration_of_the_folder_is_run_and_recorded_as_it_is_there() {
    let folder = TempDir::new().unwrap();
    drop(open(&file(&folder)).await);
    let recorded = sqlx::query("SELECT version, description, checksum FROM auth_migrations ORDER BY version")
        .fetch_all(&mut stranger(&file(&folder)).await)
        .await
        .unwrap();
    let recorded: Vec<(i64, String, Vec<u8>)> =
        recorded.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../auth-core/migrations/sqlite");
    let there = Migrator::new(sources).await.unwrap();
    let there: Vec<_> = there
        .iter()
        .map(|migration| (migration.version, migration.description.to_string(), migration.checksum.to_vec()))
        .collect();
    assert_eq!(recorded, there);
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
                 UPDATE auth_store SET schema_version = 4; \
                 ALTER TABLE auth_login ADD COLUMN later TEXT";
    run(&mut stranger, later).await;
    let store = open(&file(&folder)).await;
    assert_eq!(state(&store, 1).await, (true, true, false));

    // The next one does not. Who has the file open learns it from the next page.
    run(&mut stranger, "UPDATE auth_store SET schema_version = 5, least_reader = 4").await;
    let why = "too old to use it";
    let refused = SqliteStore::open(file(&folder)).await.unwrap_err();
    assert!(format!("{refused:?}").contains(why), "{refused:?}");
    let refused = store.page(&realm(), &Cursor::start(), most(1)).await.unwrap_err();
    assert!(format!("{refused:?}").contains(why), "{refused:?}");
    let refused = store.login(&realm(), id(1)).await.unwrap_err();
    assert!(format!("{refused:?}").contains(why), "{refused:?}");
}

/// What a program of the first edition asks of a file, call by call.
const FIRST_STATEMENTS: [&str; 24] = [
    "SELECT id, subject, kind, created_at, epoch, rotated_at FROM auth_login WHERE id = ?2 AND ends_at > ?1",
    "SELECT id, subject FROM auth_login WHERE subject = ?2 AND ends_at > ?1 ORDER BY created_at DESC, id DESC",
    "SELECT id FROM auth_login WHERE id = ?2 AND subject = ?3 AND ends_at > ?1",
    "SELECT id FROM auth_login WHERE subject = ?2 AND ends_at > ?1 AND id IS NOT ?3 ORDER BY created_at, id",
    "INSERT INTO auth_login (id, subject, kind, created_at, last_seen_at, authenticated_at, expires_at, \
         idle_expires_at, user_agent, address, claims, epoch, claims_loaded_at) \
     VALUES (zeroblob(16), 'anna', 0, 1, 1, 1, 9, 9, NULL, NULL, x'', 4, 1)",
    "UPDATE auth_login SET generation = generation + 1, branch = 0, previous_branch = branch, current = ?6 \
     WHERE id = ?2 AND generation = ?3 AND branch = ?4 AND current = ?5 AND rotated_at <= ?9 AND ends_at > ?1",
    "UPDATE auth_login SET generation = ?1, branch = ?2, confirmed = ?8 WHERE id = ?9 AND ends_at > ?10",
    "UPDATE auth_login SET confirmed = 1 WHERE id = ?2 AND ends_at > ?1",
    "UPDATE auth_login SET last_seen_at = max(last_seen_at, ?3) WHERE id = ?2 AND ends_at > ?1",
    "UPDATE auth_login SET claims = ?3, epoch = ?4, claims_loaded_at = ?5 WHERE id = ?2 AND ends_at > ?1",
    "DELETE FROM auth_login WHERE rowid IN (SELECT rowid FROM auth_login WHERE ends_at <= ?1 LIMIT ?2)",
    "SELECT epoch FROM auth_epoch WHERE subject = ?1",
    "INSERT INTO auth_epoch (subject, epoch) VALUES (?1, 1) \
     ON CONFLICT (subject) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
    "INSERT INTO auth_session (id, login, data, version, expires_at) VALUES (?2, ?3, ?4, ?5, ?6)",
    "SELECT auth_session.id FROM auth_session LEFT JOIN auth_login ON auth_login.id = auth_session.login \
     WHERE auth_session.id = ?2 AND auth_session.expires_at > ?1",
    "SELECT 1 FROM auth_session WHERE id = ?2 AND auth_session.expires_at > ?1",
    "UPDATE auth_session SET data = ?3, version = version + 1, expires_at = ?5 WHERE id = ?2 AND version = ?4",
    "UPDATE auth_session SET id = ?3, version = version + 1 WHERE id = ?2",
    "DELETE FROM auth_session WHERE id = ?1 AND login IS NULL",
    "DELETE FROM auth_session WHERE rowid IN (SELECT rowid FROM auth_session WHERE expires_at <= ?1 LIMIT ?2)",
    "INSERT INTO auth_log (kind, thing, detail, expires_at) VALUES (?1, ?2, ?3, ?4)",
    "SELECT * FROM auth_log WHERE sequence > ?2 AND expires_at > ?1 ORDER BY sequence LIMIT ?3",
    "SELECT 1 FROM auth_log WHERE kind = ?2 AND thing = ?3 AND detail > ?4 AND expires_at > ?1 LIMIT 1",
    "DELETE FROM auth_log WHERE sequence IN (SELECT sequence FROM auth_log WHERE expires_at <= ?1 LIMIT ?2)",
];

async fn is_accepted(connection: &mut SqliteConnection, statement: &str) -> bool {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.is_ok()
}

#[tokio::test]
async fn a_program_of_the_first_edition_gets_errors_from_a_migrated_file() {
    let folder = TempDir::new().unwrap();
    first_edition(&file(&folder)).await;
    // It has the file open, and goes on.
    let mut old = stranger(&file(&folder)).await;
    for statement in FIRST_STATEMENTS {
        assert!(is_accepted(&mut old, &format!("EXPLAIN {statement}")).await, "{statement}");
    }
    let store = open(&file(&folder)).await;
    add(&store, 1).await;
    for statement in FIRST_STATEMENTS {
        assert!(!is_accepted(&mut old, statement).await, "{statement}");
    }
    // Nor can it be started again.
    assert!(first_migrator().await.run(&mut old).await.is_err());
    assert_eq!(state(&store, 1).await, (true, true, false));
}
