use auth_core::public;
use axum::http::Method;

#[public]
pub async fn handler(
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
    drop((a, b, c, d, e, f, g, h, i, j, k, l));
    drop((m, n, o, p));
}

fn main() {}
