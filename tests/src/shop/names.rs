//! For callers who are known by name: one route for each way of asking who calls.

use auth_core::login::LoginError;
use auth_core::route::{get, post};
use auth_core::session::Session;
use auth_core::web::LoginAttempt;
use auth_core::{Auth, Authenticator, ProtectedRouter, public, require_auth};
use axum::Router;
use axum::extract::{FromRef, Path, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};

use super::Node;
use crate::people::named;
use crate::{Gate, Permission, Role, User};

#[derive(Clone)]
struct App {
    auth: Authenticator<User>,
    /// Where `/slow` and `/slow-cart` stop.
    gate: Gate,
}

impl FromRef<App> for Authenticator<User> {
    fn from_ref(app: &App) -> Self {
        app.auth.clone()
    }
}

/// The application.
pub(super) fn router(auth: &Authenticator<User>, gate: &Gate) -> Router {
    let app = App { auth: auth.clone(), gate: gate.clone() };
    ProtectedRouter::new()
        .route("/me", get(me))
        .route("/write", post(me_writing))
        .route("/admin", get(admin))
        .route("/orders", post(order))
        .route("/strict", get(strict))
        .route("/lax", get(lax))
        .route("/slow", get(slow))
        .route("/cart", get(cart))
        .route("/cart/{item}", post(fill_cart))
        .route("/new-id", post(new_id))
        .route("/slow-cart/{item}", post(fill_cart_slowly))
        .route("/login/{name}", post(login))
        .route("/browser/{name}", post(browser_login))
        .merge(app.auth.routes())
        .layer(app.auth.session_data_layer())
        .with_state(app)
}

fn greet(user: &Auth<User>) -> String {
    format!("{}, by {}", user.name, user.scheme())
}

#[require_auth(session | jwt)]
async fn me(user: Auth<User>) -> String {
    greet(&user)
}

#[require_auth(session | jwt)]
async fn me_writing(user: Auth<User>) -> String {
    greet(&user)
}

#[require_auth(session | jwt, role(Role::Admin))]
async fn admin(user: Auth<User>) -> String {
    greet(&user)
}

#[require_auth(session | jwt, scope(Permission::WriteOrders))]
async fn order(user: Auth<User>) -> String {
    greet(&user)
}

#[require_auth(session | jwt, revocation(within = "1s"))]
async fn strict(user: Auth<User>) -> String {
    greet(&user)
}

#[require_auth(session | jwt, revocation(within = "1h"))]
async fn lax(user: Auth<User>) -> String {
    greet(&user)
}

#[require_auth(session | jwt)]
async fn slow(user: Auth<User>, State(app): State<App>) -> String {
    app.gate.pass().await;
    greet(&user)
}

#[public]
async fn cart(session: Session) -> String {
    session.get::<String>("item").await.unwrap().unwrap_or_else(|| "empty".to_owned())
}

#[public]
async fn fill_cart(Path(item): Path<String>, session: Session) -> StatusCode {
    session.insert("item", item).await.unwrap();
    StatusCode::NO_CONTENT
}

#[public]
async fn new_id(session: Session) -> StatusCode {
    session.cycle_id().await.unwrap();
    StatusCode::NO_CONTENT
}

#[require_auth(session | jwt)]
async fn fill_cart_slowly(
    _user: Auth<User>,
    State(app): State<App>,
    Path(item): Path<String>,
    session: Session,
) -> StatusCode {
    session.insert("item", item).await.unwrap();
    app.gate.pass().await;
    StatusCode::NO_CONTENT
}

#[public]
async fn login(
    State(app): State<App>,
    Path(name): Path<String>,
    attempt: LoginAttempt,
) -> Result<Response, LoginError> {
    let signed_in = app.auth.login_session(attempt, named(&name)).await?;
    Ok((signed_in, StatusCode::NO_CONTENT).into_response())
}

#[public]
async fn browser_login(
    State(app): State<App>,
    Path(name): Path<String>,
    attempt: LoginAttempt,
) -> Result<Response, LoginError> {
    app.auth.login_browser_tokens(attempt, named(&name)).await
}

impl Node<User> {
    /// Signs in with a session; the browser has these cookies already. Returns its new cookie.
    pub async fn sign_in(&self, name: &str, cookies: &str) -> String {
        self.browser(Method::POST, &format!("/login/{name}"), cookies).await.cookie()
    }
}
