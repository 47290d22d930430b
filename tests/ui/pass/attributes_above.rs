//! Attributes above see the function as written.
#![deny(warnings)]

use auth_core::route::get;
use auth_core::{Auth, ProtectedRouter, check, public, require_auth};
use auth_tests::{AppState, ShopUser};
use axum::extract::Path;

#[tracing::instrument(skip(user))]
#[require_auth(session | jwt, check(is_first))]
async fn traced(user: Auth<ShopUser>, Path(id): Path<u64>) -> String {
    format!("{} {id}", user.email)
}

#[cfg(all())]
#[expect(unused_variables)]
/// Documented.
#[require_auth(session | jwt)]
async fn configured(user: Auth<ShopUser>) {}

#[cfg(any())]
#[require_auth(session | jwt)]
async fn configured_away(user: Auth<ShopUser>, missing: Missing) {}

#[tracing::instrument(skip_all)]
#[check]
async fn is_first(user: &Auth<ShopUser>) -> bool {
    user.id == 1
}

#[tracing::instrument]
#[public]
async fn open(body: String) -> String {
    body
}

fn main() {
    let _: ProtectedRouter<AppState> = ProtectedRouter::new()
        .route("/traced/{id}", get(traced))
        .route("/configured", get(configured))
        .route("/", get(open));
}
