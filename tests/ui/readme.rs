//! The code of README.md beside the quickstart: `texts.rs` finds each of its blocks here, so each compiles, and the last
//! one runs.

use std::path::Path as FilePath;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::extract::Decision;
use auth_core::id::Subject;
use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::login::{ClaimsSource, SignedIn};
use auth_core::refresh::Peppers;
use auth_core::route::{get, post};
use auth_core::session::Session;
use auth_core::store::memory::MemoryStore;
use auth_core::store::sqlite::SqliteStore;
use auth_core::web::LoginAttempt;
use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, Role, Roles, check, public, require_auth};
use axum::body::Body;
use axum::extract::{FromRef, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Result};
use axum::{BoxError, Json, Router};
use serde::Deserialize;
use tower::ServiceExt as _;

#[derive(Clone, Copy, PartialEq, Eq, Role)]
enum ShopRole {
    Customer,
    #[role(includes(Customer))]
    Clerk,
}

#[derive(Clone, Claims)]
#[claims(issuer = "https://shop.example", audience = "shop", ttl = "15m")]
struct ShopUser {
    #[claim(subject)]
    name: String, // any type with Display and FromStr
    #[claim(roles)]
    roles: Roles<ShopRole>, // for example Roles::from(ShopRole::Clerk)
}

#[check]
async fn owner(user: &Auth<ShopUser>, Path(id): Path<u64>, State(orders): State<Orders>) -> Decision {
    if orders.owner(id) == Some(&user.name) { Decision::Allow } else { Decision::NotFound }
}

#[require_auth(session | jwt, any(role(ShopRole::Clerk), check(owner)))]
async fn order(user: Auth<ShopUser>, Path(id): Path<u64>) -> String {
    format!("order {id}, for {}", user.name)
}

#[require_auth(session | jwt, role(ShopRole::Clerk), fresh("5m"), claims = ShopUser)]
async fn refund(Path(id): Path<u64>) -> String {
    format!("order {id} is refunded")
}

#[public]
async fn sign_in(
    State(auth): State<Authenticator<ShopUser>>,
    State(users): State<Users>,
    attempt: LoginAttempt,
    Json(form): Json<Credentials>,
) -> Result<(SignedIn, Redirect)> {
    auth.check_same_site(&attempt)?;
    let subject = Subject::new(&form.name).map_err(|_| StatusCode::UNAUTHORIZED)?;
    let ticket = auth.begin(&subject).await?;
    let user = users.verify(&form).await.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok((auth.login_session_with(&ticket, attempt, user).await?, Redirect::to("/")))
}

async fn authenticator(data: &FilePath, users: Users) -> Result<Authenticator<ShopUser>, BoxError> {
    let auth = Authenticator::<ShopUser>::builder()
        .keys(KeyRing::from_file_or_generate(data.join("signing-key"), Algorithm::ES256)?)
        .peppers(Peppers::from_file_or_generate(data.join("pepper"))?)
        .store(SqliteStore::open(data.join("auth.db")).await?)
        .claims_source(users)
        .build()
        .await?;
    Ok(auth)
}

#[async_trait]
impl ClaimsSource<ShopUser> for Users {
    async fn load(&self, subject: &Subject) -> Result<Option<ShopUser>, BoxError> {
        self.find(subject.as_str()).await // None: the user is deleted or disabled
    }
}

#[public]
async fn visits(session: Session) -> Result<String> {
    let visits: u32 = session.get("visits").await.map_err(failed)?.unwrap_or(0) + 1;
    session.insert("visits", visits).await.map_err(failed)?;
    Ok(format!("visit {visits}"))
}

fn failed(_: impl std::error::Error) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

fn protected_router(state: AppState) -> Router {
    let app = ProtectedRouter::new()
        .route("/sign-in", post(sign_in))
        .route("/orders/{id}", get(order))
        .route("/orders/{id}/refund", post(refund))
        .route("/visits", get(visits))
        .merge(state.auth.routes())
        .layer(state.auth.session_data_layer());
    println!("{}", app.policies());
    app.with_state(state)
}

fn plain_router(state: AppState) -> Router {
    Router::new()
        .route("/orders/{id}", axum::routing::get(order))
        .merge(state.auth.routes::<AppState>().into_router())
        .with_state(state)
}

#[derive(Clone, FromRef)]
struct AppState {
    auth: Authenticator<ShopUser>,
    users: Users,
    orders: Orders,
}

#[tokio::test]
async fn a_clerk_sees_the_order_of_a_customer() {
    let state = AppState::for_test().await;
    let clerk = ShopUser { name: "carol".to_owned(), roles: Roles::from(ShopRole::Clerk) };
    let tokens = state.auth.login_tokens(LoginAttempt::unknown(), clerk).await.unwrap();
    let bearer = format!("Bearer {}", tokens.access_token());
    let request = Request::get("/orders/1").header("authorization", bearer).body(Body::empty()).unwrap();
    let response = protected_router(state).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_handlers_of_the_readme_answer_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let users = Users;
    let auth = authenticator(folder.path(), users.clone()).await.unwrap();
    let state = AppState { auth, users, orders: Orders::default() };
    for app in [protected_router(state.clone()), plain_router(state.clone())] {
        let request = Request::get("/orders/1").body(Body::empty()).unwrap();
        assert_eq!(app.oneshot(request).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let app = protected_router(state);
    let credentials = r#"{"name":"alice","password":"wonderland"}"#;
    let request = Request::post("/sign-in")
        .header("host", "shop.example")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json")
        .body(Body::from(credentials))
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    for (method, path, status) in [
        ("GET", "/orders/1", StatusCode::OK),
        ("GET", "/orders/2", StatusCode::NOT_FOUND),
        ("POST", "/orders/1/refund", StatusCode::FORBIDDEN),
        ("GET", "/visits", StatusCode::OK),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "shop.example")
            .header("cookie", &cookie)
            .header("host", "shop.example")
            .header("sec-fetch-site", "same-origin")
            .body(Body::empty())
            .unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status, "{method} {path}");
    }
}

impl AppState {
    async fn for_test() -> Self {
        let builder = Authenticator::<ShopUser>::builder();
        let keys = KeyRing::generate(Algorithm::ES256).unwrap();
        let auth = builder.keys(keys).store(MemoryStore::new()).build().await.unwrap();
        Self { auth, users: Users, orders: Orders::default() }
    }
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

/// One user, `alice`.
#[derive(Clone, Debug)]
struct Users;

impl Users {
    async fn verify(&self, credentials: &Credentials) -> Option<ShopUser> {
        let user = self.find(&credentials.name).await.ok().flatten();
        user.filter(|_| credentials.password == "wonderland")
    }

    async fn find(&self, name: &str) -> Result<Option<ShopUser>, BoxError> {
        let roles = Roles::from(ShopRole::Customer);
        Ok((name == "alice").then(|| ShopUser { name: name.to_owned(), roles }))
    }
}

/// One order, 1, of `alice`.
#[derive(Clone, Debug)]
struct Orders(Arc<[String]>);

impl Default for Orders {
    fn default() -> Self {
        Self(["nobody".to_owned(), "alice".to_owned()].into())
    }
}

impl Orders {
    fn owner(&self, id: u64) -> Option<&String> {
        self.0.get(usize::try_from(id).ok()?)
    }
}
