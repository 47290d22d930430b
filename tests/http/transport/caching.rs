//! What caches may do with answers: none that depends on who asks is stored, unless its handler says so.

use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::route::get;
use auth_core::{Auth, ProtectedRouter, public, require_auth};
use auth_tests::{Answer, Call, Shop, ShopUser};
use axum::response::{AppendHeaders, IntoResponse};
use http::header::{CACHE_CONTROL, VARY};
use http::{Method, StatusCode};

const BOTH: [&str; 2] = ["authorization", "cookie"];
/// A refusal is a problem, or a page of the application.
const REFUSED: [&str; 3] = ["accept", "authorization", "cookie"];

async fn shop() -> (Shop, String, String) {
    let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
    let shop = Shop::with(ring, |builder| builder.refresh_cookie()).await;
    let (access, _) = shop.tokens(7).await;
    let cookie = shop.sign_in(7).await;
    (shop, access, cookie)
}

#[track_caller]
fn assert_not_stored(answer: &Answer, vary: &[&str], row: &str) {
    assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"), "{row}: {answer:#?}");
    assert_eq!(answer.all(VARY), vary, "{row}: {answer:#?}");
}

#[tokio::test]
async fn no_answer_of_a_ready_made_route_is_stored_but_the_public_keys() {
    let (shop, _, cookie) = shop().await;
    let bad = "/auth/logins/x";
    for (method, path, status) in [
        (Method::GET, "/auth/logins", 200),
        (Method::GET, "/auth/logins?after=x", 404),
        (Method::DELETE, "/auth/logins", 204),
        (Method::DELETE, bad, 404),
        (Method::POST, "/auth/logout", 204),
    ] {
        let none = Call::new(method.clone(), path).send(&shop.app).await;
        assert_eq!(none.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_not_stored(&none, &REFUSED, &format!("{method} {path}, refused"));
        let answer = Call::from_page(method.clone(), path, &cookie).send(&shop.app).await;
        assert_eq!(answer.status, status, "{path}");
        assert_not_stored(&answer, &BOTH, &format!("{method} {path}, by session"));
    }
    let (access, _) = shop.tokens(7).await;
    let by_token = Call::get("/auth/logins").bearer(&access).send(&shop.app).await;
    assert_eq!(by_token.status, StatusCode::OK);
    assert_not_stored(&by_token, &BOTH, "by token");

    let browser = Call::post("/browser-tokens").same_origin().send(&shop.app).await.cookie();
    let (_, token) = shop.tokens(7).await;
    for (row, call, status) in [
        ("by cookie", Call::from_page(Method::POST, "/auth/refresh", &browser), 200),
        ("by token", Call::refresh(&token), 200),
        ("a bad token", Call::refresh("x"), 401),
        ("no token", Call::post("/auth/refresh"), 400),
        ("another site", Call::post("/auth/refresh").header("origin", "null").cookie(&browser), 403),
    ] {
        let answer = call.send(&shop.app).await;
        assert_eq!(answer.status, status, "{row}");
        assert_not_stored(&answer, &BOTH, row);
    }
    let keys = Call::get("/.well-known/jwks.json").cookie(&cookie).send(&shop.app).await;
    assert_eq!((keys.header(CACHE_CONTROL), keys.header(VARY)), (Some("public, max-age=300"), None));
}

#[tokio::test]
async fn an_answer_of_a_guarded_handler_is_not_stored() {
    let (shop, access, cookie) = shop().await;
    for path in ["/me", "/by-session", "/perhaps", "/without-csrf", "/orders/70"] {
        let answer = Call::get(path).cookie(&cookie).send(&shop.app).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_not_stored(&answer, &BOTH, path);
        let post = Call::from_page(Method::POST, path, &cookie).send(&shop.app).await;
        if post.status != StatusCode::METHOD_NOT_ALLOWED {
            assert_not_stored(&post, &BOTH, path);
        }
    }
    for path in ["/me", "/admin", "/orders/666", "/fresh"] {
        let refused = Call::get(path).header("authorization", "Bearer x").send(&shop.app).await;
        assert_not_stored(&refused, &REFUSED, path);
    }
    let by_token = Call::get("/by-token").bearer(&access).send(&shop.app).await;
    assert_not_stored(&by_token, &["authorization"], "where no cookie is looked at");
    let open = Call::get("/health").cookie(&cookie).send(&shop.app).await;
    assert_eq!((open.header(CACHE_CONTROL), open.header(VARY)), (None, None), "a public handler");
}

#[require_auth(session | jwt)]
async fn picture(_user: Auth<ShopUser>) -> impl IntoResponse {
    ([(CACHE_CONTROL, "private, max-age=600")], "a picture")
}

#[require_auth(session | jwt)]
async fn translated(_user: Auth<ShopUser>) -> impl IntoResponse {
    (AppendHeaders([(VARY, "Accept-Language, Cookie"), (VARY, "accept")]), "hallo")
}

#[public]
async fn news() -> &'static str {
    "news"
}

#[require_auth(session | jwt)]
async fn write(_user: Auth<ShopUser>) -> &'static str {
    "written"
}

#[require_auth(session | jwt)]
async fn anything(_user: Option<Auth<ShopUser>>) -> &'static str {
    "anything"
}

#[tokio::test]
async fn a_handler_may_say_itself_what_caches_may_do() {
    let (shop, access, _) = shop().await;
    let app = ProtectedRouter::new()
        .route("/picture", get(picture))
        .route("/translated", get(translated))
        .route("/news", get(news).post(write))
        .fallback(anything)
        .with_state(shop.auth.clone());
    let call = |path| Call::get(path).bearer(&access).send(&app);
    let picture = call("/picture").await;
    assert_eq!(picture.header(CACHE_CONTROL), Some("private, max-age=600"));
    assert_eq!(picture.all(VARY), BOTH, "what is stored is kept apart by who asked");
    assert_not_stored(
        &call("/translated").await,
        &["Accept-Language, Cookie", "accept", "authorization"],
        "a `Vary` of its own",
    );
    let news = call("/news").await;
    assert_eq!((news.header(CACHE_CONTROL), news.header(VARY)), (None, None), "beside a guarded method");
    assert_not_stored(&Call::post("/news").bearer(&access).send(&app).await, &BOTH, "beside a public one");
    assert_not_stored(&call("/elsewhere").await, &BOTH, "a fallback");
    let wrong = Call::new(Method::PUT, "/news").send(&app).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong.header("allow"), Some("GET,HEAD,POST"));
}

#[tokio::test]
async fn an_answer_with_data_of_a_session_is_not_stored() {
    let (shop, ..) = shop().await;
    let cookie = Call::post("/cart?goods=apples").same_origin().send(&shop.app).await.cookie();
    let cart = Call::get("/cart").cookie(&cookie).send(&shop.app).await;
    cart.assert_ok("apples", "its data");
    assert_not_stored(&cart, &["cookie"], "/cart");
    let open = Call::get("/health").cookie(&cookie).send(&shop.app).await;
    assert_eq!((open.header(CACHE_CONTROL), open.header(VARY)), (None, None), "which asks for no data");
}
