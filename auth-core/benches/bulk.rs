//! Ending all of 20,000 logins: how long the call takes, and how long another writer waits meanwhile. What looking
//! at the file before each call costs.
#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use auth_core::id::{LoginId, Subject};
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_core::store::{Created, LoginKind, LoginStore as _, NewLogin, Realm, SecretHash};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

const LOGINS: u32 = 20_000;
/// The login of another subject.
const OTHER: u32 = 1_000_000;
const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for durability in [Durability::Full, Durability::Normal] {
            end_all(durability).await;
        }
    });
    look();
}

fn realm() -> Realm {
    Realm::new("bench").unwrap()
}

fn id(number: u32) -> LoginId {
    LoginId::from_bytes(u128::from(number).to_be_bytes())
}

fn login(number: u32, subject: &Subject) -> NewLogin {
    NewLogin {
        id: id(number),
        subject: subject.clone(),
        kind: LoginKind::Token,
        lifetime: HOUR * 10_000,
        idle: HOUR * 10_000,
        retention: HOUR,
        user_agent: None,
        address: None,
        claims: b"{\"sub\":\"bench\"}".to_vec(),
        secret: Some(SecretHash::of(b"0")),
        extra: Vec::new(),
        replaces: None,
    }
}

async fn create(store: &SqliteStore, login: &NewLogin) {
    let ticket = store.ticket(&realm(), &login.subject).await.unwrap().value;
    let made = store.create(&realm(), &ticket, login, None, None).await.unwrap().value;
    assert!(matches!(made, Created::Made { .. }));
}

async fn end_all(durability: Durability) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.db");
    let many = Subject::new("many").unwrap();
    let filling = SqliteStore::builder(&file).synchronous(Durability::Normal).open().await.unwrap();
    for number in 0..LOGINS {
        create(&filling, &login(number, &many)).await;
    }
    create(&filling, &login(OTHER, &Subject::new("other").unwrap())).await;
    drop(filling);
    // What filling left in the write-ahead log would be written to the file while this measures.
    let mut checkpoint = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut checkpoint).await.unwrap();
    let store = SqliteStore::builder(&file).synchronous(durability).open().await.unwrap();
    let (quiet, _) = beside(&store, tokio::time::sleep(Duration::from_millis(200))).await;
    let (ending, ended) = beside(&store, timed(store.end_all(&realm(), &many, None, HOUR))).await;
    let (again, few) = beside(&store, timed(store.end_all(&realm(), &many, None, HOUR))).await;
    let (purging, purged) = beside(&store, timed(store.purge())).await;
    println!("{durability:?}, {LOGINS} logins of one subject; longest write of another caller in brackets");
    println!("  nothing else                   [{quiet:.1?}]");
    println!("  end_all                {:>8.1?} [{ending:.1?}]", ended.0);
    println!("  end_all, none is live  {:>8.1?} [{again:.1?}]", few.0);
    println!("  purge                  {:>8.1?} [{purging:.1?}]", purged.0);
}

async fn timed<T, E: std::fmt::Debug>(call: impl Future<Output = Result<T, E>>) -> (Duration, T) {
    let start = Instant::now();
    let value = call.await.unwrap();
    (start.elapsed(), value)
}

/// The longest write of another caller while a call runs.
async fn beside<T>(store: &SqliteStore, call: impl Future<Output = T>) -> (Duration, T) {
    let is_done = Arc::new(AtomicBool::new(false));
    let other = tokio::spawn({
        let (store, is_done) = (store.clone(), Arc::clone(&is_done));
        async move {
            let mut longest = Duration::ZERO;
            while !is_done.load(Ordering::Relaxed) {
                let realm = realm();
                let write = store.save_claims(&realm, id(OTHER), b"{}", 1 << 60);
                let (time, saved) = timed(write).await;
                assert!(saved.value);
                longest = longest.max(time);
            }
            longest
        }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let value = call.await;
    is_done.store(true, Ordering::Relaxed);
    (other.await.unwrap(), value)
}

/// Two calls of `stat`, as the store makes them.
fn look() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["a", "a-wal"].map(|name| folder.path().join(name));
    for file in &files {
        std::fs::write(file, "").unwrap();
    }
    let start = Instant::now();
    for _ in 0..100_000 {
        for file in &files {
            std::hint::black_box(std::fs::metadata(file).unwrap());
        }
    }
    println!("looking at the file and its -wal: {:.2?}", start.elapsed() / 100_000);
}
