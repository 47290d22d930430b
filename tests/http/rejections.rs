//! The application's answers to refused requests, and what the library adds to them.

use auth_core::extract::{Rejection, RejectionReason};
use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::route::Access;
use auth_tests::shop::routes;
use auth_tests::{Answer, Call, Shop, UNKNOWN_SESSION, problem, session_of};
use axum::Router;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use http::{Method, StatusCode};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A page that says all that an application can learn.
fn page(rejection: &Rejection) -> Option<Response> {
    let seen = (rejection.reason(), rejection.status(), rejection.method(), rejection.path());
    rejection.prefers_html().then(|| Html(format!("{seen:?}")).into_response())
}

async fn with<R: Into<Option<Response>>>(
    answer: impl Fn(&Rejection) -> R + Send + Sync + 'static,
) -> (Shop, Router) {
    let ring = KeyRing::generate(Algorithm::ES256).unwrap();
    let shop = Shop::with(ring, |builder| builder.login_page("/enter").on_rejection(answer)).await;
    let app = routes(&shop.auth).unmatched(&shop.auth).with_state(shop.auth.clone());
    (shop, app)
}

#[track_caller]
fn assert_kept(answer: &Answer) {
    assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"), "{answer:?}");
    let vary = answer.all(VARY);
    assert!(vary == ["accept", "authorization", "cookie"] || vary == ["accept"], "{answer:?}");
}

#[tokio::test]
async fn a_browser_gets_the_page_of_the_application_with_the_status_and_the_challenges() {
    let (shop, app) = with(page).await;
    let cookie = shop.sign_in(7).await;
    let over = UNKNOWN_SESSION;
    shop.clock.advance(std::time::Duration::from_secs(301));
    let fresh = r#"TooOld { max_age: 300s }, 401, GET, "/fresh""#;
    for (row, call, seen, like) in [
        (
            "role",
            Call::get("/admin").cookie(&cookie),
            r#"Forbidden, 403, GET, "/admin""#,
            problem::forbidden(),
        ),
        (
            "check",
            Call::get("/orders/80?a=b").cookie(&cookie),
            r#"Forbidden, 403, GET, "/orders/80""#,
            problem::forbidden(),
        ),
        (
            "scope",
            Call::get("/write").cookie(&cookie),
            r#"Forbidden, 403, GET, "/write""#,
            problem::no_write_scope(),
        ),
        (
            "hidden",
            Call::get("/orders/666").cookie(&cookie),
            r#"NotFound, 404, GET, "/orders/666""#,
            problem::not_found(),
        ),
        ("fresh", Call::get("/fresh").cookie(&cookie), fresh, problem::stale()),
        ("nobody", Call::get("/me"), r#"NoCredential, 401, GET, "/me""#, problem::no_credential()),
        (
            "over",
            Call::post("/me").cookie(over),
            r#"SessionOver, 401, POST, "/me""#,
            problem::invalid_cookie(),
        ),
        (
            "malformed",
            Call::get("/me").cookie(&session_of("x")),
            r#"InvalidCredential, 401, GET, "/me""#,
            problem::invalid_cookie(),
        ),
        (
            "bad token",
            Call::get("/me").bearer("x"),
            r#"InvalidCredential, 401, GET, "/me""#,
            problem::invalid_token(),
        ),
        (
            "two headers",
            Call::get("/me").bearer("x").bearer("x"),
            r#"MalformedRequest, 400, GET, "/me""#,
            problem::malformed(),
        ),
        ("no route", Call::get("/nowhere?a"), r#"NotFound, 404, GET, "/nowhere""#, problem::not_found()),
    ] {
        let answer = call.header(ACCEPT, BROWSER).send(&app).await;
        assert_eq!(answer.body, format!("({seen})"), "{row}");
        assert_eq!(answer.header(CONTENT_TYPE), Some("text/html; charset=utf-8"), "{row}");
        like.assert_head(&answer, row);
        assert_kept(&answer);
    }
    let crossing = Call::post("/me").cookie(&cookie).header("sec-fetch-site", "cross-site");
    let crossing = crossing.header(ACCEPT, BROWSER).send(&app).await;
    assert_eq!(crossing.body, r#"(CrossSite, 403, POST, "/me")"#);
    assert_eq!(crossing.status, StatusCode::FORBIDDEN);
    shop.store.set_down(true);
    let down = Call::get("/me").cookie(over).header(ACCEPT, BROWSER).send(&app).await;
    assert_eq!(down.body, r#"(Unavailable, 503, GET, "/me")"#);
    problem::unavailable().assert_head(&down, "store down");
}

#[tokio::test]
async fn a_program_and_a_refusal_without_a_page_get_the_built_in_answer() {
    let (shop, app) = with(page).await;
    let cookie = shop.sign_in(7).await;
    for accept in ["*/*", "application/json"] {
        let get = async |path| Call::get(path).cookie(&cookie).header(ACCEPT, accept).send(&app).await;
        get("/admin").await.assert_is(&problem::forbidden(), "role");
        get("/orders/666").await.assert_is(&problem::not_found(), "hidden");
        get("/nowhere").await.assert_is(&problem::not_found(), "no route");
        assert_kept(&get("/admin").await);
        assert_kept(&get("/nowhere").await);
    }
    let (_, silent) = with(|_: &Rejection| None).await;
    let away = Call::get("/me").header(ACCEPT, BROWSER).send(&silent).await;
    assert_eq!((away.status.as_u16(), away.location()), (303, Some("/enter?next=/me")));
    assert_kept(&away);
    let lost = Call::get("/nowhere").header(ACCEPT, BROWSER).send(&silent).await;
    lost.assert_is(&problem::not_found(), "no page, no problem of ours");
}

#[tokio::test]
async fn an_application_cannot_turn_a_refusal_into_a_success_or_let_it_be_stored() {
    let careless = |_: &Rejection| {
        let headers = [
            (CACHE_CONTROL, "public, max-age=3600"),
            (WWW_AUTHENTICATE, "Basic"),
            (RETRY_AFTER, "3600"),
            (VARY, "origin"),
        ];
        (StatusCode::OK, headers, "come in").into_response()
    };
    let (shop, app) = with(careless).await;
    let nobody = Call::get("/me").send(&app).await;
    assert_eq!(nobody.body, "come in");
    problem::no_credential().assert_head(&nobody, "nobody");
    assert_eq!(nobody.header(CACHE_CONTROL), Some("no-store"));
    assert_eq!(nobody.all(VARY), ["origin", "accept", "authorization", "cookie"]);
    shop.store.set_down(true);
    let down = Call::get("/me").cookie(UNKNOWN_SESSION).send(&app).await;
    problem::unavailable().assert_head(&down, "store down");
}

#[tokio::test]
async fn an_application_may_redirect_or_choose_another_refusal() {
    let answer = |rejection: &Rejection| match rejection.reason() {
        RejectionReason::Forbidden => Some(StatusCode::NOT_FOUND.into_response()),
        RejectionReason::SessionOver => Some(Redirect::to("/enter?notice=over").into_response()),
        _ => None,
    };
    let (shop, app) = with(answer).await;
    let cookie = shop.sign_in(7).await;
    let hidden = Call::get("/admin").cookie(&cookie).send(&app).await;
    assert_eq!((hidden.status, hidden.body.as_str()), (StatusCode::NOT_FOUND, ""));
    let over = Call::post("/me").cookie(UNKNOWN_SESSION).send(&app).await;
    assert_eq!((over.status.as_u16(), over.location()), (303, Some("/enter?notice=over")));
    assert_eq!(over.challenges(), [""; 0], "a redirect asks for nothing");
    assert_kept(&over);
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_405_with_the_ones_it_has() {
    let (shop, app) = with(page).await;
    for (method, path, allow) in
        [(Method::GET, "/auth/refresh", "POST"), (Method::PUT, "/auth/logins", "GET,HEAD,DELETE")]
    {
        let program = Call::new(method.clone(), path).send(&app).await;
        let body = r#"{"type":"about:blank","title":"This address does not know that method","status":405}"#;
        assert_eq!((program.status.as_u16(), program.body.as_str()), (405, body));
        assert_eq!(program.header(CONTENT_TYPE), Some("application/problem+json"));
        assert_eq!(program.header(ALLOW), Some(allow), "{path}");
        let browser = Call::new(method.clone(), path).header(ACCEPT, BROWSER).send(&app).await;
        assert_eq!(browser.body, format!("(MethodNotAllowed, 405, {method}, {path:?})"));
        assert_eq!((browser.status.as_u16(), browser.header(ALLOW)), (405, Some(allow)));
        assert_kept(&browser);
    }
    let table = routes(&shop.auth).unmatched(&shop.auth).policies();
    let rows: Vec<_> = table.iter().filter(|row| row.path == "/{*fallback}").collect();
    assert_eq!(rows.len(), 1, "{table}");
    assert_eq!(rows[0].access, Access::Public);
}

#[tokio::test]
async fn signing_out_of_a_browser_clears_what_it_cached() {
    let shop = Shop::new(KeyRing::generate(Algorithm::ES256).unwrap()).await;
    let (cookie, (access, _)) = (shop.sign_in(7).await, shop.tokens(7).await);
    let browser = Call::from_page(Method::POST, "/auth/logout", &cookie).send(&shop.app).await;
    assert_eq!((browser.status.as_u16(), browser.header("clear-site-data")), (204, Some("\"cache\"")));
    let program = Call::post("/auth/logout").bearer(&access).send(&shop.app).await;
    assert_eq!((program.status.as_u16(), program.header("clear-site-data")), (204, None));
}
