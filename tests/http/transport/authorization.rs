//! The `Authorization` header decides, alone.

use auth_core::jwt::Algorithm;
use auth_tests::{Call, Forger, Shop, problem, session_of};
use http::header::AUTHORIZATION;

async fn shop() -> (Shop, String) {
    let forger = Forger::new(Algorithm::ES256);
    (Shop::new(forger.ring()).await, forger.honest())
}

#[tokio::test]
async fn the_scheme_is_bearer_in_any_case_with_spaces_behind_it() {
    let (shop, token) = shop().await;
    for value in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("bEaReR {token}"),
        format!("Bearer  {token}"),
        format!("Bearer      {token}"),
    ] {
        let answer = Call::get("/me").header(AUTHORIZATION, &value).send(&shop.app).await;
        answer.assert_ok("7 by jwt", value.split(' ').next().unwrap());
    }
}

#[tokio::test]
async fn a_bearer_header_of_another_form_is_a_malformed_request() {
    let (shop, token) = shop().await;
    for value in [
        b"Bearer".to_vec(),
        b"bearer".to_vec(),
        b"Bearer ".to_vec(),
        b"Bearer    ".to_vec(),
        format!("Bearer \t{token}").into_bytes(),
        format!("Bearer {token}\t").into_bytes(),
        format!("Bearer \t {token}").into_bytes(),
        format!("Bearer {token} ").into_bytes(),
        format!("Bearer {token} {token}").into_bytes(),
        format!("Bearer {token},{token}").into_bytes(),
        format!("Bearer {token}, Bearer {token}").into_bytes(),
        format!("Bearer {token}, Basic YTpi").into_bytes(),
        format!("Bearer Bearer {token}").into_bytes(),
        format!("Bearer \"{token}\"").into_bytes(),
        format!("Bearer '{token}'").into_bytes(),
        format!("Bearer <{token}>").into_bytes(),
        format!("Bearer token={token},").into_bytes(),
        format!("Bearer {token};").into_bytes(),
        format!("Bearer {token}\u{e9}").into_bytes(),
        [b"Bearer ".as_slice(), b"\xff\xfe", token.as_bytes()].concat(),
        "Bearer \u{ff22}".as_bytes().to_vec(),
    ] {
        let row = String::from_utf8_lossy(&value).replace(&token, "…");
        let answer = Call::get("/me").header(AUTHORIZATION, &value).send(&shop.app).await;
        answer.assert_is(&problem::malformed(), &row);
    }
}

#[tokio::test]
async fn another_scheme_is_no_credential_of_ours() {
    let (shop, token) = shop().await;
    let cookie = shop.sign_in(7).await;
    for value in [
        String::new(),
        token.clone(),
        format!("Basic {token}"),
        "Basic YWxpY2U6c2VjcmV0".to_owned(),
        format!("DPoP {token}"),
        format!("JWT {token}"),
        format!("Token {token}"),
        format!("Bearer:{token}"),
        format!("Bearer={token}"),
        format!("Bearer\t{token}"),
        format!("Bearer\u{a0}{token}"),
        format!("Bearerx {token}"),
        format!("B\u{435}arer {token}"),
        "Negotiate YII".to_owned(),
        "null".to_owned(),
        "undefined".to_owned(),
    ] {
        let row = value.replace(&token, "…");
        let answer = Call::get("/me").header(AUTHORIZATION, &value).send(&shop.app).await;
        answer.assert_is(&problem::invalid_token(), &row);
        let with_cookie =
            Call::get("/me").header(AUTHORIZATION, &value).cookie(&cookie).send(&shop.app).await;
        with_cookie.assert_is(&problem::invalid_token(), &format!("{row} and a cookie"));
        let optional = Call::get("/perhaps").header(AUTHORIZATION, &value).send(&shop.app).await;
        optional.assert_is(&problem::invalid_token(), &format!("{row}, optional"));
    }
}

#[tokio::test]
async fn two_headers_are_a_malformed_request_whatever_is_in_them() {
    let (shop, token) = shop().await;
    let good = format!("Bearer {token}");
    for (first, second) in [
        (good.as_str(), good.as_str()),
        (&good, "Bearer x"),
        ("Bearer x", &good),
        (&good, "Basic YTpi"),
        (&good, ""),
        ("", ""),
    ] {
        let row = format!("{first:.10} and {second:.10}");
        let call = || Call::get("/me").header(AUTHORIZATION, first).header(AUTHORIZATION, second);
        call().send(&shop.app).await.assert_is(&problem::malformed(), &row);
        let cookie = shop.sign_in(7).await;
        call().cookie(&cookie).send(&shop.app).await.assert_is(&problem::malformed(), &row);
    }
}

#[tokio::test]
async fn a_token_in_the_query_too_is_a_malformed_request_and_alone_it_is_nothing() {
    let (shop, token) = shop().await;
    for query in [
        format!("access_token={token}"),
        "access_token=".to_owned(),
        "access_token".to_owned(),
        format!("a=b&access_token={token}&c=d"),
        "access_token=x&access_token=y".to_owned(),
    ] {
        let path = format!("/me?{query}");
        let both = Call::get(&path).bearer(&token).send(&shop.app).await;
        both.assert_is(&problem::malformed(), &path);
        Call::get(&path).send(&shop.app).await.assert_is(&problem::no_credential(), &path);
    }
    for query in ["xaccess_token=1", "access_token2=1", "q=access_token", "q=a%26access_token=1"] {
        let path = format!("/me?{query}");
        Call::get(&path).bearer(&token).send(&shop.app).await.assert_ok("7 by jwt", &path);
    }
}

#[tokio::test]
async fn a_bad_bearer_never_falls_back_to_a_cookie() {
    let (shop, token) = shop().await;
    let cookie = shop.sign_in(7).await;
    for bearer in ["x", "a.b.c", &token[..token.len() - 1], &format!("{token}A")] {
        for path in ["/me", "/perhaps", "/by-session"] {
            let answer = Call::get(path).bearer(bearer).cookie(&cookie).send(&shop.app).await;
            answer.assert_is(&problem::invalid_token(), path);
        }
        let answer = Call::get("/by-token").bearer(bearer).cookie(&cookie).send(&shop.app).await;
        answer.assert_is(&problem::invalid_token_alone(), "/by-token");
    }
    let both = Call::get("/me").bearer(&token).cookie(&cookie).send(&shop.app).await;
    both.assert_ok("7 by jwt", "a good bearer decides");
    let bad_cookie = Call::get("/me").bearer(&token).cookie(&session_of("x")).send(&shop.app).await;
    bad_cookie.assert_ok("7 by jwt", "and the cookie is not looked at");
}

#[tokio::test]
async fn a_token_elsewhere_is_not_looked_at() {
    let (shop, token) = shop().await;
    for (name, value) in [
        ("x-access-token", token.clone()),
        ("x-auth-token", token.clone()),
        ("proxy-authorization", format!("Bearer {token}")),
        ("x-forwarded-authorization", format!("Bearer {token}")),
        ("cookie", format!("access_token={token}")),
        ("x-forwarded-user", "1".to_owned()),
        ("x-remote-user", "1".to_owned()),
    ] {
        Call::get("/me")
            .header(name, &value)
            .send(&shop.app)
            .await
            .assert_is(&problem::no_credential(), name);
    }
}
