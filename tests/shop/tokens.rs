//! Signing in with a program, and refreshing.

use auth_tests::program::Shop;
use auth_tests::{Tokens, eventually};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::{BAD_TOKEN, INVALID};

const ALICE: &str = r#"{"username":"alice","password":"wonderland"}"#;

/// Refreshes until the grace of the last rotation has passed and a new token is returned.
async fn rotated(shop: &Shop, tokens: &Tokens) -> Tokens {
    eventually("the token is rotated", async || {
        let next = Tokens::of(&shop.refresh(&tokens.refresh).send().await);
        (next.refresh != tokens.refresh).then_some(next)
    })
    .await
}

#[tokio::test]
async fn a_program_signs_in_with_a_name_and_a_password() {
    let shop = Shop::start();

    let tokens = shop.tokens("carol").await;

    assert_eq!(tokens.expires_in, 900);
    assert!(tokens.refresh.starts_with("ar1_"));
    let claims = tokens.claims();
    assert_eq!((&claims["sub"], &claims["iss"]), (&json!("carol"), &json!("https://shop.example")));
    assert_eq!(claims["scope"], "orders:read orders:write reports:read");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
}

#[tokio::test]
async fn a_customer_gets_the_scopes_of_a_customer() {
    let shop = Shop::start();
    for user in ["alice", "bob"] {
        assert_eq!(shop.tokens(user).await.claims()["scope"], "orders:read orders:write");
    }
}

#[tokio::test]
async fn a_wrong_name_or_password_is_one_answer() {
    let shop = Shop::start();
    for (user, password) in
        [("alice", "builder"), ("alice", ""), ("nobody", "wonderland"), ("Alice", "wonderland")]
    {
        let body = json!({ "username": user, "password": password });
        let answer = shop.post("/api/login").json(&body).send().await;
        answer.assert_problem(401, "User name or password is wrong", &[r#"Bearer realm="shop""#]);
    }
}

#[tokio::test]
async fn a_body_that_is_no_sign_in_is_a_problem_that_quotes_nothing() {
    let shop = Shop::start();
    for (kind, body, status, title) in [
        ("application/json", "{", 400, "The body is not JSON"),
        (
            "application/json",
            r#"{"username":"alice"}"#,
            422,
            "A member of the body is missing or has another type than expected",
        ),
        (
            "application/json",
            r#"{"username":1,"password":"hunter2"}"#,
            422,
            "A member of the body is missing or has another type than expected",
        ),
        ("application/json", r#"["alice","wonderland"]"#, 422, "The body must be a JSON object"),
        ("application/json", " [\"alice\",\"wonderland\"]", 422, "The body must be a JSON object"),
        ("application/json", r#""alice""#, 422, "The body must be a JSON object"),
        ("application/json", "null", 422, "The body must be a JSON object"),
        ("application/json", "", 400, "The body is not JSON"),
        ("text/plain", ALICE, 415, "The body must be application/json"),
        ("application/x-www-form-urlencoded", ALICE, 415, "The body must be application/json"),
        ("application/problem+json", ALICE, 415, "The body must be application/json"),
        ("application/jsonp", ALICE, 415, "The body must be application/json"),
    ] {
        shop.post("/api/login").body(kind, body).send().await.assert_problem(status, title, &[]);
    }
}

#[tokio::test]
async fn a_sign_in_says_once_that_it_is_json() {
    let shop = Shop::start();
    let body = json!({ "username": "alice", "password": "wonderland" }).to_string();
    for kind in ["Application/JSON", "application/json ; charset=utf-8"] {
        assert_eq!(shop.post("/api/login").body(kind, &*body).send().await.status, 200, "{kind}");
    }
    let twice = shop.post("/api/login").header("content-type", "application/json");
    let answer = twice.body("application/json", &*body).send().await;
    answer.assert_problem(415, "The body must be application/json", &[]);
}

#[tokio::test]
async fn an_array_is_no_body_for_any_route() {
    let shop = Shop::start();
    let root = shop.tokens("root").await.access;
    for (method, path, body) in [
        (Method::POST, "/api/login", json!(["alice", "wonderland"])),
        (Method::POST, "/api/orders", json!(["tea", 2])),
        (Method::POST, "/api/password", json!(["toor-toor", "looking-glass"])),
        (Method::PUT, "/admin/users/alice/role", json!(["clerk"])),
    ] {
        let answer = shop.call(method, path).bearer(&root).json(&body).send().await;
        answer.assert_problem(422, "The body must be a JSON object", &[]);
    }
}

#[tokio::test]
async fn refreshing_brings_a_new_token_and_the_access_token_works() {
    let shop = Shop::start_with(&["--grace", "0s"]);
    let first = shop.tokens("alice").await;

    let second = Tokens::of(&shop.refresh(&first.refresh).send().await);
    let third = Tokens::of(&shop.refresh(&second.refresh).send().await);

    assert!(first.refresh != second.refresh && second.refresh != third.refresh);
    assert_eq!(first.login(), third.login());
    for tokens in [&first, &second, &third] {
        assert_eq!(shop.get("/api/me").bearer(&tokens.access).send().await.status, 200);
    }
    assert_eq!(
        shop.get("/auth/logins").bearer(&third.access).send().await.json().as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn within_the_grace_the_previous_token_gets_the_same_answer_however_often() {
    let shop = Shop::start_with(&["--grace", "2s"]);
    let first = shop.tokens("alice").await;
    let second = rotated(&shop, &first).await;

    let answers =
        join_all((0..16).map(|_| async { Tokens::of(&shop.refresh(&first.refresh).send().await) })).await;

    assert!(answers.iter().all(|tokens| tokens.refresh == second.refresh));
    assert_eq!(shop.get("/api/me").bearer(&answers[15].access).send().await.status, 200);
}

#[tokio::test]
async fn many_first_refreshes_at_once_rotate_once() {
    let shop = Shop::start_with(&["--grace", "2s"]);
    let first = shop.tokens("alice").await;
    let second = rotated(&shop, &first).await;

    let third = eventually("sixteen refreshes at once rotate", async || {
        let refreshes =
            (0..16).map(|_| async { Tokens::of(&shop.refresh(&second.refresh).send().await).refresh });
        let mut tokens = join_all(refreshes).await;
        tokens.retain(|token| *token != second.refresh);
        tokens.sort_unstable();
        tokens.dedup();
        assert!(tokens.len() < 2, "one token was rotated into several");
        tokens.pop()
    })
    .await;

    Tokens::of(&shop.refresh(&third).send().await);
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_still_works_after_the_grace() {
    let shop = Shop::start_with(&["--grace", "0s"]);
    let first = shop.tokens("alice").await;
    let lost = Tokens::of(&shop.refresh(&first.refresh).send().await);

    let again = Tokens::of(&shop.refresh(&first.refresh).send().await);

    assert_ne!(again.refresh, lost.refresh);
    assert_eq!(shop.get("/api/me").bearer(&again.access).send().await.status, 200);
    Tokens::of(&shop.refresh(&again.refresh).send().await);
}

#[tokio::test]
async fn a_token_that_is_presented_after_its_successor_was_used_ends_the_login() {
    let shop = Shop::start_with(&["--grace", "0s"]);
    let (first, other) = (shop.tokens("alice").await, shop.tokens("alice").await);
    let second = Tokens::of(&shop.refresh(&first.refresh).send().await);
    assert_eq!(shop.get("/api/me").bearer(&second.access).send().await.status, 200);

    shop.refresh(&first.refresh).send().await.assert_invalid_grant();

    shop.refresh(&second.refresh).send().await.assert_invalid_grant();
    shop.get("/api/me").bearer(&second.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    assert_eq!(shop.get("/api/me").bearer(&other.access).send().await.status, 200, "another login of hers");
}

#[tokio::test]
async fn a_token_from_long_ago_ends_the_login() {
    let shop = Shop::start_with(&["--grace", "0s"]);
    let first = shop.tokens("alice").await;
    let second = Tokens::of(&shop.refresh(&first.refresh).send().await);
    let third = Tokens::of(&shop.refresh(&second.refresh).send().await);

    shop.refresh(&first.refresh).send().await.assert_invalid_grant();

    shop.refresh(&third.refresh).send().await.assert_invalid_grant();
    shop.get("/api/me").bearer(&third.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
}

#[tokio::test]
async fn a_malformed_token_is_refused_without_effect() {
    let shop = Shop::start_with(&["--grace", "0s"]);
    let tokens = shop.tokens("alice").await;
    let mut forged = tokens.refresh.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let long = "ar1_".to_owned() + "A".repeat(4000).as_str();
    for junk in ["", "x", "ar1_", &*tokens.access, &*forged, &*long, &tokens.refresh[1..]] {
        shop.refresh(junk).send().await.assert_invalid_grant();
    }

    Tokens::of(&shop.refresh(&tokens.refresh).send().await);
}

#[tokio::test]
async fn a_refresh_without_a_token_is_a_bad_request() {
    let shop = Shop::start();
    let body = json!({ "type": "about:blank", "title": "A refresh token is needed", "status": 400, "error": "invalid_request" });
    for sent in ["", "{}", "{", "[]", r#"{"refresh_token":null}"#, r#"{"refresh_token":7}"#] {
        let answer = shop.post("/auth/refresh").body("application/json", sent).send().await;
        answer.assert_problem_with(&body, &[]);
    }
}

#[tokio::test]
async fn an_access_token_expires_and_refreshing_brings_another() {
    let shop = Shop::start_with(&["--access-ttl", "1s"]);
    let tokens = shop.tokens("alice").await;
    assert_eq!(tokens.expires_in, 1);

    let refused = eventually("the access token expires", async || {
        let answer = shop.get("/api/me").bearer(&tokens.access).send().await;
        (answer.status != 200).then_some(answer)
    })
    .await;

    refused.assert_problem(401, INVALID, &BAD_TOKEN);
    let next = Tokens::of(&shop.refresh(&tokens.refresh).send().await);
    assert_eq!(shop.get("/api/me").bearer(&next.access).send().await.status, 200);
}

#[tokio::test]
async fn a_token_of_another_shop_is_refused() {
    let (here, there) = (Shop::start(), Shop::start());
    let tokens = there.tokens("root").await;

    here.get("/api/me").bearer(&tokens.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    here.refresh(&tokens.refresh).send().await.assert_invalid_grant();
}
