use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;
use axum::http::Method;

#[require_auth(jwt)]
pub async fn handler(
    user: Auth<ShopUser>,
    a: Method,
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
    drop(user);
    drop((a, b, c, d, e, f, g, h, i, j, k, l));
    drop((m, n, o, p));
}

fn main() {}
