//! What holds for the shop as a whole.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use auth_tests::program::{Data, Shop};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{ANYBODY, BAD_TOKEN, INVALID, NEEDED, NOT_FOUND};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Every route that wants a credential and takes a session as well as a token.
const EITHER: [(&str, &str); 13] = [
    ("GET", "/api/me"),
    ("GET", "/api/orders"),
    ("POST", "/api/orders"),
    ("GET", "/api/orders/1"),
    ("DELETE", "/api/orders/1"),
    ("POST", "/api/orders/1/refund"),
    ("POST", "/api/password"),
    ("POST", "/admin/users/alice/disable"),
    ("PUT", "/admin/users/alice/role"),
    ("POST", "/auth/logout"),
    ("GET", "/auth/logins"),
    ("DELETE", "/auth/logins"),
    ("DELETE", "/auth/logins/AAAAAAAAAAAAAAAAAAAAAA"),
];

fn method(name: &str) -> Method {
    name.parse().unwrap()
}

#[tokio::test]
async fn health_is_open_to_everybody() {
    let answer = Shop::start().get("/health").send().await;

    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "ok"));
}

#[tokio::test]
async fn a_route_with_a_policy_refuses_callers_without_a_credential() {
    let shop = Shop::start();
    for (name, path) in EITHER {
        let answer = shop.call(method(name), path).body("application/json", "not even JSON").send().await;
        answer.assert_problem(401, NEEDED, &ANYBODY);
    }
    for (name, path) in [("GET", "/account"), ("POST", "/logout"), ("POST", "/account/logins/end-others")] {
        shop.call(method(name), path).send().await.assert_problem(401, NEEDED, &[ANYBODY[1]]);
    }
    shop.get("/api/reports").send().await.assert_problem(401, NEEDED, &[ANYBODY[0]]);
}

#[tokio::test]
async fn a_bad_bearer_is_refused_everywhere_and_never_falls_back_to_a_good_cookie() {
    let shop = Shop::start();
    let cookie = shop.session("root").await;
    for (name, path) in EITHER {
        let call = shop.call(method(name), path).cookie(&cookie).same_origin().bearer("no.such.token");
        call.send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    }

    assert_eq!(shop.get("/api/me").cookie(&cookie).send().await.json()["scheme"], "session");
}

#[tokio::test]
async fn two_authorization_headers_are_a_bad_request() {
    let shop = Shop::start();
    let tokens = shop.tokens("alice").await;

    let answer = shop.get("/api/me").bearer(&tokens.access).bearer(&tokens.access).send().await;

    answer.assert_problem(
        400,
        "The request's credentials are malformed",
        &[r#"Bearer realm="shop", error="invalid_request""#, r#"Cookie realm="shop""#],
    );
}

#[tokio::test]
async fn public_keys_are_published_without_their_private_half() {
    let answer = Shop::start().get("/.well-known/jwks.json").send().await;

    let keys = answer.json();
    let key = keys["keys"][0].as_object().unwrap();
    let members: Vec<&str> = key.keys().map(String::as_str).collect();
    let known = ["alg", "crv", "kid", "kty", "use", "x", "y"];
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert!(
        members.iter().all(|member| known.contains(member)) && members.len() == known.len(),
        "{members:?}"
    );
    assert_eq!((&key["alg"], &key["use"]), (&json!("ES256"), &json!("sig")));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
}

#[tokio::test]
async fn an_unknown_address_is_a_problem() {
    let shop = Shop::start();
    for path in ["/nowhere", "/api", "/api/orders/", "/auth/refresh/x", "/.well-known/"] {
        shop.get(path).send().await.assert_problem(404, NOT_FOUND, &[]);
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_names_the_right_ones() {
    let shop = Shop::start();
    for (name, path, allow) in
        [("POST", "/health", "GET,HEAD"), ("GET", "/logout", "POST"), ("GET", "/auth/refresh", "POST")]
    {
        let answer = shop.call(method(name), path).send().await;
        answer.assert_problem(405, "This address does not know that method", &[]);
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
}

#[tokio::test]
async fn every_answer_is_guarded_against_framing_sniffing_and_caching() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    for (name, path) in [
        ("GET", "/"),
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/account"),
        ("GET", "/api/me"),
        ("GET", "/auth/logins"),
        ("POST", "/auth/refresh"),
        ("GET", "/health"),
        ("GET", "/nowhere"),
        ("DELETE", "/health"),
        ("OPTIONS", "/api/me"),
        ("DELETE", "/api/orders/1"),
    ] {
        let answer = shop.call(method(name), path).cookie(&cookie).same_origin().send().await;
        assert_eq!(answer.header("content-security-policy"), Some(CSP), "{name} {path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{name} {path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{name} {path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{name} {path}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let shop = Shop::start();
    let tokens = shop.tokens("alice").await;
    let long = json!({ "item": "x".repeat(17 * 1024), "quantity": 1 });

    let answer = shop.post("/api/orders").bearer(&tokens.access).json(&long).send().await;

    answer.assert_problem(413, "The body is too large", &[]);
}

#[tokio::test]
async fn the_table_of_policies_is_printed_before_the_address() {
    let shop = Shop::start();

    let table: Vec<Vec<&str>> = shop
        .announced()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|line: &Vec<_>| !line.is_empty())
        .collect();

    let row = |method: &str, path: &str| {
        table.iter().find(|row| row[0] == method && row[1] == path).map(|row| row[2..].join(" "))
    };
    assert_eq!(table[0], ["METHOD", "PATH", "WHO", "ASKS"]);
    assert_eq!(row("GET", "/health").as_deref(), Some("public"));
    assert_eq!(row("GET", "/account").as_deref(), Some("session"));
    assert_eq!(row("GET", "/api/reports").as_deref(), Some("jwt scope(reports:read)"));
    assert_eq!(
        row("POST", "/api/orders/{id}/refund").as_deref(),
        Some("session | jwt role(clerk), fresh 5m")
    );
    for (name, path) in EITHER {
        let path = path
            .replace("/1", "/{id}")
            .replace("/alice", "/{name}")
            .replace("AAAAAAAAAAAAAAAAAAAAAA", "{id}");
        let who = row(name, &path).unwrap_or_else(|| panic!("{name} {path} is not in the table"));
        assert!(who.starts_with("session | jwt"), "{name} {path}: {who}");
    }
    assert!(shop.url().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn a_program_that_cannot_start_prints_why_and_fails() {
    let data = Data::new();
    let first = Shop::start_on(&data, &[]);
    let taken = format!("--listen=127.0.0.1:{}", first.port());

    for (arguments, complaint) in [
        (&["--access-ttl", "soon"][..], "--access-ttl"),
        (&["--max-logins", "0"][..], "--max-logins"),
        (&["--access-ttl", "0s"][..], "access_ttl"),
        (&["--no-such-option"][..], "--no-such-option"),
        (&[&*taken][..], "--listen"),
    ] {
        let failed =
            Shop::try_start_on(&Data::new(), arguments).err().unwrap_or_else(|| panic!("{arguments:?}"));
        assert!(!failed.status.success());
        assert!(failed.stderr.contains(complaint), "{arguments:?}: {}", failed.stderr);
    }
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let shop = Shop::start_with(&["--grace", "0s"]);
    let cookie = shop.session("alice").await;
    let tokens = shop.tokens("alice").await;
    let next = shop.refresh(&tokens.refresh).send().await.json();
    let wrong = json!({ "username": "alice", "password": "a-wrong-guess" });
    let _ = shop.post("/api/login").json(&wrong).send().await;
    let _ = shop.get("/api/me").cookie(&cookie).send().await;
    shop.refresh(&tokens.refresh).send().await;
    shop.refresh(&tokens.refresh).send().await;

    let log = shop.log();
    let secret = |value: &Value| value.as_str().unwrap().to_owned();
    let id = cookie.split_once('=').unwrap().1.to_owned();
    for secret in [
        id,
        tokens.access,
        tokens.refresh,
        secret(&next["access_token"]),
        secret(&next["refresh_token"]),
        "wonderland".to_owned(),
        "a-wrong-guess".to_owned(),
    ] {
        assert!(!log.contains(&secret), "{secret} is in the log:\n{log}");
    }
}
