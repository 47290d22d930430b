//! The account page: the devices and their buttons.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use auth_tests::FORGET_COOKIE;
use auth_tests::program::Shop;
use serde_json::Value;

use crate::{BAD_SESSION, BAD_TOKEN, INVALID, NOT_FOUND};

/// The login that a cookie carries.
async fn login_of(shop: &Shop, cookie: &str) -> String {
    shop.get("/api/me").cookie(cookie).send().await.json()["login"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_account_lists_every_device_with_a_button() {
    let shop = Shop::start();
    let form = [("username", "alice"), ("password", "wonderland")];
    let agent = "Browser <1.0> & \"co\"";
    let here = shop
        .post("/login")
        .same_origin()
        .header("user-agent", agent)
        .form(&form)
        .send()
        .await
        .session_cookie();
    let there = shop.session("alice").await;
    let _program = shop.tokens("alice").await;
    shop.session("bob").await;

    let page = shop.get("/account").page().cookie(&here).send().await;

    page.assert_page(200, "Your account");
    assert_eq!(page.body.matches("/end\"").count(), 3, "{}", page.body);
    assert_eq!(page.body.matches(">this one<").count(), 1);
    assert_eq!(
        (
            page.body.matches("<p>Browser, from 127.0.0.1</p>").count(),
            page.body.matches("<p>App, from").count()
        ),
        (2, 1)
    );
    assert!(page.body.contains("action=\"/account/logins/end-others\""));
    assert!(!page.body.contains("<1.0>"), "the name of a browser is not escaped");
    for cookie in [here, there] {
        let login = login_of(&shop, &cookie).await;
        assert!(page.body.contains(&format!("action=\"/account/logins/{login}/end\"")));
    }
}

#[tokio::test]
async fn the_name_of_a_device_turns_no_text_around_it() {
    let shop = Shop::start();
    let form = [("username", "alice"), ("password", "wonderland")];
    // What comes after an override is written from right to left.
    let agent = "Browser \u{202e}resworB";
    let call = shop.post("/login").same_origin().header("user-agent", agent).form(&form);
    let cookie = call.send().await.session_cookie();

    let page = shop.get("/account").page().cookie(&cookie).send().await;

    let name = format!("<h3><bdi>{agent}</bdi> <span");
    assert!(page.body.contains(&name), "{}", page.body);
    let label = format!("aria-label=\"Sign out &#x2068;{agent}&#x2069;, signed in");
    assert!(page.body.contains(&label), "{}", page.body);
    assert_eq!(page.body.matches('\u{202e}').count(), 2);
}

#[tokio::test]
async fn ending_another_device_signs_it_out_at_once() {
    let shop = Shop::start();
    let (here, there) = (shop.session("alice").await, shop.session("alice").await);
    let end = format!("/account/logins/{}/end", login_of(&shop, &there).await);

    shop.post(&end).same_origin().cookie(&here).send().await.assert_redirect("/account");

    shop.get("/api/me").cookie(&there).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    shop.get("/account").page().cookie(&there).send().await.assert_redirect("/login?next=/account");
    shop.post(&end).same_origin().cookie(&here).send().await.assert_problem(404, NOT_FOUND, &[]);
    assert_eq!(shop.get("/api/me").cookie(&here).send().await.status, 200);
}

#[tokio::test]
async fn ending_the_own_device_signs_out() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    let end = format!("/account/logins/{}/end", login_of(&shop, &cookie).await);

    let answer = shop.post(&end).same_origin().cookie(&cookie).send().await;

    answer.assert_redirect("/");
    assert_eq!(answer.header("set-cookie"), Some(FORGET_COOKIE));
    shop.get("/api/me").cookie(&cookie).send().await.assert_problem(401, INVALID, &BAD_SESSION);
}

#[tokio::test]
async fn ending_all_others_leaves_only_the_current_one() {
    let shop = Shop::start();
    let (here, there) = (shop.session("alice").await, shop.session("alice").await);
    let (program, bob) = (shop.tokens("alice").await, shop.tokens("bob").await);

    shop.post("/account/logins/end-others")
        .same_origin()
        .cookie(&here)
        .send()
        .await
        .assert_redirect("/account");

    shop.get("/api/me").cookie(&there).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    shop.get("/api/me").bearer(&program.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    shop.refresh(&program.refresh).send().await.assert_invalid_grant();
    let left = shop.get("/auth/logins").cookie(&here).send().await.json();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert_eq!(shop.get("/api/me").bearer(&bob.access).send().await.status, 200);
    let page = shop.get("/account").page().cookie(&here).send().await;
    assert!(!page.body.contains("end-others"), "there are no others");
}

#[tokio::test]
async fn a_device_of_another_user_cannot_be_ended() {
    let shop = Shop::start();
    let (alice, bob) = (shop.session("alice").await, shop.session("bob").await);
    let end = format!("/account/logins/{}/end", login_of(&shop, &bob).await);

    shop.post(&end).same_origin().cookie(&alice).send().await.assert_problem(404, NOT_FOUND, &[]);
    shop.post("/account/logins/no-id/end").same_origin().cookie(&alice).send().await.assert_problem(
        404,
        NOT_FOUND,
        &[],
    );

    assert_eq!(shop.get("/api/me").cookie(&bob).send().await.status, 200);
}

#[tokio::test]
async fn the_newest_login_pushes_out_the_oldest_beyond_the_limit() {
    let shop = Shop::start_with(&["--max-logins", "2"]);
    let first = shop.session("alice").await;
    let second = shop.tokens("alice").await;
    let bob = shop.session("bob").await;

    let third = shop.session("alice").await;

    shop.get("/api/me").cookie(&first).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    for call in [shop.get("/auth/logins").cookie(&third), shop.get("/auth/logins").bearer(&second.access)] {
        let logins: Value = call.send().await.json();
        assert_eq!(logins.as_array().map(Vec::len), Some(2), "{logins}");
    }
    assert_eq!(shop.get("/api/me").cookie(&bob).send().await.status, 200);
}
