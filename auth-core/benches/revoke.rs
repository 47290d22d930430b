//! The revocation list: a look-up among 10,000,000 entries, its memory an entry, and what it adds to a guarded request.
#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]

mod support;

use std::hint::black_box;
use std::time::Duration;

use auth_core::__private::revocation::{Cleared, RevocationList};
use auth_core::claims::Claims as _;
use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Subject};
use auth_core::jwt::{Algorithm, KeyRing, SigningKey};
use auth_core::route::get;
use auth_core::store::memory::MemoryStore;
use auth_core::store::{EndReason, Ids, LogEntry, Mark, Realm, RevocationStore as _, Revoked};
use auth_core::{Auth, Authenticator, ProtectedRouter, require_auth};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use tower::ServiceExt as _;

const ENTRIES: u64 = 10_000_000;
const LOGGED: u64 = 300_000;

fn main() {
    look_ups();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(requests());
}

/// A whole guarded request while nothing is revoked, and while there are entries of every kind.
async fn requests() {
    let (empty, full) = (Requests::new(0).await, Requests::new(LOGGED).await);
    let mut best = [Duration::MAX; 2];
    for _ in 0..80 {
        let round = [empty.timed().await, full.timed().await];
        best.iter_mut().zip(round).for_each(|(best, time)| *best = time.min(*best));
    }
    let [without, with] = best.map(nanos);
    println!("guarded request, nothing revoked      {without:>8.0} ns");
    println!("guarded request, {LOGGED} entries     {with:>8.0} ns, {:.3} times", with / without);
}

#[require_auth(session | jwt)]
async fn guarded(user: Auth<support::User>) -> &'static str {
    black_box(&user);
    "ok"
}

struct Requests {
    app: Router,
    bearer: http::HeaderValue,
}

impl Requests {
    async fn new(entries: u64) -> Self {
        let now = Timestamp::from_seconds(support::NOW + 1);
        let clock = auth_core::testing::ManualClock::new(now);
        let store = MemoryStore::with_clock(clock.clone());
        let expires_at = now.after(Duration::from_secs(3600));
        let mut revoked: Vec<_> =
            (0..entries).map(|number| Revoked::Login(login(number), EndReason::SignedOut)).collect();
        if entries > 0 {
            let subject = Subject::new("somebody-else").unwrap();
            revoked.push(Revoked::ClaimsChanged { subject, below: 7 });
            revoked.push(Revoked::Key(auth_core::id::KeyId::new("retired").unwrap()));
        }
        let entry = |revoked| LogEntry { mark: Mark::random().unwrap(), revoked, expires_at };
        let entries: Vec<_> = revoked.into_iter().map(entry).collect();
        store.write_back(&realm(), &entries).await.unwrap();
        let auth = Authenticator::<support::User>::builder()
            .keys(KeyRing::new(SigningKey::from_secret(&[7; 64], Algorithm::HS256).unwrap()).unwrap())
            .store(store)
            .clock(clock)
            .build()
            .await
            .unwrap();
        let token = support::Subject::new(Algorithm::HS256).token;
        let bearer = http::HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        Self { app: ProtectedRouter::new().route("/", get(guarded)).with_state(auth), bearer }
    }

    async fn timed(&self) -> Duration {
        const CALLS: u32 = 1000;
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
        let start = std::time::Instant::now();
        for _ in 0..CALLS {
            let mut request = Request::get("/").body(Body::empty()).unwrap();
            request.headers_mut().insert(http::header::AUTHORIZATION, self.bearer.clone());
            let response = self.app.clone().oneshot(request).await.unwrap();
            assert_eq!(black_box(response).status(), http::StatusCode::OK);
        }
        start.elapsed() / CALLS
    }
}

fn realm() -> Realm {
    let (issuer, audience) = (support::User::ISSUER.unwrap(), support::User::AUDIENCE.unwrap());
    Realm::new(&format!("{issuer} {audience}")).unwrap()
}

fn look_ups() {
    let list = RevocationList::new();
    let credential = |number: u64| Ids { login: Some(login(number)), ..Ids::default() };
    let empty = fastest(|number| matches!(list.check(&credential(number)), Cleared::Good(_)));
    println!("look-up in an empty list              {:>8.1} ns", nanos(empty));
    let before = resident();
    let expires_at = Timestamp::from_seconds(support::NOW);
    (0..ENTRIES)
        .for_each(|number| list.insert(&Revoked::Login(login(number), EndReason::SignedOut), expires_at));
    let bytes = (resident() - before) as f64 / ENTRIES as f64;
    println!("entries                               {:>8}", list.len());
    println!("resident memory an entry              {bytes:>8.1} bytes");
    let hit = fastest(|number| list.check(&credential(number % ENTRIES)) == Cleared::Gone);
    let miss = fastest(|number| matches!(list.check(&credential(ENTRIES + number)), Cleared::Good(_)));
    println!("look-up of a revoked login            {:>8.1} ns", nanos(hit));
    println!("look-up of a login that is not        {:>8.1} ns", nanos(miss));
}

/// Spread over the whole range, as random ids are.
fn login(number: u64) -> LoginId {
    let low = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let high = (number ^ 0x5bf0_3635).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    LoginId::from_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

fn fastest(mut check: impl FnMut(u64) -> bool) -> Duration {
    let mut number = 0_u64;
    support::fastest(30, 200_000, || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 1;
        assert!(black_box(check(black_box(number >> 8))));
    })
}

fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// The process's resident memory in bytes, as Linux tells it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
