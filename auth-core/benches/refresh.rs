//! Rotations a second on SQLite against the bare `UPDATE … WHERE` of the same row, on a file of the same settings, one
//! writer at a time, in one run.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a benchmark fails loudly")]

mod support;

use std::time::Duration;

use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::refresh::Peppers;
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_core::store::{Family, FamilyStore as _, Rotated, Rotation, SecretHash};
use auth_core::testing::ManualClock;
use auth_core::web::LoginAttempt;
use auth_core::{Authenticator, Claims};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use support::{LONG, create_login, login_id, realm};

const CALLS: u32 = 500;
const ROUNDS: u32 = 12;

#[derive(Claims)]
#[claims(issuer = "https://bench.example", audience = "bench")]
struct User {
    #[claim(subject)]
    name: String,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        println!(
            "fastest of {ROUNDS} rounds       bare UPDATE       store.rotate   ratio   whole refresh   ratio"
        );
        for (name, durability, synchronous) in [
            ("FULL", Durability::Full, SqliteSynchronous::Full),
            ("NORMAL", Durability::Normal, SqliteSynchronous::Normal),
        ] {
            compare(name, durability, synchronous).await;
        }
    });
}

async fn compare(name: &str, durability: Durability, synchronous: SqliteSynchronous) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.db");
    let clock = ManualClock::new(auth_core::clock::Timestamp::from_seconds(1_800_000_000));
    let builder = SqliteStore::builder(&file).synchronous(durability);
    let store = builder.clock(clock.clone()).open().await.unwrap();
    let mut bare = Bare::new(&file, &store, synchronous).await;
    let mut rotation = Rotations::new(store.clone(), clock.clone()).await;
    let mut ours = Ours::new(store, clock).await;
    let mut best = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        let round = [bare.round().await, rotation.round().await, ours.round().await];
        best.iter_mut().zip(round).for_each(|(best, time)| *best = time.min(*best));
    }
    let [bare, rotate, refresh] = best.map(|time| f64::from(CALLS) / time.as_secs_f64());
    println!(
        "synchronous={name:<10} {bare:>12.0}/s {rotate:>16.0}/s {:>7.2} {refresh:>13.0}/s {:>7.2}",
        rotate / bare,
        refresh / bare
    );
}

/// A login's row, updated under a condition, over a connection of its own.
struct Bare {
    connection: sqlx::SqliteConnection,
    generation: i64,
}

impl Bare {
    async fn new(file: &std::path::Path, store: &SqliteStore, synchronous: SqliteSynchronous) -> Self {
        create_login(store, 8, "bench").await;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous);
        Self { connection: options.connect().await.unwrap(), generation: 0 }
    }

    async fn round(&mut self) -> Duration {
        timed(async {
            for _ in 0..CALLS {
                let changed = sqlx::query("UPDATE auth_login SET generation = generation + 1, previous = current, current = ?, rotated_at = ? WHERE id = ? AND generation = ?")
                    .bind(&[2_u8; 32][..])
                    .bind(self.generation)
                    .bind(&login_id(8).as_bytes()[..])
                    .bind(self.generation)
                    .execute(&mut self.connection)
                    .await
                    .unwrap();
                assert_eq!(changed.rows_affected(), 1);
                self.generation += 1;
            }
        })
        .await
    }
}

/// The store's rotation alone.
struct Rotations {
    store: SqliteStore,
    clock: ManualClock,
    family: Family,
}

impl Rotations {
    async fn new(store: SqliteStore, clock: ManualClock) -> Self {
        create_login(&store, 9, "bench").await;
        Self { store, clock, family: Family::first(SecretHash::of(b"0")) }
    }

    async fn round(&mut self) -> Duration {
        timed(async {
            for _ in 0..CALLS {
                self.clock.advance(Duration::from_secs(10));
                let rotation = Rotation {
                    login: login_id(9),
                    presented: self.family.position,
                    secret: self.family.current,
                    successor: SecretHash::of(&self.family.position.generation.to_be_bytes()),
                    nonce: [1; 16],
                    grace: Duration::from_secs(10),
                    idle: LONG,
                    retention: Duration::from_secs(3600),
                };
                let rotated = self.store.rotate(&realm(), &rotation).await.unwrap().value;
                let Rotated::Rotated(live) = rotated else { panic!("not rotated: {rotated:?}") };
                self.family = live.row.family.unwrap();
            }
        })
        .await
    }
}

/// A whole refresh: token parsed and checked, rotated, and an access token issued.
struct Ours {
    auth: Authenticator<User>,
    clock: ManualClock,
    refresh_token: String,
}

impl Ours {
    async fn new(store: SqliteStore, clock: ManualClock) -> Self {
        let auth = Authenticator::<User>::builder()
            .keys(KeyRing::generate(Algorithm::EdDSA).unwrap())
            .peppers(Peppers::generate().unwrap())
            .store(store)
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        let tokens =
            auth.login_tokens(LoginAttempt::unknown(), User { name: "alice".to_owned() }).await.unwrap();
        let refresh_token = tokens.refresh_token().unwrap().to_owned();
        Self { auth, clock, refresh_token }
    }

    async fn round(&mut self) -> Duration {
        timed(async {
            for _ in 0..CALLS {
                self.clock.advance(Duration::from_secs(10));
                let tokens = self.auth.refresh(&self.refresh_token, None).await.unwrap();
                self.refresh_token = tokens.refresh_token().unwrap().to_owned();
            }
        })
        .await
    }
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let start = std::time::Instant::now();
    work.await;
    start.elapsed()
}
