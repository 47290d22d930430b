//! A whole request through `oneshot`: a bare handler, ours with a JWT, ours with a session in memory, and an extractor
//! written by hand around `jsonwebtoken::decode`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]

mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use auth_core::jwt::{Algorithm, KeyRing, SigningKey};
use auth_core::route::{get, post};
use auth_core::store::memory::MemoryStore;
use auth_core::web::LoginAttempt;
use auth_core::{Auth, Authenticator, ProtectedRouter, Roles, public, require_auth};
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, COOKIE, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use support::{PeerUser, Subject, User};
use tower::ServiceExt as _;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let (app, token, cookie) = apps().await;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    let routes = [
        ("a bare handler", "/bare", None),
        ("ours, session in memory", "/ours", Some((COOKIE, cookie.clone()))),
        ("ours, JWT HS256 seen before", "/ours", Some((AUTHORIZATION, bearer.clone()))),
        ("ours, JWT HS256 never seen", "/fresh", Some((AUTHORIZATION, bearer.clone()))),
        ("by hand, JWT HS256", "/by-hand", Some((AUTHORIZATION, bearer))),
    ];
    let mut best = [Duration::MAX; 5];
    for _ in 0..60 {
        for (best, (_, path, credential)) in best.iter_mut().zip(&routes) {
            let time = timed(&app, path, credential.as_ref()).await;
            *best = time.min(*best);
        }
    }
    let [bare, .., by_hand] = best;
    println!("fastest of 60 rounds                    time   / bare   / by hand");
    for (time, (name, ..)) in best.iter().zip(&routes) {
        let micros = time.as_nanos() as f64 / 1000.0;
        let ratio = |other: Duration| time.as_nanos() as f64 / other.as_nanos() as f64;
        println!("{name:<32} {micros:>8.2} µs {:>8.2} {:>11.2}", ratio(bare), ratio(by_hand));
    }
}

async fn timed(app: &Router, path: &str, credential: Option<&(http::HeaderName, HeaderValue)>) -> Duration {
    const CALLS: u32 = 500;
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let start = std::time::Instant::now();
    for _ in 0..CALLS {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if let Some((name, value)) = credential {
            request.headers_mut().insert(name, value.clone());
        }
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(black_box(response).status(), StatusCode::OK);
    }
    start.elapsed() / CALLS
}

async fn bare() -> &'static str {
    "ok"
}

#[require_auth(session | jwt, role(support::ShopRole::Customer))]
async fn ours(user: Auth<User>) -> &'static str {
    black_box(&user);
    "ok"
}

async fn by_hand(ByHand(user): ByHand) -> &'static str {
    black_box(&user);
    "ok"
}

/// The verifier alone, as it is for a token that no cache knows.
async fn never_seen(Fresh(user): Fresh) -> &'static str {
    black_box(&user);
    "ok"
}

#[public]
async fn sign_in(State(auth): State<Authenticator<User>>, attempt: LoginAttempt) -> Response {
    let user = User {
        id: "alice".to_owned(),
        email: "a@shop.example".to_owned(),
        roles: Roles::from(support::ShopRole::Clerk),
    };
    (auth.login_session(attempt, user).await.unwrap(), "ok").into_response()
}

#[derive(Clone)]
struct AppState {
    auth: Authenticator<User>,
    subject: Arc<Subject>,
}

impl FromRef<AppState> for Authenticator<User> {
    fn from_ref(state: &AppState) -> Self {
        state.auth.clone()
    }
}

struct ByHand(PeerUser);

impl FromRequestParts<AppState> for ByHand {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, StatusCode> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
        let subject = &state.subject;
        jsonwebtoken::decode::<PeerUser>(token, &subject.peer_key, &subject.peer_validation)
            .map(|token| Self(token.claims))
            .map_err(|_| StatusCode::UNAUTHORIZED)
    }
}

struct Fresh(auth_core::__private::Verified<User>);

impl FromRequestParts<AppState> for Fresh {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, StatusCode> {
        let header = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let token =
            header.and_then(|value| value.strip_prefix(b"Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
        let subject = &state.subject;
        subject
            .verifier
            .verify(&subject.keys, token, subject.now())
            .map(Self)
            .map_err(|_| StatusCode::UNAUTHORIZED)
    }
}

async fn apps() -> (Router, String, HeaderValue) {
    let clock =
        auth_core::testing::ManualClock::new(auth_core::clock::Timestamp::from_seconds(support::NOW + 1));
    let subject = Subject::new(Algorithm::HS256);
    let ring = KeyRing::new(SigningKey::from_secret(&[7; 64], Algorithm::HS256).unwrap()).unwrap();
    let auth = Authenticator::<User>::builder()
        .keys(ring)
        .store(MemoryStore::with_clock(clock.clone()))
        .clock(clock)
        .build()
        .await
        .unwrap();
    let guarded = ProtectedRouter::new().route("/ours", get(ours)).route("/sign-in", post(sign_in));
    let token = subject.token.clone();
    let state = AppState { auth, subject: Arc::new(subject) };
    let app = guarded
        .into_router()
        .route("/bare", axum::routing::get(bare))
        .route("/by-hand", axum::routing::get(by_hand))
        .route("/fresh", axum::routing::get(never_seen))
        .with_state(state);
    let sign_in = Request::post("/sign-in")
        .header("host", "shop.example")
        .header(ORIGIN, "https://shop.example")
        .body(Body::empty())
        .unwrap();
    let response = app.clone().oneshot(sign_in).await.unwrap();
    let cookie = response.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
    (app, token, HeaderValue::from_str(cookie.split(';').next().unwrap()).unwrap())
}
