//! What an SQLite file does beyond the contract: it stays, it is private, it survives callers that fail or go away,
//! other processes, and strange content.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Position, Subject};
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_core::store::{
    Confirmation, Created, EndReason, Family, Limit, LoginKind, LoginRow, LoginStore, OnLimit,
    RevocationStore, Revoked, Rotation, SecretHash, SessionHash, SessionRow, SessionStore, StoreError,
};
use auth_tests::{NOW, joined, watch_this_test};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

const LATER: Timestamp = Timestamp::from_seconds(1_800_003_600);

/// Where the store of this test is.
fn file(folder: &TempDir) -> PathBuf {
    watch_this_test();
    folder.path().join("auth.db")
}

async fn open(path: &Path) -> SqliteStore {
    let builder =
        SqliteStore::builder(path).synchronous(Durability::Normal).busy_timeout(Duration::from_secs(20));
    builder.open().await.unwrap()
}

/// Another process, as it were.
async fn stranger(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

fn anna() -> Subject {
    Subject::new("anna").unwrap()
}

fn login(number: u8) -> LoginRow {
    LoginRow {
        id: LoginId::from_bytes([number; 16]),
        subject: anna(),
        kind: LoginKind::Session,
        created_at: NOW,
        last_seen_at: NOW,
        authenticated_at: NOW,
        expires_at: LATER,
        idle_expires_at: LATER,
        user_agent: None,
        address: None,
        claims: b"{}".to_vec(),
        epoch: 0,
        claims_loaded_at: NOW,
        family: None,
    }
}

fn session(number: u8) -> SessionRow {
    let id = SessionHash::from_bytes([number; 32]);
    SessionRow { id, login: None, data: b"{}".to_vec(), version: 1, expires_at: LATER }
}

async fn add(store: &SqliteStore, number: u8) {
    let done =
        store.create_login(&login(number), Some(&session(number)), None, None, LATER, NOW).await.unwrap();
    assert_eq!(done, Created::Created { evicted: vec![] });
}

async fn end(store: &SqliteStore, number: u8) -> Result<bool, StoreError> {
    store.end_login(&anna(), login(number).id, EndReason::SignedOut, LATER, NOW).await
}

/// Live login, live session and entry of the log: `(true, true, false)`, or after its end `(false, false, true)`.
async fn state(store: &SqliteStore, number: u8) -> (bool, bool, bool) {
    let login = store.load_login(login(number).id, NOW).await.unwrap().is_some();
    let session = store.load_session(&session(number).id, NOW).await.unwrap().is_some();
    let ended = Revoked::Login(LoginId::from_bytes([number; 16]), EndReason::SignedOut);
    let log = store.entries(0, 9999, NOW).await.unwrap();
    (login, session, log.entries.iter().any(|entry| entry.revoked == ended))
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(file(&folder)).await.unwrap();
    add(&store, 1).await;
    add(&store, 2).await;
    assert!(end(&store, 1).await.unwrap());
    assert_eq!(store.raise_epoch(&anna(), LATER, NOW).await.unwrap(), 1);
    drop(store);

    let store = SqliteStore::open(file(&folder)).await.unwrap();
    assert_eq!(state(&store, 1).await, (false, false, true));
    assert_eq!(state(&store, 2).await, (true, true, false));
    assert_eq!(store.epoch(&anna()).await.unwrap(), 1);
    // Who waits for the log learns of what was there before.
    tokio::time::timeout(Duration::from_secs(5), store.changed(1)).await.unwrap();
    assert_eq!(store.append(&Revoked::SubjectBelow(anna(), 1), LATER, NOW).await.unwrap(), 3);
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
async fn what_is_not_a_database_of_ours_is_not_opened() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("text"), "not a database, whatever its name may say. ".repeat(99))
        .unwrap();
    assert!(SqliteStore::open(folder.path().join("text")).await.is_err());
    assert!(SqliteStore::open(folder.path().join("missing/auth.db")).await.is_err());
    assert!(SqliteStore::open(folder.path()).await.is_err());
    assert!(SqliteStore::open("").await.is_err());

    drop(open(&file(&folder)).await);
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "INSERT INTO auth_migrations VALUES (9999, 'later', '2026-01-01', 1, x'00', 0)").await;
    assert!(SqliteStore::open(file(&folder)).await.is_err());
}

#[tokio::test]
async fn an_application_may_keep_its_own_tables_in_the_file() {
    let folder = TempDir::new().unwrap();
    let mut stranger =
        SqliteConnectOptions::new().filename(file(&folder)).create_if_missing(true).connect().await.unwrap();
    run(&mut stranger, "CREATE TABLE _sqlx_migrations (mine TEXT); CREATE TABLE login (mine TEXT)").await;
    add(&open(&file(&folder)).await, 1).await;
}

#[tokio::test]
async fn many_may_create_the_file_at_once() {
    let folder = TempDir::new().unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let path = file(&folder);
            tokio::spawn(async move { add(&open(&path).await, number).await })
        })
        .collect();
    for task in tasks {
        joined(task).await;
    }
    assert_eq!(open(&file(&folder)).await.list_logins(&anna(), NOW).await.unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_keep_one_limit_and_one_log() {
    let folder = TempDir::new().unwrap();
    let stores = [open(&file(&folder)).await, open(&file(&folder)).await];
    let limit = Some(Limit { most: NonZeroU32::new(3).unwrap(), exceeded: OnLimit::EndOldest });
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let store = stores[usize::from(number % 2)].clone();
            tokio::spawn(async move {
                store.create_login(&login(number), None, None, limit, LATER, NOW).await.unwrap()
            })
        })
        .collect();
    let mut evicted = 0;
    for task in tasks {
        let Created::Created { evicted: some } = joined(task).await else {
            panic!("a login was not created")
        };
        evicted += some.len();
    }
    for store in &stores {
        assert_eq!(store.list_logins(&anna(), NOW).await.unwrap().len(), 3);
        let page = store.entries(0, 999, NOW).await.unwrap();
        assert_eq!((evicted, page.entries.len(), page.last), (61, 61, 61));
    }
}

#[tokio::test]
async fn a_write_that_fails_half_way_is_undone() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    let mut stranger = stranger(&file(&folder)).await;
    add(&store, 1).await;
    for action in ["ABORT", "FAIL", "ROLLBACK"] {
        let trigger = format!(
            "CREATE TRIGGER broken AFTER DELETE ON auth_login BEGIN SELECT RAISE({action}, 'broken'); END"
        );
        run(&mut stranger, &trigger).await;
        assert!(end(&store, 1).await.is_err());
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
    let family = Family {
        position: Position { generation: 0, branch: 0 },
        previous_branch: None,
        current: SecretHash::of(b"first"),
        previous: None,
        nonce: [0; 16],
        rotated_at: NOW,
        confirmed: true,
    };
    let token = LoginRow { kind: LoginKind::Token, family: Some(family), ..login(1) };
    let _ = store.create_login(&token, None, None, None, LATER, NOW).await.unwrap();
    let rotation = Rotation {
        login: token.id,
        position: Position { generation: 0, branch: 0 },
        presented: SecretHash::of(b"first"),
        successor: SecretHash::of(b"second"),
        nonce: [1; 16],
        grace: Duration::ZERO,
        idle_expires_at: LATER,
    };
    // A deferred constraint is looked at only when the statement that broke it commits, after it returned its row.
    let broken = "CREATE TABLE other (login BLOB REFERENCES auth_login (id) DEFERRABLE INITIALLY DEFERRED); \
                  CREATE TRIGGER broken AFTER UPDATE ON auth_login BEGIN INSERT INTO other VALUES (x'00'); END";
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, broken).await;
    assert!(store.rotate(&rotation, NOW).await.is_err());
    assert_eq!(store.load_login(token.id, NOW).await.unwrap(), Some(token));
    run(&mut stranger, "DROP TRIGGER broken").await;
    assert!(store.rotate(&rotation, NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_all_or_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    let (mut undone, mut done) = (0, 0);
    for patience in 0..200_u32 {
        let number = u8::try_from(patience).unwrap();
        add(&store, number).await;
        let gone = async {
            for _ in 0..patience {
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
        store
            .confirm(
                &[Confirmation { login: login(0).id, position: Position { generation: 0, branch: 0 } }],
                NOW,
            )
            .await
            .unwrap();
        match state(&store, number).await {
            (true, true, false) => undone += 1,
            (false, false, true) => done += 1,
            other => panic!("after {patience}: {other:?}"),
        }
    }
    assert!(undone > 0 && done > 0, "{undone} undone, {done} done: one of the two was not tried");
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_an_error_in_time() {
    let folder = TempDir::new().unwrap();
    let builder = SqliteStore::builder(file(&folder)).busy_timeout(Duration::from_millis(50));
    let store = builder.open().await.unwrap();
    add(&store, 1).await;
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "BEGIN IMMEDIATE").await;
    assert!(end(&store, 1).await.is_err());
    assert!(store.append(&Revoked::SubjectBelow(anna(), 1), LATER, NOW).await.is_err());
    // Reading goes on, and so does writing once the other one is done.
    assert_eq!(state(&store, 1).await, (true, true, false));
    run(&mut stranger, "ROLLBACK").await;
    assert!(end(&store, 1).await.unwrap());
}

#[tokio::test]
async fn foreign_content_is_an_error_and_never_a_login() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    let mut stranger = stranger(&file(&folder)).await;
    let changes = [
        "subject = ''",
        "subject = 'a' || char(10)",
        "kind = 7",
        "epoch = -1",
        "generation = 1",
        "generation = -1, branch = 0, current = zeroblob(32), nonce = zeroblob(16), rotated_at = 0, confirmed = 0",
        "generation = 0, branch = 65536, current = zeroblob(32), nonce = zeroblob(16), rotated_at = 0, confirmed = 0",
        "generation = 0, branch = 0, current = zeroblob(31), nonce = zeroblob(16), rotated_at = 0, confirmed = 0",
        "generation = 0, branch = 0, current = zeroblob(32), nonce = zeroblob(17), rotated_at = 0, confirmed = 0",
        "user_agent = CAST(x'ff' AS TEXT)",
    ];
    for (number, change) in (0..).zip(changes) {
        add(&store, number).await;
        let which = format!("id = x'{}'", format!("{number:02x}").repeat(16));
        run(&mut stranger, &format!("UPDATE auth_login SET {change} WHERE {which}")).await;
        assert!(store.load_login(login(number).id, NOW).await.is_err(), "{change}");
        assert!(store.load_session(&session(number).id, NOW).await.is_err(), "{change}");
        run(&mut stranger, &format!("DELETE FROM auth_login WHERE {which}")).await;
    }
    for entry in [
        "7, zeroblob(16), 0",
        "0, zeroblob(15), 0",
        "0, zeroblob(16), 99",
        "1, x'ff', 1",
        "1, x'', 1",
        "3, x'', 0",
    ] {
        run(
            &mut stranger,
            &format!("INSERT INTO auth_log (kind, thing, detail, expires_at) VALUES ({entry}, 1 << 50)"),
        )
        .await;
        assert!(store.entries(0, 9, NOW).await.is_err(), "{entry}");
        run(&mut stranger, "DELETE FROM auth_log").await;
    }
    add(&store, 99).await;
    assert_eq!(state(&store, 99).await, (true, true, false));
}

#[test]
fn debug_shows_no_content() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = TempDir::new().unwrap();
        let store = open(&file(&folder)).await;
        add(&store, 1).await;
        assert_eq!(format!("{store:?}"), "SqliteStore { .. }");
        assert_eq!(format!("{:?}", auth_core::store::memory::MemoryStore::new()), "MemoryStore { .. }");
    });
}
