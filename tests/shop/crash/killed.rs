//! The shop, killed without warning and started again on the same folder: what it had answered still holds.

use auth_tests::program::{Data, Shop};
use auth_tests::{Tokens, eventually};
use serde_json::json;

use super::load::Load;

/// How often the shop under load is killed.
const KILLS: usize = 8;
/// How many requests are answered between two of them, at least.
const BETWEEN: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_the_shop_keeps_every_promise_it_made() {
    let data = Data::new();
    let (mut load, mut answered, mut restarts) = (Load::default(), 0, Vec::new());
    for round in 0..KILLS {
        let mut shop = Shop::start_on(&data, &["--grace", "0s"]);
        restarts.push(shop.started_in());
        load.check(&shop).await;
        let running = load.run(&shop).await;
        eventually("requests are answered", async || {
            (running.answered() >= BETWEEN + 17 * round).then_some(())
        })
        .await;
        shop.kill();
        answered += running.answered();
        load = running.stop().await;
    }
    let shop = Shop::start_on(&data, &["--grace", "0s"]);
    restarts.push(shop.started_in());
    load.check(&shop).await;

    let log = shop.log();
    let thefts: Vec<&str> = log.lines().filter(|line| line.contains("event=Theft")).collect();
    assert!(thefts.len() >= load.stolen() && load.stolen() > 0, "{} of {}", thefts.len(), load.stolen());
    for login in load.honest() {
        assert!(!thefts.iter().any(|line| line.contains(&login)), "{login} was called stolen");
    }
    assert!(!log.contains("event=StoreBehind"), "a commit was lost");
    restarts.sort_unstable();
    println!(
        "{KILLS} kills, {answered} answers, {load}; started in {:?} (median), {:?} (longest)",
        restarts[restarts.len() / 2],
        restarts[restarts.len() - 1]
    );
}

#[tokio::test]
async fn an_acknowledged_end_survives_a_kill() {
    let data = Data::new();
    let mut shop = Shop::start_on(&data, &["--grace", "0s"]);
    let (root, stays) = (shop.tokens("root").await, shop.tokens("carol").await);
    let (left, ended, stolen) =
        (shop.tokens("carol").await, shop.tokens("carol").await, shop.tokens("carol").await);
    let disabled = shop.tokens("bob").await;
    let (left_session, ended_session) = (shop.session("carol").await, shop.session("alice").await);
    let next = Tokens::of(&shop.refresh(&stolen.refresh).send().await);
    let last = Tokens::of(&shop.refresh(&next.refresh).send().await);
    let login =
        shop.get("/api/me").bearer(&ended.access).send().await.json()["login"].as_str().unwrap().to_owned();
    let keeper = shop.session("alice").await;

    shop.refresh(&stolen.refresh).send().await.assert_invalid_grant();
    shop.post("/auth/logout").bearer(&left.access).send().await.assert_empty(204);
    shop.delete(&format!("/auth/logins/{login}")).bearer(&stays.access).send().await.assert_empty(204);
    shop.post("/logout").same_origin().cookie(&left_session).send().await.assert_redirect("/");
    shop.delete("/auth/logins").same_origin().cookie(&keeper).send().await.assert_empty(204);
    shop.post("/admin/users/bob/disable").bearer(&root.access).send().await.assert_empty(204);
    shop.kill();
    let shop = Shop::start_on(&data, &["--grace", "0s"]);

    for tokens in [&left, &ended, &last, &disabled] {
        assert_eq!(shop.get("/api/me").bearer(&tokens.access).send().await.status, 401);
        shop.refresh(&tokens.refresh).send().await.assert_invalid_grant();
    }
    for cookie in [&left_session, &ended_session] {
        assert_eq!(shop.get("/api/me").cookie(cookie).send().await.status, 401);
    }
    for call in [shop.get("/api/me").bearer(&stays.access), shop.get("/api/me").cookie(&keeper)] {
        assert_eq!(call.send().await.status, 200);
    }
    let body = json!({ "username": "bob", "password": "builder" });
    assert_eq!(shop.post("/api/login").json(&body).send().await.status, 401);
}

#[tokio::test]
async fn a_role_and_a_password_that_were_answered_hold_after_a_kill() {
    let data = Data::new();
    let mut shop = Shop::start_on(&data, &[]);
    let root = shop.tokens("root").await;
    let (alice, session) = (shop.tokens("alice").await, shop.session("alice").await);
    let (bob, other) = (shop.tokens("bob").await, shop.tokens("bob").await);
    let role = json!({ "role": "clerk" });
    let passwords = json!({ "old": "builder", "new": "architect" });

    shop.put("/admin/users/alice/role").bearer(&root.access).json(&role).send().await.assert_empty(204);
    shop.post("/api/password").bearer(&bob.access).json(&passwords).send().await.assert_empty(204);
    shop.kill();
    let shop = Shop::start_on(&data, &[]);

    assert_eq!(shop.get("/api/me").bearer(&alice.access).send().await.status, 401);
    assert_eq!(shop.get("/api/me").cookie(&session).send().await.json()["roles"], json!(["clerk"]));
    let clerk = Tokens::of(&shop.refresh(&alice.refresh).send().await);
    assert_eq!(shop.get("/api/me").bearer(&clerk.access).send().await.json()["roles"], json!(["clerk"]));
    assert_eq!(shop.get("/api/me").bearer(&other.access).send().await.status, 401);
    assert_eq!(shop.get("/api/me").bearer(&bob.access).send().await.status, 200);
    for (password, status) in [("builder", 401), ("architect", 200)] {
        let body = json!({ "username": "bob", "password": password });
        assert_eq!(shop.post("/api/login").json(&body).send().await.status, status);
    }
}

#[tokio::test]
async fn a_restart_keeps_sessions_tokens_and_orders() {
    let data = Data::new();
    let shop = Shop::start_on(&data, &[]);
    let (cookie, tokens) = (shop.session("alice").await, shop.tokens("alice").await);
    let order = json!({ "item": "tea", "quantity": 1 });
    let placed = shop.post("/api/orders").bearer(&tokens.access).json(&order).send().await.json();
    let keys = shop.get("/.well-known/jwks.json").send().await.json();

    let data = shop.stop().await;
    let mut shop = Shop::start_on(&data, &[]);
    assert_eq!(shop.get("/.well-known/jwks.json").send().await.json(), keys);
    assert_eq!(shop.get("/api/orders").cookie(&cookie).send().await.json(), json!([placed]));
    shop.kill();
    let shop = Shop::start_on(&data, &[]);

    assert_eq!(shop.get("/api/orders").cookie(&cookie).send().await.json(), json!([placed]));
    assert_eq!(shop.get("/api/orders").bearer(&tokens.access).send().await.json(), json!([placed]));
    Tokens::of(&shop.refresh(&tokens.refresh).send().await);
}

#[tokio::test]
async fn within_the_grace_a_retry_after_a_kill_gets_the_same_token() {
    let data = Data::new();
    let mut shop = Shop::start_on(&data, &["--grace", "0s"]);
    let first = shop.tokens("alice").await;
    let second = Tokens::of(&shop.refresh(&first.refresh).send().await);
    shop.kill();

    let shop = Shop::start_on(&data, &["--grace", "60s"]);
    let again = Tokens::of(&shop.refresh(&first.refresh).send().await);

    assert_eq!(again.refresh, second.refresh);
    assert_eq!(shop.get("/api/me").bearer(&again.access).send().await.status, 200);
}
