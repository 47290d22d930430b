//! Checks take what the state and the path hold, and answer in several ways.
#![deny(warnings)]

use auth_core::extract::Decision;
use auth_core::route::{get, post};
use auth_core::{Auth, ProtectedRouter, check, require_auth};
use auth_tests::{AppState, Orders, Role, ShopUser};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};

mod rules {
    use super::*;

    #[check]
    pub(crate) async fn is_owner(
        user: &Auth<ShopUser>,
        Path(order): Path<u64>,
        State(orders): State<Orders>,
    ) -> Decision {
        match orders.owner(order) {
            Some(owner) if owner == user.id => Decision::Allow,
            _ => Decision::NotFound,
        }
    }
}

#[check]
async fn is_open(_: &Auth<ShopUser>, mut headers: HeaderMap) -> Result<bool, StatusCode> {
    headers.remove("x-open").map(|value| value == "yes").ok_or(StatusCode::LOCKED)
}

#[check]
async fn asks(user: &Auth<ShopUser>, query: Query<u8>) -> Result<Decision, (StatusCode, String)> {
    let _ = (user, query);
    Ok(Decision::Forbidden)
}

#[require_auth(session | jwt, any(role(Role::Clerk), check(rules::is_owner)))]
async fn order(user: Auth<ShopUser>, Path(order): Path<u64>) -> String {
    format!("{order} {}", user.email)
}

#[require_auth(jwt, check(rules::is_owner), all(check(is_open), any(check(asks), check(self::rules::is_owner))))]
async fn change(user: Auth<ShopUser>, body: String) -> String {
    body + user.email.as_str()
}

/// A check is a function, too.
#[require_auth(jwt)]
async fn direct(user: Auth<ShopUser>, orders: State<Orders>) -> String {
    format!("{:?}", rules::is_owner(&user, Path(1), orders).await)
}

fn main() {
    let _: ProtectedRouter<AppState> =
        ProtectedRouter::new().route("/{id}", get(order).post(change)).route("/", post(direct));
}
