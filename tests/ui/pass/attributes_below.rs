//! Attributes below see the guard; `instrument` goes with the function, whose parameters it names.
#![deny(warnings)]

use auth_core::route::get;
use auth_core::{Auth, ProtectedRouter, public, require_auth};
use auth_tests::{AppState, ShopUser};
use axum::extract::Path;

/// Documented.
#[require_auth(session | jwt)]
#[axum::debug_handler(state = AppState)]
async fn debugged(user: Auth<ShopUser>, Path(id): Path<u64>) -> String {
    format!("{} {id}", user.email)
}

#[require_auth(session | jwt)]
#[tracing::instrument(skip(user), fields(subject = user.id))]
async fn traced(user: Auth<ShopUser>, Path(id): Path<u64>) -> String {
    format!("{} {id}", user.email)
}

#[require_auth(session | jwt)]
#[cfg_attr(all(), tracing::instrument(skip(user)), allow(unused_variables))]
#[cfg(all())]
async fn traced_where_configured(user: Auth<ShopUser>, Path(id): Path<u64>) {}

#[require_auth(session | jwt)]
#[cfg(any())]
async fn configured_away(user: Auth<ShopUser>, missing: Missing) {}

#[require_auth(session)]
#[cfg_attr(all(), cfg(any()))]
struct ConfiguredAway(Auth<ShopUser>);

#[require_auth(session | jwt)]
#[expect(unused_variables)]
#[deprecated]
async fn linted(user: Auth<ShopUser>, unused: String) {}

#[public]
#[axum::debug_handler(state = AppState)]
#[tracing::instrument(skip(body))]
#[inline]
async fn open(body: String) -> String {
    body
}

fn main() {
    #[allow(deprecated)]
    let _: ProtectedRouter<AppState> = ProtectedRouter::new()
        .route("/debugged", get(debugged))
        .route("/traced/{id}", get(traced))
        .route("/where/{id}", get(traced_where_configured))
        .route("/linted", get(linted))
        .route("/", get(open));
}
