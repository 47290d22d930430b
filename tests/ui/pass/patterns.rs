//! The parameters are the user's own: patterns, `mut`, unused ones, and names that the macro might have taken.
#![deny(warnings)]

use auth_core::route::get;
use auth_core::{Auth, ProtectedRouter, check, require_auth};
use auth_tests::{AppState, Orders, ShopUser};
use axum::extract::{Path, State};
use axum::http::Method;

#[require_auth(jwt)]
async fn mutable(mut user: Auth<ShopUser>, mut body: String) -> String {
    body.push_str(&user.email);
    user = user.clone();
    body + user.email.as_str()
}

#[require_auth(jwt)]
async fn ignored(_: Auth<ShopUser>, _method: Method, _: String) {}

#[require_auth(jwt)]
async fn caller_last(Path((one, two)): Path<(u8, u8)>, State(_): State<Orders>, user: Auth<ShopUser>) -> String {
    format!("{one}{two}{}", user.email)
}

#[require_auth(jwt)]
async fn own_names(arg_0: Auth<ShopUser>, guard: Method, arg_1: Method, index: Method, state: String) -> String {
    format!("{}{guard}{arg_1}{index}{state}", arg_0.email)
}

#[require_auth(jwt)]
async fn bound(whole @ Path(_): Path<u64>, ref user: Auth<ShopUser>) -> String {
    format!("{}{}", whole.0, user.email)
}

#[require_auth(jwt)]
async fn body(user: Auth<ShopUser>, body: String) -> String {
    body + user.email.as_str()
}

#[require_auth(jwt)]
async fn guard(guard: Auth<ShopUser>) -> String {
    guard.email.clone()
}

#[check]
async fn parts(user: &Auth<ShopUser>, state: Method, mut arg_0: Method, Path(user_id): Path<u64>) -> bool {
    arg_0 = if arg_0 == state { arg_0 } else { state };
    user.id == user_id && arg_0 == Method::GET
}

#[require_auth(jwt, check(parts))]
async fn recursive(user: Auth<ShopUser>, depth: Depth) -> String {
    match depth.0 {
        0 => user.email.clone(),
        above => Box::pin(recursive(user, Depth(above - 1))).await,
    }
}

struct Depth(u8);

impl<S: Sync> axum::extract::FromRequestParts<S> for Depth {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut axum::http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(3))
    }
}

fn main() {
    #[require_auth(jwt)]
    async fn local(user: Auth<ShopUser>) -> String {
        user.email.clone()
    }

    #[require_auth(jwt)]
    struct Local(Auth<ShopUser>);

    let _: ProtectedRouter<AppState> = ProtectedRouter::new()
        .route("/mutable", get(mutable))
        .route("/ignored", get(ignored))
        .route("/caller_last/{one}/{two}", get(caller_last))
        .route("/own_names", get(own_names))
        .route("/body", get(body))
        .route("/guard", get(guard))
        .route("/bound/{id}", get(bound))
        .route("/recursive/{id}", get(recursive))
        .route("/local", get(local))
        .route("/local_proof", get(|_: Local| async {}));
}
