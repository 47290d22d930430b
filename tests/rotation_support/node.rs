//! A world with one store and one clock, and the nodes that run in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auth_core::Authenticator;
use auth_core::authenticate::{Builder, Ended, RefreshRejection, Tokens};
use auth_core::clock::Clock as _;
use auth_core::extract::Device;
use auth_core::id::{KeyId, LoginId};
use auth_core::key::{Algorithm, KeyRing, SigningKey};
use auth_core::store::memory::MemoryStore;
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_core::store::{Family, LoginRow, Store};
use auth_core::testing::ManualClock;
use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::app::{App, router};
use super::faulty_store::FaultyStore;
use super::forge::{Forged, peppers};
use super::gate::Gate;
use super::people::User;
use super::recorder::Recorder;
use super::reply::Reply;
use super::{GRACE, LEEWAY, NOW, STALENESS, subject};

/// One store, one clock, one set of keys.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: KeyRing,
    folder: Option<TempDir>,
}

impl World {
    pub(crate) fn memory() -> Self {
        Self::new(Arc::new(MemoryStore::new()), None)
    }

    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path().join("auth.db")).await;
        Self::new(Arc::new(store), Some(folder))
    }

    /// A world over the file in a folder that somebody else looks after.
    pub(crate) async fn in_folder(folder: &Path) -> Self {
        Self::new(Arc::new(open(folder.join("auth.db")).await), None)
    }

    fn new(store: Arc<dyn Store>, folder: Option<TempDir>) -> Self {
        let keys = KeyRing::new(signing_key(0)).unwrap();
        Self { clock: ManualClock::new(NOW), store, keys, folder }
    }

    /// The file of the store.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("auth.db")
    }

    /// The same world with another store.
    pub(crate) fn with_store(self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self }
    }

    pub(crate) async fn node(&self) -> Node {
        self.node_with(|builder| builder).await
    }

    pub(crate) async fn node_with(&self, configure: impl FnOnce(Builder<User>) -> Builder<User>) -> Node {
        self.node_over(FaultyStore::over(self.store.clone()), configure).await
    }

    pub(crate) async fn node_over(
        &self,
        store: FaultyStore,
        configure: impl FnOnce(Builder<User>) -> Builder<User>,
    ) -> Node {
        let events = Recorder::default();
        let builder = Authenticator::builder()
            .keys(self.keys.clone())
            .peppers(peppers())
            .store(store.clone())
            .clock(self.clock.clone())
            .observer(events.clone())
            .grace(GRACE)
            .leeway(LEEWAY)
            .staleness(STALENESS);
        let auth = configure(builder).build().await.unwrap();
        let gate = Gate::closed();
        let app = router(App { auth: auth.clone(), gate: gate.clone() });
        Node { auth, app, store, events, gate, clock: self.clock.clone() }
    }
}

/// The key with that number; 0 is the one that signs.
pub(crate) fn signing_key(number: u8) -> SigningKey {
    SigningKey::from_secret(&[0x4b + number; 32], Algorithm::HS256).unwrap().with_id(key_id(number))
}

pub(crate) fn key_id(number: u8) -> KeyId {
    KeyId::new(&format!("key-{number}")).unwrap()
}

pub(crate) async fn open(path: PathBuf) -> SqliteStore {
    let builder = SqliteStore::builder(path).synchronous(Durability::Normal);
    builder.busy_timeout(Duration::from_secs(60)).open().await.unwrap()
}

/// An authenticator, the application around it, and what it says and does.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) auth: Authenticator<User>,
    pub(crate) app: Router,
    pub(crate) store: FaultyStore,
    pub(crate) events: Recorder,
    /// Where slow handlers stop.
    pub(crate) gate: Gate,
    pub(crate) clock: ManualClock,
}

impl Node {
    /// Signs in with tokens.
    pub(crate) async fn login(&self, user: User) -> Tokens {
        self.auth.login_tokens(Device::unknown(), user).await.unwrap()
    }

    /// Ends the login of a refresh token from elsewhere.
    pub(crate) async fn end(&self, token: &str) {
        let subject = self.row(token).await.unwrap().subject;
        assert_eq!(self.auth.end_login(&subject, login_of(token)).await.unwrap(), Ended::Ended);
    }

    /// Refreshes without an access token.
    pub(crate) async fn refresh(&self, token: &str) -> Result<Tokens, RefreshRejection> {
        self.auth.refresh(token, None).await
    }

    /// The store without faults.
    pub(crate) fn behind(&self) -> Arc<dyn Store> {
        self.store.inner()
    }

    /// The row of a refresh token's login, as it is stored.
    pub(crate) async fn row(&self, token: &str) -> Option<LoginRow> {
        self.behind().load_login(login_of(token), self.clock.now()).await.unwrap()
    }

    /// The family of a refresh token's login.
    pub(crate) async fn family(&self, token: &str) -> Family {
        self.row(token).await.unwrap().family.unwrap()
    }

    /// The ids of somebody's live logins, newest first.
    pub(crate) async fn logins_of(&self, name: &str) -> Vec<LoginId> {
        let now = self.clock.now();
        let rows = self.behind().list_logins(&subject(name), now).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Reply { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// A request with an access token.
    pub(crate) async fn bearer(&self, method: Method, path: &str, access_token: &str) -> Reply {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(AUTHORIZATION, format!("Bearer {access_token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A request of a page of the application, with cookies.
    pub(crate) async fn browser(&self, method: Method, path: &str, cookies: &str) -> Reply {
        self.send(from_page(method, path, cookies).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, access_token: &str) -> Reply {
        self.bearer(Method::GET, path, access_token).await
    }

    pub(crate) async fn get_by_cookie(&self, path: &str, cookie: &str) -> Reply {
        self.browser(Method::GET, path, cookie).await
    }

    /// Signs in with a session; the browser has these cookies already. Returns its new cookie.
    pub(crate) async fn sign_in(&self, name: &str, cookies: &str) -> String {
        self.browser(Method::POST, &format!("/login/{name}"), cookies).await.cookie()
    }

    /// Refreshes over HTTP with the token in the body.
    pub(crate) async fn post_refresh(&self, token: &str) -> Reply {
        self.send(refresh_request(token)).await
    }
}

/// A request of a page of the application.
pub(crate) fn from_page(method: Method, path: &str, cookies: &str) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path).header(HOST, "shop.example");
    let request = request.header("sec-fetch-site", "same-origin");
    if cookies.is_empty() { request } else { request.header(COOKIE, cookies) }
}

/// `POST /auth/refresh` of a program.
pub(crate) fn refresh_request(token: &str) -> Request<Body> {
    let body = serde_json::json!({ "refresh_token": token }).to_string();
    let request = Request::post("/auth/refresh").header(CONTENT_TYPE, "application/json");
    request.body(Body::from(body)).unwrap()
}

/// The login that a refresh token names.
pub(crate) fn login_of(token: &str) -> LoginId {
    LoginId::from_bytes(Forged::from(token).login())
}

/// The refresh token.
#[track_caller]
pub(crate) fn refresh_of(tokens: &Tokens) -> String {
    tokens.refresh_token().unwrap().to_owned()
}

/// A refresh that is refused for good.
#[track_caller]
pub(crate) fn assert_refused(answer: &Result<Tokens, RefreshRejection>) {
    assert!(matches!(answer, Err(RefreshRejection::InvalidGrant)), "{answer:?}");
}

/// A refresh to try again.
#[track_caller]
pub(crate) fn assert_try_again(answer: &Result<Tokens, RefreshRejection>) {
    assert!(matches!(answer, Err(RefreshRejection::Unavailable(_))), "{answer:?}");
}
