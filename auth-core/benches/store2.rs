//! Ending all of 20,000 logins: how long the call takes, and how long another writer waits meanwhile. Rotations a second
//! on this store and on that of the first edition. What looking at the file before each call costs.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a benchmark fails loudly")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use auth_core::clock::{Clock as _, SystemClock};
use auth_core::id::{LoginId, Subject};
use auth_core::store2::sqlite::{Durability, SqliteStore};
use auth_core::store2::{
    Created, Family, FamilyStore as _, LoginKind, LoginStore as _, NewLogin, Position, Realm, Rotated,
    Rotation, SecretHash,
};
use auth_core::{store, testing::ManualClock};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

const LOGINS: u32 = 20_000;
/// The login of another subject.
const OTHER: u32 = 1_000_000;
const CALLS: u32 = 500;
const ROUNDS: u32 = 12;
const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for durability in [Durability::Full, Durability::Normal] {
            end_all(durability).await;
        }
        rotations("FULL", Durability::Full, store::sqlite::Durability::Full).await;
        rotations("NORMAL", Durability::Normal, store::sqlite::Durability::Normal).await;
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

async fn rotations(name: &str, new: Durability, old: store::sqlite::Durability) {
    let folder = tempfile::tempdir().unwrap();
    let (mut new, mut old) = (New::open(&folder, new).await, Old::open(&folder, old).await);
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        let round = [new.round().await, old.round().await];
        best.iter_mut().zip(round).for_each(|(best, time)| *best = time.min(*best));
    }
    let [new, old] = best.map(|time| f64::from(CALLS) / time.as_secs_f64());
    println!("rotations, {name}: {new:.0}/s, first edition {old:.0}/s");
}

struct New {
    store: SqliteStore,
    clock: ManualClock,
    family: Family,
}

impl New {
    async fn open(folder: &tempfile::TempDir, durability: Durability) -> Self {
        let clock = ManualClock::new(SystemClock.now());
        let builder = SqliteStore::builder(folder.path().join("new.db")).synchronous(durability);
        let store = builder.clock(clock.clone()).open().await.unwrap();
        create(&store, &login(1, &Subject::new("bench").unwrap())).await;
        Self { store, clock, family: Family::first(SecretHash::of(b"0")) }
    }

    async fn round(&mut self) -> Duration {
        let start = Instant::now();
        for _ in 0..CALLS {
            self.clock.advance(Duration::from_secs(10));
            let Position { generation, .. } = self.family.position;
            let rotation = Rotation {
                login: id(1),
                presented: self.family.position,
                secret: self.family.current,
                successor: SecretHash::of(&generation.to_be_bytes()),
                nonce: [1; 16],
                grace: Duration::from_secs(10),
                idle: HOUR * 1000,
                retention: HOUR,
            };
            let Rotated::Rotated(live) = self.store.rotate(&realm(), &rotation).await.unwrap().value else {
                panic!("not rotated")
            };
            self.family = live.row.family.unwrap();
        }
        start.elapsed()
    }
}

struct Old {
    store: store::sqlite::SqliteStore,
    login: store::LoginRow,
}

impl Old {
    async fn open(folder: &tempfile::TempDir, durability: store::sqlite::Durability) -> Self {
        use store::LoginStore as _;
        let builder =
            store::sqlite::SqliteStore::builder(folder.path().join("old.db")).synchronous(durability);
        let store = builder.open().await.unwrap();
        let now = SystemClock.now();
        let expires_at = now.after(HOUR * 10_000);
        let family = store::Family {
            generation: 0,
            branch: 0,
            previous_branch: None,
            current: SecretHash::of(b"0"),
            previous: None,
            nonce: [0; 16],
            rotated_at: now,
            confirmed: true,
        };
        let login = store::LoginRow {
            id: LoginId::from_bytes([1; 16]),
            subject: Subject::new("bench").unwrap(),
            kind: LoginKind::Token,
            created_at: now,
            last_seen_at: now,
            authenticated_at: now,
            expires_at,
            idle_expires_at: expires_at,
            user_agent: None,
            address: None,
            claims: b"{\"sub\":\"bench\"}".to_vec(),
            epoch: 0,
            claims_loaded_at: now,
            family: Some(family),
        };
        let _ = store.create_login(&login, None, None, None, now, now).await.unwrap();
        Self { store, login }
    }

    async fn round(&mut self) -> Duration {
        use store::LoginStore as _;
        let start = Instant::now();
        for _ in 0..CALLS {
            let family = self.login.family.clone().unwrap();
            let rotation = store::Rotation {
                login: self.login.id,
                generation: family.generation,
                branch: family.branch,
                presented: family.current,
                successor: SecretHash::of(&family.generation.to_be_bytes()),
                nonce: [1; 16],
                grace: Duration::from_secs(10),
                idle_expires_at: self.login.expires_at,
            };
            let now = family.rotated_at.after(Duration::from_secs(10));
            self.login = self.store.rotate(&rotation, now).await.unwrap().unwrap();
        }
        start.elapsed()
    }
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
