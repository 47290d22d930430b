//! All routes of the shop. Each handler has its policy; a handler without one does not compile.

use auth_core::route::{get, post, put};
use auth_core::{Authenticator, ProtectedRouter};
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_response};

use crate::api::{admin, health, login, me, orders, password, reports};
use crate::headers;
use crate::pages;
use crate::state::AppState;
use crate::user::ShopUser;

/// The maximum length of a body, in bytes.
const LARGEST_BODY: usize = 16 * 1024;

/// The router with the layers that all routes share.
pub(crate) fn router(auth: &Authenticator<ShopUser>) -> ProtectedRouter<AppState> {
    ProtectedRouter::new()
        .merge(pages())
        .merge(api())
        .merge(auth.routes::<AppState>())
        .unmatched(auth)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(pages::error::show))
        .layer(map_response(headers::secure))
}

fn pages() -> ProtectedRouter<AppState> {
    use pages::{account, files, home, login, logout};

    ProtectedRouter::new()
        .route("/", get(home::home))
        .route("/style.css", get(files::style))
        .route("/back.js", get(files::back))
        .route("/login", get(login::form).post(login::submit))
        .route("/logout", post(logout::logout))
        .route("/account", get(account::account))
        .route("/account/logins/end-others", post(account::end_other_logins))
        .route("/account/logins/{id}/end", post(account::end_login))
}

fn api() -> ProtectedRouter<AppState> {
    ProtectedRouter::new()
        .route("/health", get(health::health))
        .route("/api/login", post(login::login))
        .route("/api/me", get(me::me))
        .route("/api/orders", get(orders::list).post(orders::place))
        .route("/api/orders/{id}", get(orders::show).delete(orders::delete))
        .route("/api/orders/{id}/refund", post(orders::refund))
        .route("/api/reports", get(reports::reports))
        .route("/api/password", post(password::change))
        .route("/admin/users/{name}/disable", post(admin::disable))
        .route("/admin/users/{name}/role", put(admin::set_role))
}
