//! Orders, reports, and who is asking.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use auth_tests::program::Shop;
use serde_json::{Value, json};

use crate::{CROSS_SITE, FORBIDDEN, NOT_ALLOWED, NOT_FOUND};

/// Places an order; its number.
async fn place(shop: &Shop, access: &str, item: &str) -> i64 {
    let body = json!({ "item": item, "quantity": 2 });
    let answer = shop.post("/api/orders").bearer(access).json(&body).send().await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let order = answer.json();
    assert_eq!(answer.header("location"), Some(&*format!("/api/orders/{}", order["id"])));
    order["id"].as_i64().unwrap()
}

async fn orders(shop: &Shop, access: &str) -> Value {
    shop.get("/api/orders").bearer(access).send().await.json()
}

#[tokio::test]
async fn who_is_asking_is_told_for_a_session_and_for_a_token() {
    let shop = Shop::start();
    let (cookie, tokens) = (shop.session("carol").await, shop.tokens("carol").await);

    let session = shop.get("/api/me").cookie(&cookie).send().await.json();
    let token = shop.get("/api/me").bearer(&tokens.access).send().await.json();

    let me = |scheme: &str, login: &Value| json!({ "subject": "carol", "email": "carol@shop.example", "roles": ["clerk"], "scheme": scheme, "login": login });
    assert_eq!(session, me("session", &session["login"]));
    assert_eq!(token, me("jwt", &token["login"]));
    assert!(session["login"].is_string() && token["login"].is_string() && session["login"] != token["login"]);
}

#[tokio::test]
async fn an_order_is_placed_by_token_and_by_session() {
    let shop = Shop::start();
    let (tokens, cookie) = (shop.tokens("alice").await, shop.session("alice").await);

    let tea = place(&shop, &tokens.access, "tea").await;
    let body = json!({ "item": "茶", "quantity": 99 });
    let by_session = shop.post("/api/orders").same_origin().cookie(&cookie).json(&body).send().await;

    assert_eq!(by_session.status, 201);
    let cha = by_session.json();
    assert_eq!(cha, json!({ "id": cha["id"], "owner": "alice", "item": "茶", "quantity": 99 }));
    let tea = json!({ "id": tea, "owner": "alice", "item": "tea", "quantity": 2 });
    assert_eq!(orders(&shop, &tokens.access).await, json!([tea, cha]));
    assert_eq!(shop.get("/api/orders").cookie(&cookie).send().await.json(), json!([tea, cha]));
}

#[tokio::test]
async fn a_token_needs_no_proof_of_the_site_it_comes_from() {
    let shop = Shop::start();
    let (tokens, cookie) = (shop.tokens("alice").await, shop.session("alice").await);
    let body = json!({ "item": "tea", "quantity": 1 });

    let by_token = shop.post("/api/orders").cross_site().bearer(&tokens.access).json(&body).send().await;
    let by_cookie = shop.post("/api/orders").cross_site().cookie(&cookie).json(&body).send().await;

    assert_eq!(by_token.status, 201);
    by_cookie.assert_problem(403, CROSS_SITE, &[]);
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused() {
    let shop = Shop::start();
    let tokens = shop.tokens("alice").await;
    let item = "`item` must have 1 to 80 characters and not be blank";
    let quantity = "`quantity` must be 1 to 99";
    let member = "A member of the body is missing or has another type than expected";
    for (body, title) in [
        (json!({ "item": "", "quantity": 1 }), item),
        (json!({ "item": "  ", "quantity": 1 }), item),
        (json!({ "item": "x".repeat(81), "quantity": 1 }), item),
        (json!({ "item": "tea", "quantity": 0 }), quantity),
        (json!({ "item": "tea", "quantity": 100 }), quantity),
        (json!({ "item": "tea", "quantity": -1 }), quantity),
        (json!({ "item": "tea", "quantity": 1.5 }), member),
        (json!({ "item": "tea" }), member),
        (json!({ "quantity": 1 }), member),
        (json!([]), "The body must be a JSON object"),
    ] {
        let answer = shop.post("/api/orders").bearer(&tokens.access).json(&body).send().await;
        answer.assert_problem(422, title, &[]);
    }
    assert_eq!(orders(&shop, &tokens.access).await, json!([]));
}

#[tokio::test]
async fn customers_see_their_own_orders_and_clerks_all_of_them() {
    let shop = Shop::start();
    let (alice, bob) = (shop.tokens("alice").await, shop.tokens("bob").await);
    let (carol, root) = (shop.tokens("carol").await, shop.tokens("root").await);
    let (tea, nails) = (place(&shop, &alice.access, "tea").await, place(&shop, &bob.access, "nails").await);

    let seen = async |access: &str| -> Vec<i64> {
        let all = orders(&shop, access).await;
        all.as_array().unwrap().iter().map(|order| order["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(seen(&alice.access).await, [tea]);
    assert_eq!(seen(&bob.access).await, [nails]);
    assert_eq!(seen(&carol.access).await, [tea, nails]);
    assert_eq!(seen(&root.access).await, [tea, nails]);
}

#[tokio::test]
async fn an_order_of_another_user_is_answered_like_one_that_does_not_exist() {
    let shop = Shop::start();
    let (alice, bob, carol) =
        (shop.tokens("alice").await, shop.tokens("bob").await, shop.tokens("carol").await);
    let tea = place(&shop, &alice.access, "tea").await;
    let path = format!("/api/orders/{tea}");

    let own = shop.get(&path).bearer(&alice.access).send().await.json();
    assert_eq!(own, json!({ "id": tea, "owner": "alice", "item": "tea", "quantity": 2 }));
    assert_eq!(shop.get(&path).bearer(&carol.access).send().await.json(), own);
    shop.get(&path).bearer(&bob.access).send().await.assert_problem(404, NOT_FOUND, &[]);
    for access in [&bob.access, &carol.access] {
        for id in ["999", "0", "-1", "+1", "01", "x", "%31%20", "9223372036854775808"] {
            shop.get(&format!("/api/orders/{id}")).bearer(access).send().await.assert_problem(
                404,
                NOT_FOUND,
                &[],
            );
        }
    }
}

#[tokio::test]
async fn only_an_admin_deletes_orders() {
    let shop = Shop::start();
    let (alice, carol, root) =
        (shop.tokens("alice").await, shop.tokens("carol").await, shop.tokens("root").await);
    let path = format!("/api/orders/{}", place(&shop, &alice.access, "tea").await);

    for access in [&alice.access, &carol.access] {
        shop.delete(&path).bearer(access).send().await.assert_problem(403, NOT_ALLOWED, &FORBIDDEN);
    }
    shop.delete(&path).bearer(&root.access).send().await.assert_empty(204);
    shop.delete(&path).bearer(&root.access).send().await.assert_problem(404, NOT_FOUND, &[]);
    shop.get(&path).bearer(&alice.access).send().await.assert_problem(404, NOT_FOUND, &[]);
    assert_ne!(
        format!("/api/orders/{}", place(&shop, &alice.access, "tea").await),
        path,
        "a number comes back"
    );
}

#[tokio::test]
async fn clerks_refund_any_order_and_customers_none() {
    let shop = Shop::start();
    let (alice, carol) = (shop.tokens("alice").await, shop.tokens("carol").await);
    let cookie = shop.session("carol").await;
    let path = format!("/api/orders/{}/refund", place(&shop, &alice.access, "tea").await);

    shop.post(&path).bearer(&alice.access).send().await.assert_problem(403, NOT_ALLOWED, &FORBIDDEN);
    shop.post(&path).bearer(&carol.access).send().await.assert_empty(204);
    shop.post(&path).same_origin().cookie(&cookie).send().await.assert_empty(204);
    shop.post("/api/orders/999/refund").bearer(&carol.access).send().await.assert_problem(
        404,
        NOT_FOUND,
        &[],
    );
}

#[tokio::test]
async fn reports_are_for_tokens_with_the_scope_only() {
    let shop = Shop::start();
    let (alice, carol, root) =
        (shop.tokens("alice").await, shop.tokens("carol").await, shop.tokens("root").await);
    let cookie = shop.session("carol").await;
    place(&shop, &alice.access, "tea").await;
    place(&shop, &alice.access, "more tea").await;

    for access in [&carol.access, &root.access] {
        assert_eq!(shop.get("/api/reports").bearer(access).send().await.json(), json!({ "orders": 2 }));
    }
    shop.get("/api/reports").bearer(&alice.access).send().await.assert_problem(
        403,
        NOT_ALLOWED,
        &[r#"Bearer realm="shop", error="insufficient_scope", scope="reports:read""#],
    );
    let with_cookie = shop.get("/api/reports").cookie(&cookie).send().await;
    with_cookie.assert_problem(401, "A credential is needed", &[r#"Bearer realm="shop""#]);
    let with_both = shop.get("/api/reports").cookie(&cookie).bearer(&carol.access).send().await;
    assert_eq!(with_both.status, 200);
}
