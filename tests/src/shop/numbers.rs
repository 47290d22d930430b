//! For callers who are known by number: a route for each kind of policy.

use std::sync::Arc;
use std::time::Duration;

use auth_core::extract::Decision;
use auth_core::jwt::KeyRing;
use auth_core::login::{Builder, LoginError};
use auth_core::route::{MethodRouter, get, post};
use auth_core::session::Session;
use auth_core::store::Store;
use auth_core::store::memory::MemoryStore;
use auth_core::testing::ManualClock;
use auth_core::web::LoginAttempt;
use auth_core::{Auth, Authenticator, ProtectedRouter, check, public, require_auth};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;

use super::Node;
use crate::{
    Answer, Call, FaultyStore, Gate, NOW, Permission, Recorder, Role, ShopUser, user, watch_this_test,
};

/// Who decides who may come in.
pub type Shopkeeper = Authenticator<ShopUser>;

/// A shop at [`NOW`], without leeway.
pub type Shop = Node<ShopUser>;

/// A configuration with this ring and store, at [`NOW`], with no leeway.
pub fn builder(ring: KeyRing, store: Arc<dyn Store>, clock: &ManualClock) -> Builder<ShopUser> {
    Authenticator::builder().keys(ring).shared_store(store).clock(clock.clone()).leeway(Duration::ZERO)
}

impl Node<ShopUser> {
    /// A shop that trusts this ring, in memory.
    pub async fn new(ring: KeyRing) -> Self {
        Self::with(ring, |builder| builder).await
    }

    /// As [`new`](Self::new), configured further.
    pub async fn with(ring: KeyRing, change: impl FnOnce(Builder<ShopUser>) -> Builder<ShopUser>) -> Self {
        let clock = ManualClock::new(NOW);
        Self::on(Arc::new(MemoryStore::with_clock(clock.clone())), &clock, ring, change).await
    }

    /// As [`with`](Self::with), on this store, which has that clock.
    pub async fn on(
        store: Arc<dyn Store>,
        clock: &ManualClock,
        ring: KeyRing,
        change: impl FnOnce(Builder<ShopUser>) -> Builder<ShopUser>,
    ) -> Self {
        watch_this_test();
        let configure = |builder: Builder<ShopUser>| change(builder.keys(ring).leeway(Duration::ZERO));
        let app = |auth: &Shopkeeper, _: &Gate| routes(auth).with_state(auth.clone());
        Self::build(FaultyStore::over(store), clock, Recorder::default(), configure, app).await
    }

    /// Signs in with a cookie; the answer's [`cookie`](Answer::cookie) is the session.
    pub async fn sign_in(&self, id: u64) -> String {
        self.sign_in_from(id, Call::post("/login").same_origin()).await.cookie()
    }

    /// Signs in with a cookie, from that request.
    pub async fn sign_in_from(&self, id: u64, call: Call) -> Answer {
        let answer = call.header("x-user", id.to_string()).send(&self.app).await;
        answer.assert_ok("signed in", "sign in");
        answer
    }

    /// Signs in with tokens: access and refresh.
    pub async fn tokens(&self, id: u64) -> (String, String) {
        let tokens = self.login(user(id)).await;
        (tokens.access_token().to_owned(), tokens.refresh_token().unwrap().to_owned())
    }

    /// `GET /me` with an access token.
    pub async fn me(&self, bearer: &str) -> Answer {
        Call::get("/me").bearer(bearer).send(&self.app).await
    }

    /// `GET /me` with a cookie, and nothing else that a browser adds.
    pub async fn me_by_cookie(&self, cookie: &str) -> Answer {
        Call::get("/me").cookie(cookie).send(&self.app).await
    }
}

/// Every method that a client sends.
const EVERY: MethodFilter = MethodFilter::GET
    .or(MethodFilter::POST)
    .or(MethodFilter::PUT)
    .or(MethodFilter::PATCH)
    .or(MethodFilter::DELETE)
    .or(MethodFilter::OPTIONS)
    .or(MethodFilter::TRACE);

/// The application.
pub fn routes(auth: &Shopkeeper) -> ProtectedRouter<Shopkeeper> {
    let data = ProtectedRouter::new()
        .route("/cart", get(read_cart).post(fill_cart))
        .route("/my-cart", post(fill_my_cart))
        .route("/login", post(login))
        .layer(auth.session_data_layer());
    ProtectedRouter::new()
        .route("/me", MethodRouter::new().on(EVERY, me))
        .route("/by-session", MethodRouter::new().on(EVERY, by_session))
        .route("/by-token", MethodRouter::new().on(EVERY, by_token))
        .route("/perhaps", MethodRouter::new().on(EVERY, perhaps))
        .route("/without-csrf", MethodRouter::new().on(EVERY, without_csrf))
        .route("/admin", get(admin))
        .route("/clerk", get(clerk))
        .route("/write", get(write))
        .route("/fresh", get(fresh))
        .route("/prompt", get(prompt))
        .route("/orders/{id}", get(order))
        .route("/upload", post(upload))
        .route("/health", MethodRouter::new().on(EVERY, health))
        .route("/tokens", post(tokens))
        .route("/browser-tokens", post(browser_tokens))
        .merge(data)
        .merge(auth.routes())
}

fn show(user: &Auth<ShopUser>) -> String {
    format!("{} by {}", user.subject(), user.scheme())
}

#[require_auth(session | jwt)]
async fn me(user: Auth<ShopUser>) -> String {
    show(&user)
}

#[require_auth(session)]
async fn by_session(user: Auth<ShopUser>) -> String {
    show(&user)
}

#[require_auth(jwt)]
async fn by_token(user: Auth<ShopUser>) -> String {
    show(&user)
}

#[require_auth(session | jwt)]
async fn perhaps(user: Option<Auth<ShopUser>>) -> String {
    user.as_ref().map_or_else(|| "nobody".to_owned(), show)
}

#[require_auth(session | jwt, csrf(off))]
async fn without_csrf(user: Auth<ShopUser>) -> String {
    show(&user)
}

#[require_auth(session | jwt, role(Role::Admin))]
async fn admin(user: Auth<ShopUser>) -> String {
    show(&user)
}

#[require_auth(session | jwt, role(Role::Clerk))]
async fn clerk(user: Auth<ShopUser>) -> String {
    show(&user)
}

#[require_auth(session | jwt, scope(Permission::WriteOrders))]
async fn write(user: Auth<ShopUser>) -> String {
    show(&user)
}

#[require_auth(session | jwt, fresh("5m"))]
async fn fresh(user: Auth<ShopUser>) -> String {
    show(&user)
}

#[require_auth(session | jwt, revocation(within = "2s"))]
async fn prompt(user: Auth<ShopUser>) -> String {
    show(&user)
}

/// Orders 70 to 79 belong to user 7, and so on; order 666 belongs to no user.
#[check]
async fn owner(user: &Auth<ShopUser>, Path(order): Path<u64>) -> Decision {
    match order {
        666 => Decision::NotFound,
        _ if order / 10 == user.id => Decision::Allow,
        _ => Decision::Forbidden,
    }
}

#[require_auth(session | jwt, check(owner))]
async fn order(user: Auth<ShopUser>, Path(order): Path<u64>) -> String {
    format!("order {order} of {}", user.subject())
}

#[require_auth(session | jwt)]
async fn upload(_user: Auth<ShopUser>, body: Bytes) -> String {
    format!("{} bytes", body.len())
}

#[public]
async fn health() -> &'static str {
    "ok"
}

fn named(headers: &http::HeaderMap) -> ShopUser {
    user(headers.get("x-user").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(7))
}

#[public]
async fn login(
    State(auth): State<Shopkeeper>,
    attempt: LoginAttempt,
    headers: http::HeaderMap,
) -> Result<impl IntoResponse, LoginError> {
    let signed_in = auth.login_session(attempt, named(&headers)).await?;
    Ok((signed_in, "signed in"))
}

#[public]
async fn tokens(
    State(auth): State<Shopkeeper>,
    attempt: LoginAttempt,
    headers: http::HeaderMap,
) -> Result<Response, LoginError> {
    auth.login_tokens(attempt, named(&headers)).await.map(IntoResponse::into_response)
}

#[public]
async fn browser_tokens(
    State(auth): State<Shopkeeper>,
    attempt: LoginAttempt,
    headers: http::HeaderMap,
) -> Result<Response, LoginError> {
    auth.login_browser_tokens(attempt, named(&headers)).await
}

/// What is in the cart, for anybody.
#[public]
async fn read_cart(axum::Extension(session): axum::Extension<Session>) -> String {
    let goods: Option<String> = session.get("cart").await.unwrap();
    goods.unwrap_or_else(|| "empty".to_owned())
}

/// Fills the cart, for anybody.
#[public]
async fn fill_cart(
    axum::Extension(session): axum::Extension<Session>,
    Query(cart): Query<Cart>,
) -> &'static str {
    session.insert("cart", cart.goods).await.unwrap();
    "filled"
}

/// Fills the cart of a user who is signed in.
#[require_auth(session)]
async fn fill_my_cart(
    _user: Auth<ShopUser>,
    axum::Extension(session): axum::Extension<Session>,
    Query(cart): Query<Cart>,
) -> &'static str {
    session.insert("cart", cart.goods).await.unwrap();
    "filled"
}

#[derive(serde::Deserialize)]
struct Cart {
    goods: String,
}
