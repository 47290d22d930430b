//! A refusal is a page for browsers, and a problem for other clients.

use auth_tests::Answer;
use auth_tests::program::{Shop, change};
use reqwest::Method;

use crate::{ANYBODY, BAD_SESSION, CROSS_SITE, FORBIDDEN, INVALID, NOT_ALLOWED, NOT_FOUND};

/// A cookie whose session was signed out.
async fn over(shop: &Shop) -> String {
    let cookie = shop.session("alice").await;
    shop.post("/logout").same_origin().cookie(&cookie).send().await.assert_redirect("/");
    cookie
}

/// A page that says this and leads on, and never as JSON.
#[track_caller]
fn assert_says(answer: &Answer, text: &str, way_out: &str) {
    assert!(answer.body.contains(&format!("<p>{text}</p>")), "{}", answer.body);
    assert!(answer.body.contains(&format!(r#"<a class="button" href="{way_out}">"#)), "{}", answer.body);
    assert!(!answer.body.contains("about:blank"));
    assert!(answer.all("vary").join(",").contains("accept"), "{answer:?}");
}

#[tokio::test]
async fn a_form_of_a_page_whose_session_has_ended_redirects_with_a_notice() {
    let shop = Shop::start();
    let cookie = over(&shop).await;
    for (path, goes_to, word) in [
        ("/logout", "/?notice=over", "You were signed out already."),
        (
            "/account/logins/end-others",
            "/login?notice=expired",
            "Your session had ended, so nothing was changed.",
        ),
        (
            "/account/logins/AAAAAAAAAAAAAAAAAAAAAA/end",
            "/login?notice=expired",
            "Please sign in and try again.",
        ),
    ] {
        let form = || shop.post(path).same_origin().cookie(&cookie);
        form().page().send().await.assert_redirect(goes_to);
        form().send().await.assert_problem(401, INVALID, &BAD_SESSION[..1]);
        shop.post(path).same_origin().page().send().await.assert_redirect(goes_to);
        let page = shop.get(goes_to).page().cookie(&cookie).send().await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains(word) && page.body.contains(r#"role="status""#), "{}", page.body);
    }
}

#[tokio::test]
async fn a_notice_is_one_of_a_few_and_never_a_text_of_the_request() {
    let shop = Shop::start();
    for query in ["notice=%3Cscript%3E", "notice=", "notice=over&notice=over", "notice=Over", "notices=over"]
    {
        for path in ["/", "/login"] {
            let page = shop.get(&format!("{path}?{query}")).page().send().await;
            assert_eq!(page.status, 200, "{query}");
            assert!(!page.body.contains(r#"role="status""#), "{query}: {}", page.body);
        }
    }
    let cookie = shop.session("alice").await;
    let signed_in = shop.get("/?notice=over").page().cookie(&cookie).send().await;
    assert!(!signed_in.body.contains("signed out already"), "a link of another site could say so");
}

#[tokio::test]
async fn a_device_that_is_gone_already_is_a_word_on_the_account_page() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    let end = "/account/logins/AAAAAAAAAAAAAAAAAAAAAA/end";

    let browser = shop.post(end).same_origin().page().cookie(&cookie).send().await;
    let program = shop.post(end).same_origin().cookie(&cookie).send().await;

    browser.assert_redirect("/account?notice=gone");
    program.assert_problem(404, NOT_FOUND, &[]);
    let account = shop.get("/account?notice=gone").page().cookie(&cookie).send().await;
    assert!(account.body.contains("That device was signed out already."));
}

#[tokio::test]
async fn what_an_account_may_not_do_is_a_page() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    let disable = || shop.post("/admin/users/bob/disable").same_origin().cookie(&cookie);

    let browser = disable().page().send().await;
    let program = disable().send().await;

    browser.assert_page(403, "Not allowed");
    assert_says(&browser, "Your account may not do this.", "/");
    assert_eq!(browser.challenges(), FORBIDDEN);
    program.assert_problem(403, NOT_ALLOWED, &FORBIDDEN);
}

#[tokio::test]
async fn a_request_of_another_site_is_a_page_wherever_it_is_refused() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    for path in ["/login", "/logout", "/api/orders", "/auth/logout"] {
        let call = || shop.post(path).cross_site().cookie(&cookie).form(&[]);
        let browser = call().page().send().await;
        browser.assert_page(403, "Not allowed");
        assert!(browser.body.contains(CROSS_SITE), "{path}: {}", browser.body);
        call().send().await.assert_problem(403, CROSS_SITE, &[]);
    }
}

#[tokio::test]
async fn an_unknown_address_is_an_error_page() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    for (path, text) in [
        ("/nowhere", "There is nothing at this address."),
        ("/%3Cscript%3E", "There is nothing at this address."),
        // By a check of the policy, by an extractor of one, and by a handler.
        ("/api/orders/1", "There is nothing at this address."),
        ("/api/orders/x", "Not found."),
        ("/auth/logins?after=x", "Not found."),
    ] {
        let browser = shop.get(path).page().cookie(&cookie).send().await;
        browser.assert_page(404, "Not found");
        assert_says(&browser, text, "/");
        shop.get(path).cookie(&cookie).send().await.assert_problem(404, NOT_FOUND, &[]);
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_page_that_names_the_right_ones_to_the_browser() {
    let shop = Shop::start();
    for (method, path, allow) in [("GET", "/logout", "POST"), ("POST", "/health", "GET,HEAD")] {
        let call = || shop.call(method.parse::<Method>().unwrap(), path);
        let browser = call().page().send().await;
        browser.assert_page(405, "Not possible here");
        assert_says(&browser, "This address does not know that method.", "/");
        assert_eq!(browser.header("allow"), Some(allow));
        let program = call().send().await;
        program.assert_problem(405, "This address does not know that method", &[]);
        assert_eq!(program.header("allow"), Some(allow));
    }
}

#[tokio::test]
async fn a_page_without_a_way_to_sign_in_is_401_with_the_challenge() {
    let shop = Shop::start();

    let browser = shop.get("/api/reports").page().send().await;

    browser.assert_page(401, "Please sign in");
    assert_says(&browser, "A credential is needed.", "/login");
    assert_eq!(browser.challenges(), [ANYBODY[0]]);
}

#[tokio::test]
async fn a_sign_in_too_long_ago_is_a_page_that_leads_to_another_one() {
    let shop = Shop::start();
    let cookie = shop.session("carol").await;
    let data = shop.stop().await;
    let earlier = "UPDATE auth_login SET authenticated_at = authenticated_at - 600000";
    assert!(change(&data.folder().join("auth.db"), earlier).await > 0);
    let shop = Shop::start_on(&data, &[]);

    let old = shop.post("/api/orders/1/refund").same_origin().page().cookie(&cookie).send().await;

    old.assert_page(401, "Please sign in");
    assert_says(&old, "You signed in too long ago to do this.", "/login?notice=again");
    assert!(old.challenges()[0].contains("insufficient_user_authentication"), "{old:?}");
}
