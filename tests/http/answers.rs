//! Every situation of the table of responses in docs/reference.md: status, challenge, body.

use std::time::Duration;

use auth_core::jwt::Algorithm;
use auth_tests::forge::{claims, claims_with};
use auth_tests::{Answer, Call, FORGET_COOKIE, Forger, Shop, UNKNOWN_SESSION, problem, session_of};
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{Method, StatusCode};
use serde_json::json;

async fn shop() -> (Shop, Forger) {
    let forger = Forger::new(Algorithm::ES256);
    (Shop::new(forger.ring()).await, forger)
}

#[tokio::test]
async fn a_good_token_and_a_good_cookie_reach_the_handler_as_one_principal() {
    let (shop, forger) = shop().await;
    shop.me(&forger.honest()).await.assert_ok("7 by jwt", "forged in good faith");
    let (access, _) = shop.tokens(7).await;
    shop.me(&access).await.assert_ok("7 by jwt", "issued");
    let cookie = shop.sign_in(7).await;
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "cookie");
}

#[tokio::test]
async fn without_a_credential_the_challenges_are_those_of_the_accepted_schemes_without_an_error() {
    let (shop, _) = shop().await;
    for (path, expected) in [
        ("/me", problem::no_credential()),
        ("/by-session", problem::no_session()),
        ("/by-token", problem::no_token()),
        ("/admin", problem::no_credential()),
        ("/fresh", problem::no_credential()),
        ("/orders/70", problem::no_credential()),
    ] {
        Call::get(path).send(&shop.app).await.assert_is(&expected, path);
    }
    Call::get("/health").send(&shop.app).await.assert_ok("ok", "public");
    Call::get("/perhaps").send(&shop.app).await.assert_ok("nobody", "optional");
}

#[tokio::test]
async fn a_token_is_no_credential_of_a_session_route_nor_a_cookie_of_a_token_route() {
    let (shop, forger) = shop().await;
    let cookie = shop.sign_in(7).await;
    let by_token = Call::get("/by-session").bearer(&forger.honest()).send(&shop.app).await;
    by_token.assert_is(&problem::invalid_token(), "token");
    Call::get("/by-token").cookie(&cookie).send(&shop.app).await.assert_is(&problem::no_token(), "cookie");
    Call::get("/by-session").cookie(&cookie).send(&shop.app).await.assert_ok("7 by session", "cookie");
    Call::get("/by-token").bearer(&forger.honest()).send(&shop.app).await.assert_ok("7 by jwt", "token");
}

#[tokio::test]
async fn an_optional_caller_is_absent_or_good_but_never_a_bad_token_or_cookie() {
    let (shop, forger) = shop().await;
    let cookie = shop.sign_in(7).await;
    let call = || Call::get("/perhaps");
    call().send(&shop.app).await.assert_ok("nobody", "absent");
    call().bearer(&forger.honest()).send(&shop.app).await.assert_ok("7 by jwt", "token");
    call().cookie(&cookie).send(&shop.app).await.assert_ok("7 by session", "cookie");
    call().cookie("theme=dark").send(&shop.app).await.assert_ok("nobody", "another cookie");
    call().bearer("junk").send(&shop.app).await.assert_is(&problem::invalid_token(), "bad token");
    for bad in [session_of("x"), session_of("x").to_lowercase(), format!("{cookie}; {cookie}")] {
        call().cookie(&bad).send(&shop.app).await.assert_is(&problem::invalid_cookie(), &bad);
    }
    let crossing = Call::post("/perhaps").cookie(&cookie).header("sec-fetch-site", "cross-site");
    crossing.send(&shop.app).await.assert_is(&problem::cross_site(), "from another site");
}

#[tokio::test]
async fn a_role_a_scope_or_a_check_that_is_not_met_is_403_and_says_at_most_which_scope() {
    let (shop, forger) = shop().await;
    let get = async |path| Call::get(path).bearer(&forger.honest()).send(&shop.app).await;
    get("/admin").await.assert_is(&problem::forbidden(), "role");
    get("/write").await.assert_is(&problem::no_write_scope(), "scope");
    get("/orders/80").await.assert_is(&problem::forbidden(), "check");
    get("/orders/70").await.assert_ok("order 70 of 7", "own order");
    let admin = shop.tokens(1).await.0;
    Call::get("/admin").bearer(&admin).send(&shop.app).await.assert_ok("1 by jwt", "admin");
    Call::get("/clerk").bearer(&admin).send(&shop.app).await.assert_ok("1 by jwt", "an admin is a clerk");
    Call::get("/write").bearer(&admin).send(&shop.app).await.assert_ok("1 by jwt", "scope");
}

#[tokio::test]
async fn a_check_that_says_not_found_is_404_like_a_route_that_is_not_there() {
    let (shop, forger) = shop().await;
    let hidden = Call::get("/orders/666").bearer(&forger.honest()).send(&shop.app).await;
    hidden.assert_is(&problem::not_found(), "hidden");
    Call::get("/orders/666").send(&shop.app).await.assert_is(&problem::no_credential(), "anonymous");
}

#[tokio::test]
async fn a_login_too_old_for_a_fresh_route_gets_the_challenge_of_rfc_9470() {
    let (shop, forger) = shop().await;
    let cookie = shop.sign_in(7).await;
    let by_cookie = async || Call::get("/fresh").cookie(&cookie).send(&shop.app).await;
    shop.clock.advance(Duration::from_secs(300));
    by_cookie().await.assert_ok("7 by session", "five minutes");
    shop.clock.advance(Duration::from_millis(1));
    by_cookie().await.assert_is(&problem::stale(), "five minutes and a millisecond");
    let by_token = async |claims: serde_json::Value| {
        Call::get("/fresh").bearer(&forger.token(claims.to_string())).send(&shop.app).await
    };
    by_token(claims()).await.assert_is(&problem::stale(), "token");
    let now = auth_tests::NOW.seconds();
    let mut later = claims_with("auth_time", json!(now + 1));
    later["iat"] = json!(now + 1);
    by_token(later).await.assert_ok("7 by jwt", "a second later");
    by_token(claims_with("auth_time", json!(now + 301)))
        .await
        .assert_is(&problem::stale(), "from the future");
    by_token(auth_tests::forge::claims_without("auth_time")).await.assert_is(&problem::stale(), "unknown");
}

#[tokio::test]
async fn a_malformed_request_is_400() {
    let (shop, forger) = shop().await;
    let good = format!("Bearer {}", forger.honest());
    let twice = Call::get("/me").header(AUTHORIZATION, &good).header(AUTHORIZATION, &good);
    twice.send(&shop.app).await.assert_is(&problem::malformed(), "two headers");
    let query = Call::get("/me?access_token=x").header(AUTHORIZATION, &good);
    query.send(&shop.app).await.assert_is(&problem::malformed(), "in the query too");
}

/// The store fails. A credential that cannot be decided on is 503, never 401.
#[tokio::test]
async fn a_store_that_does_not_answer_is_503_and_never_401() {
    let forger = Forger::new(Algorithm::ES256);
    let shop = Shop::new(forger.ring()).await;
    let (known, new) = (shop.sign_in(7).await, shop.sign_in(8).await);
    let (access, refresh) = shop.tokens(7).await;
    shop.me_by_cookie(&known).await.assert_ok("7 by session", "before");
    shop.store.set_down(true);
    let unavailable = problem::unavailable();
    shop.me_by_cookie(&new).await.assert_is(&unavailable, "a session that this node has not seen");
    shop.me_by_cookie(UNKNOWN_SESSION).await.assert_is(&unavailable, "an unknown session");
    shop.me_by_cookie(&known).await.assert_ok("7 by session", "within the bound");
    shop.me(&access).await.assert_ok("7 by jwt", "within the bound");
    shop.clock.advance(Duration::from_millis(2001));
    let prompt = async || Call::get("/prompt").bearer(&access).send(&shop.app).await;
    prompt().await.assert_is(&unavailable, "past the route's bound");
    shop.me(&access).await.assert_ok("7 by jwt", "within the default bound");
    shop.clock.advance(Duration::from_millis(3000));
    shop.me(&access).await.assert_is(&unavailable, "token past the bound");
    shop.me_by_cookie(&known).await.assert_is(&unavailable, "session past the bound");
    shop.me("junk").await.assert_is(&problem::invalid_token(), "junk needs no store");
    let refreshed =
        async || Call::post("/auth/refresh").json(&json!({ "refresh_token": refresh })).send(&shop.app).await;
    refreshed().await.assert_is(&unavailable, "refresh");
    let login = Call::post("/login").same_origin().send(&shop.app).await;
    login.assert_is(&unavailable, "login");
    let logout = Call::post("/auth/logout").bearer(&access).send(&shop.app).await;
    logout.assert_is(&unavailable, "logout");
    shop.store.set_down(false);
    shop.me_by_cookie(&new).await.assert_ok("8 by session", "mended");
    shop.me(&access).await.assert_ok("7 by jwt", "mended");
    assert_eq!(refreshed().await.status, StatusCode::OK, "the client kept its token");
}

#[tokio::test]
async fn what_sets_credentials_is_never_stored() {
    let (shop, _) = shop().await;
    let login = shop.sign_in_from(7, Call::post("/login").same_origin()).await;
    let tokens = Call::post("/tokens").send(&shop.app).await;
    let refresh = tokens.value()["refresh_token"].as_str().unwrap().to_owned();
    let refreshed =
        Call::post("/auth/refresh").json(&json!({ "refresh_token": refresh })).send(&shop.app).await;
    let logout = Call::post("/auth/logout").cookie(&login.cookie()).same_origin().send(&shop.app).await;
    for (row, answer) in [("login", login), ("tokens", tokens), ("refresh", refreshed), ("logout", logout)] {
        assert!(answer.status.is_success(), "{row}: {answer:?}");
        assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"), "{row}");
    }
}

#[tokio::test]
async fn the_session_cookie_has_every_protection() {
    let (shop, _) = shop().await;
    let answer = shop.sign_in_from(7, Call::post("/login").same_origin()).await;
    let cookies = answer.set_cookies();
    let attributes = cookies[0].split_once(';').unwrap().1;
    assert_eq!(attributes, " HttpOnly; SameSite=Lax; Secure; Path=/");
    assert!(cookies[0].starts_with(&session_of("")));
    let cookie = answer.cookie();
    let logout = Call::post("/auth/logout").cookie(&cookie).same_origin().send(&shop.app).await;
    assert_eq!(logout.status, StatusCode::NO_CONTENT);
    assert_eq!(logout.set_cookies(), [FORGET_COOKIE]);
    shop.me_by_cookie(&cookie).await.assert_is(&problem::invalid_cookie(), "after the logout");
}

#[tokio::test]
async fn an_invalid_refresh_token_is_401_invalid_grant_and_a_missing_one_is_400() {
    let (shop, _) = shop().await;
    let invalid = r#"{"type":"about:blank","title":"The refresh token is not accepted; sign in again","status":401,"error":"invalid_grant"}"#;
    let missing = r#"{"type":"about:blank","title":"A refresh token is needed","status":400,"error":"invalid_request"}"#;
    let (access, refresh) = shop.tokens(7).await;
    let ended = Call::post("/auth/logout").bearer(&access).send(&shop.app).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    for (row, body, expected) in [
        ("signed out", json!({ "refresh_token": refresh }), (StatusCode::UNAUTHORIZED, invalid)),
        ("junk", json!({ "refresh_token": "junk" }), (StatusCode::UNAUTHORIZED, invalid)),
        ("an access token", json!({ "refresh_token": access }), (StatusCode::UNAUTHORIZED, invalid)),
        ("another member", json!({ "token": refresh }), (StatusCode::BAD_REQUEST, missing)),
        ("a number", json!({ "refresh_token": 1 }), (StatusCode::BAD_REQUEST, missing)),
        ("an array", json!([]), (StatusCode::BAD_REQUEST, missing)),
        ("an array of the members", json!([refresh]), (StatusCode::BAD_REQUEST, missing)),
    ] {
        let answer = Call::post("/auth/refresh").json(&body).send(&shop.app).await;
        assert_eq!((answer.status, answer.body.as_str()), expected, "{row}");
    }
    let empty: Answer = Call::post("/auth/refresh").send(&shop.app).await;
    assert_eq!((empty.status, empty.body.as_str()), (StatusCode::BAD_REQUEST, missing));
}

#[tokio::test]
async fn the_login_of_another_user_is_404_to_read_and_to_end() {
    let (shop, _) = shop().await;
    let (mine, _) = shop.tokens(7).await;
    let (theirs, _) = shop.tokens(8).await;
    let logins = async |bearer: &str| Call::get("/auth/logins").bearer(bearer).send(&shop.app).await.value();
    let their_id = logins(&theirs).await[0]["id"].as_str().unwrap().to_owned();
    assert!(!logins(&mine).await.to_string().contains(&their_id));
    for id in [their_id.as_str(), "AAAAAAAAAAAAAAAAAAAAAA", "x", "..%2F..%2Fx", "AAAAAAAAAAAAAAAAAAAAAB"] {
        let path = format!("/auth/logins/{id}");
        let end = Call::new(Method::DELETE, &path).bearer(&mine).send(&shop.app).await;
        end.assert_is(&problem::not_found(), id);
        let read = Call::get(&path).bearer(&mine).send(&shop.app).await;
        assert_eq!(read.status, StatusCode::METHOD_NOT_ALLOWED, "no route reads one login");
    }
    shop.me(&theirs).await.assert_ok("8 by jwt", "still signed in");
}
