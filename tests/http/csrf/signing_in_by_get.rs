//! Signing in sets a cookie, so no method is safe: links and callbacks of other sites sign nobody in, unless the route says
//! by name that it is a callback with a `state` of its own.

use auth_core::login::LoginError;
use auth_core::route::get;
use auth_core::web::LoginAttempt;
use auth_core::{ProtectedRouter, public};
use auth_tests::shop::Shopkeeper;
use auth_tests::{Answer, Call, Shop, problem, user};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use http::header::{ORIGIN, REFERER};
use http::{Method, StatusCode};

use super::{Headerless, ORIGINS, SITES, shop};

#[public]
async fn link(State(auth): State<Shopkeeper>, attempt: LoginAttempt) -> Result<Response, LoginError> {
    Ok((auth.login_session(attempt, user(8)).await?, "signed in").into_response())
}

#[public]
async fn token_link(State(auth): State<Shopkeeper>, attempt: LoginAttempt) -> Result<Response, LoginError> {
    auth.login_browser_tokens(attempt, user(8)).await
}

#[public]
async fn callback(State(auth): State<Shopkeeper>, attempt: LoginAttempt) -> Result<Response, LoginError> {
    let attempt = attempt.callback_with_checked_state();
    Ok((auth.login_session(attempt, user(8)).await?, "signed in").into_response())
}

#[public]
async fn token_callback(
    State(auth): State<Shopkeeper>,
    attempt: LoginAttempt,
) -> Result<Response, LoginError> {
    auth.login_browser_tokens(attempt.callback_with_checked_state(), user(8)).await
}

/// Methods that are safe, beside `GET`.
const OTHERS: MethodFilter = MethodFilter::HEAD.or(MethodFilter::OPTIONS).or(MethodFilter::TRACE);

fn app(shop: &Shop) -> Router {
    ProtectedRouter::new()
        .route("/link", get(link).on(OTHERS, link))
        .route("/token-link", get(token_link))
        .route("/callback", get(callback).post(callback).on(OTHERS, callback))
        .route("/token-callback", get(token_callback).post(token_callback))
        .with_state(shop.auth.clone())
}

const REFUSED: StatusCode = StatusCode::FORBIDDEN;

#[track_caller]
fn assert_no_sign_in(answer: &Answer, row: &str) {
    assert_eq!((answer.status, answer.set_cookies().len()), (REFUSED, 0), "{row}: {answer:#?}");
}

#[tokio::test]
async fn a_link_signs_in_from_a_page_of_the_site_only() {
    for headerless in [Headerless::Refuse, Headerless::Allow] {
        let (shop, _) = shop(headerless).await;
        let app = app(&shop);
        for path in ["/link", "/token-link"] {
            for (row, call, passes) in [
                ("a page of the site", Call::get(path).same_origin(), true),
                ("its origin", Call::get(path).header(ORIGIN, "https://shop.example"), true),
                ("its referer", Call::get(path).header(REFERER, "https://shop.example/login"), true),
                ("a trusted origin", Call::get(path).header(ORIGIN, "https://admin.example"), true),
                ("another site", Call::get(path).header("sec-fetch-site", "cross-site"), false),
                ("a sibling", Call::get(path).header("sec-fetch-site", "same-site"), false),
                ("a mail program", Call::get(path).header("sec-fetch-site", "none"), false),
                ("a mail scanner, an old browser", Call::get(path), false),
                ("another referer", Call::get(path).header(REFERER, "https://evil.example/"), false),
            ] {
                let row = format!("{headerless:?} {path} from {row}");
                let answer = call.send(&app).await;
                match passes {
                    true => assert_eq!(answer.status, StatusCode::OK, "{row}: {answer:#?}"),
                    false => answer.assert_is(&problem::cross_site(), &row),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_refused_link_leaves_the_victims_login_as_it_was() {
    let (shop, _) = shop(Headerless::Refuse).await;
    let app = app(&shop);
    let cookie = shop.sign_in(7).await;
    for method in [Method::GET, Method::HEAD] {
        let crossing = Call::new(method, "/link").header("sec-fetch-site", "cross-site").cookie(&cookie);
        assert_no_sign_in(&crossing.send(&app).await, "crossing");
    }
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "still signed in");
}

#[tokio::test]
async fn head_never_signs_in() {
    let (shop, _) = shop(Headerless::Allow).await;
    let app = app(&shop);
    for path in ["/link", "/token-link", "/callback", "/token-callback"] {
        for call in [
            Call::new(Method::HEAD, path),
            Call::new(Method::HEAD, path).same_origin(),
            Call::new(Method::HEAD, path).header(ORIGIN, "https://shop.example"),
        ] {
            assert_no_sign_in(&call.send(&app).await, path);
        }
    }
    for method in [Method::OPTIONS, Method::TRACE] {
        for path in ["/link", "/callback"] {
            let answer = Call::new(method.clone(), path).same_origin().send(&app).await;
            answer.assert_problem(403, "This method cannot sign in", &[]);
        }
    }
    assert!(shop.logins_of("8").await.is_empty());
}

#[tokio::test]
async fn a_callback_that_checked_its_state_signs_in_from_any_site() {
    let (shop, _) = shop(Headerless::Refuse).await;
    let app = app(&shop);
    for path in ["/callback", "/token-callback"] {
        for method in [Method::GET, Method::POST] {
            for (site, _) in SITES {
                for (origin, _) in ORIGINS {
                    let answer = super::with(&method, path, site, origin).send(&app).await;
                    assert_eq!(answer.status, StatusCode::OK, "{method} {path} {site:?} {origin:?}");
                }
            }
        }
    }
    let cookie = Call::get("/callback").header("sec-fetch-site", "cross-site").send(&app).await.cookie();
    shop.me_by_cookie(&cookie).await.assert_ok("8 by session", "signed in");
    let crossing = Call::post("/me").header("sec-fetch-site", "cross-site").cookie(&cookie);
    crossing.send(&shop.app).await.assert_is(&problem::cross_site(), "only signing in is let in");
}
