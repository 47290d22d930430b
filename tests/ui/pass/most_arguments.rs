//! axum calls with sixteen arguments: the caller is one of them, or the guard is.

use auth_core::route::get;
use auth_core::{Auth, ProtectedRouter, public, require_auth};
use auth_tests::{AppState, ShopUser};
use axum::http::Method;

#[require_auth(jwt)]
#[rustfmt::skip]
async fn with_the_caller(
    user: Auth<ShopUser>,
    b: Method,
    c: Method,
    d: Method,
    e: Method,
    f: Method,
    g: Method,
    h: Method,
    i: Method,
    j: Method,
    k: Method,
    l: Method,
    m: Method,
    n: Method,
    o: Method,
    p: Method,
) {
    drop((user, b, c, d, e, f, g, h));
    drop((i, j, k, l, m, n, o, p));
}

#[require_auth(jwt, claims = ShopUser)]
#[rustfmt::skip]
async fn without(
    b: Method,
    c: Method,
    d: Method,
    e: Method,
    f: Method,
    g: Method,
    h: Method,
    i: Method,
    j: Method,
    k: Method,
    l: Method,
    m: Method,
    n: Method,
    o: Method,
    p: Method,
) {
    drop((b, c, d, e, f, g, h));
    drop((i, j, k, l, m, n, o, p));
}

#[public]
#[rustfmt::skip]
async fn open(
    b: Method,
    c: Method,
    d: Method,
    e: Method,
    f: Method,
    g: Method,
    h: Method,
    i: Method,
    j: Method,
    k: Method,
    l: Method,
    m: Method,
    n: Method,
    o: Method,
    p: Method,
) {
    drop((b, c, d, e, f, g, h));
    drop((i, j, k, l, m, n, o, p));
}

#[require_auth(jwt)]
async fn with_tuples((first, user): (Method, String), caller: Auth<ShopUser>) {
    drop((first, user, caller));
}

fn main() {
    let _: ProtectedRouter<AppState> = ProtectedRouter::new()
        .route("/with", get(with_the_caller))
        .route("/without", get(without))
        .route("/open", get(open))
        .route("/tuples", get(with_tuples));
}
