//! A store in a folder of its own, and logins with numbers.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Position, Subject};
use auth_core::login::Scheme;
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_core::store::{
    Created, Cursor, EndReason, LoginStore, NewLogin, NewSession, Page, Partition, Realm, RevocationStore,
    Revoked, Rotation, SecretHash, SessionKey, SessionStore, StoreError, Ticket,
};
use auth_core::testing::ManualClock;
use auth_tests::watch_this_test;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqliteConnection};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("auth.db")
}

/// Opens the file at a time that stands still.
pub(crate) async fn open(path: &Path) -> SqliteStore {
    open_at(path, ManualClock::new(NOW)).await
}

pub(crate) async fn open_at(path: &Path, clock: ManualClock) -> SqliteStore {
    watch_this_test();
    let builder = SqliteStore::builder(path).synchronous(Durability::Normal);
    builder.busy_timeout(Duration::from_secs(20)).clock(clock).open().await.unwrap()
}

/// Another process, as it were.
pub(crate) async fn stranger(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

pub(crate) async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

pub(crate) async fn number(connection: &mut SqliteConnection, sql: &str) -> i64 {
    sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap().get(0)
}

pub(crate) async fn text(connection: &mut SqliteConnection, sql: &str) -> String {
    sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap().get(0)
}

pub(crate) fn realm() -> Realm {
    Realm::new("shop").unwrap()
}

pub(crate) fn anna() -> Subject {
    Subject::new("anna").unwrap()
}

pub(crate) fn most(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

pub(crate) fn id(number: u32) -> LoginId {
    LoginId::from_bytes(u128::from(number).to_be_bytes())
}

pub(crate) fn key(number: u32) -> SessionKey {
    let hash = SecretHash::of(&number.to_be_bytes());
    SessionKey { partition: Partition::REALM, hash }
}

pub(crate) fn login(number: u32) -> NewLogin {
    NewLogin {
        id: id(number),
        subject: anna(),
        kind: Scheme::Jwt,
        lifetime: HOUR,
        idle: HOUR,
        retention: HOUR,
        user_agent: None,
        address: None,
        claims: b"{}".to_vec(),
        secret: Some(SecretHash::of(b"first")),
        extra: Vec::new(),
        replaces: None,
    }
}

/// The first rotation of a login, from `first` to `second`.
pub(crate) fn rotation(number: u32) -> Rotation {
    Rotation {
        login: id(number),
        presented: Position { generation: 0, branch: 0 },
        secret: SecretHash::of(b"first"),
        successor: SecretHash::of(b"second"),
        nonce: [1; 16],
        grace: Duration::ZERO,
        idle: HOUR,
        retention: HOUR,
    }
}

pub(crate) fn session(number: u32) -> NewSession {
    NewSession { key: key(number), data: b"{}".to_vec(), lifetime: HOUR }
}

pub(crate) async fn ticket(store: &SqliteStore) -> Ticket {
    store.ticket(&realm(), &anna()).await.unwrap().value
}

pub(crate) async fn add(store: &SqliteStore, number: u32) {
    let ticket = ticket(store).await;
    let made = store.create(&realm(), &ticket, &login(number), Some(&session(number)), None).await.unwrap();
    assert!(matches!(made.value, Created::Made { evicted, .. } if evicted.is_empty()));
}

pub(crate) async fn end(store: &SqliteStore, number: u32) -> Result<bool, StoreError> {
    let ended = store.end(&realm(), &anna(), id(number), EndReason::SignedOut, HOUR).await?;
    Ok(ended.value.is_some())
}

pub(crate) async fn page(store: &SqliteStore, cursor: &Cursor) -> Page {
    store.page(&realm(), cursor, most(9999)).await.unwrap().value
}

pub(crate) async fn count(store: &SqliteStore) -> usize {
    store.list(&realm(), &anna(), None, most(99_999)).await.unwrap().value.len()
}

/// Live login, live session and entry of the log: `(true, true, false)`, or after its end `(false, false, true)`.
pub(crate) async fn state(store: &SqliteStore, number: u32) -> (bool, bool, bool) {
    let login = store.login(&realm(), id(number)).await.unwrap().value.is_some();
    let session = store.session(&realm(), &key(number)).await.unwrap().value.is_some();
    let ended = Revoked::Login(id(number), EndReason::SignedOut);
    let log = page(store, &Cursor::start()).await;
    (login, session, log.entries.iter().any(|entry| entry.revoked == ended))
}
