//! "My devices" for programs.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use auth_tests::program::Shop;
use auth_tests::{FORGET_COOKIE, eventually};
use serde_json::Value;

use crate::{BAD_SESSION, BAD_TOKEN, INVALID, NOT_FOUND};

async fn list(shop: &Shop, access: &str) -> Vec<Value> {
    let answer = shop.get("/auth/logins").bearer(access).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

#[tokio::test]
async fn the_logins_of_a_user_are_listed_newest_first() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    let form = serde_json::json!({ "username": "alice", "password": "wonderland" });
    let signed_in = shop.post("/api/login").header("user-agent", "curl/8").json(&form).send().await.json();
    let access = signed_in["access_token"].as_str().unwrap();
    shop.tokens("bob").await;

    let logins = list(&shop, access).await;

    let about =
        |login: &Value| (login["kind"].clone(), login["current"].clone(), login["user_agent"].clone());
    assert_eq!(
        logins.iter().map(about).collect::<Vec<_>>(),
        [("token".into(), true.into(), "curl/8".into()), ("session".into(), false.into(), Value::Null),]
    );
    for login in &logins {
        let mut members: Vec<&str> = login.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        let all =
            ["address", "created_at", "current", "expires_at", "id", "kind", "last_seen_at", "user_agent"];
        assert_eq!(members, all);
        assert_eq!(login["address"], "127.0.0.1");
        for time in ["created_at", "expires_at", "last_seen_at"] {
            let time = login[time].as_str().unwrap();
            assert!(
                time.len() >= 20 && &time[4..5] == "-" && &time[10..11] == "T" && time.ends_with('Z'),
                "{time}"
            );
        }
        assert!(login["created_at"].as_str() <= login["last_seen_at"].as_str());
        assert!(login["last_seen_at"].as_str() < login["expires_at"].as_str());
    }
    let as_session = shop.get("/auth/logins").cookie(&cookie).send().await.json();
    assert_eq!((&as_session[0]["current"], &as_session[1]["current"]), (&false.into(), &true.into()));
    let me = shop.get("/api/me").bearer(access).send().await.json();
    assert_eq!(me["login"], logins[0]["id"]);
}

#[tokio::test]
async fn signing_out_ends_the_token_it_came_with_at_once() {
    let shop = Shop::start();
    let (tokens, other) = (shop.tokens("alice").await, shop.tokens("alice").await);

    let answer = shop.post("/auth/logout").bearer(&tokens.access).send().await;

    answer.assert_empty(204);
    assert_eq!(answer.header("set-cookie"), None);
    shop.get("/api/me").bearer(&tokens.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    shop.refresh(&tokens.refresh).send().await.assert_invalid_grant();
    assert_eq!(list(&shop, &other.access).await.len(), 1);
}

#[tokio::test]
async fn signing_out_with_a_cookie_removes_it() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;

    let answer = shop.post("/auth/logout").same_origin().cookie(&cookie).send().await;

    answer.assert_empty(204);
    assert_eq!(answer.header("set-cookie"), Some(FORGET_COOKIE));
    shop.get("/api/me").cookie(&cookie).send().await.assert_problem(401, INVALID, &BAD_SESSION);
}

#[tokio::test]
async fn one_login_is_ended_by_its_id_and_only_by_its_owner() {
    let shop = Shop::start();
    let (alice, bob) = (shop.tokens("alice").await, shop.tokens("bob").await);
    let cookie = shop.session("alice").await;
    let logins = list(&shop, &alice.access).await;
    let end = format!("/auth/logins/{}", logins[0]["id"].as_str().unwrap());

    shop.delete(&end).bearer(&bob.access).send().await.assert_problem(404, NOT_FOUND, &[]);
    assert_eq!(shop.get("/api/me").cookie(&cookie).send().await.status, 200);
    shop.delete(&end).bearer(&alice.access).send().await.assert_empty(204);
    shop.get("/api/me").cookie(&cookie).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    shop.delete(&end).bearer(&alice.access).send().await.assert_problem(404, NOT_FOUND, &[]);
    for unknown in ["AAAAAAAAAAAAAAAAAAAAAA", "1", "%00", "x%2Fy"] {
        let call = shop.delete(&format!("/auth/logins/{unknown}")).bearer(&alice.access);
        call.send().await.assert_problem(404, NOT_FOUND, &[]);
    }
}

#[tokio::test]
async fn a_login_id_that_is_not_even_text_is_not_found() {
    let shop = Shop::start();
    let alice = shop.tokens("alice").await;

    let answer = shop.delete("/auth/logins/%FF").bearer(&alice.access).send().await;

    answer.assert_problem(404, NOT_FOUND, &[]);
}

#[tokio::test]
async fn all_other_logins_end_together_and_the_current_one_stays() {
    let shop = Shop::start();
    let (here, there, bob) =
        (shop.tokens("alice").await, shop.tokens("alice").await, shop.tokens("bob").await);
    let cookie = shop.session("alice").await;

    shop.delete("/auth/logins").bearer(&here.access).send().await.assert_empty(204);

    shop.get("/api/me").cookie(&cookie).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    shop.get("/api/me").bearer(&there.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    shop.refresh(&there.refresh).send().await.assert_invalid_grant();
    assert_eq!(list(&shop, &here.access).await.len(), 1);
    assert_eq!(list(&shop, &bob.access).await.len(), 1);
    shop.delete("/auth/logins").bearer(&here.access).send().await.assert_empty(204);
}

#[tokio::test]
async fn a_session_that_is_not_used_ends() {
    let shop = Shop::start_with(&["--session-idle", "2s"]);
    let cookie = shop.session("alice").await;
    let tokens = shop.tokens("alice").await;

    eventually("the session ends", async || (list(&shop, &tokens.access).await.len() == 1).then_some(()))
        .await;

    shop.get("/api/me").cookie(&cookie).send().await.assert_problem(401, INVALID, &BAD_SESSION);
}
