//! "Back" after a session has ended: what only its user may see is not shown again, however it ended.
//!
//! Chromium keeps pages with `no-store` for some minutes, and the first page after a sign-in even past a change of the
//! cookie; so both kinds are tried.

use auth_tests::program::{Browser, Chrome, Shop};

use super::{address, alice_in};

const SECRET: &str = "alice@shop.example";

/// Alice has just signed in and sees her account; or she has come back to it.
async fn on_the_account(chrome: &Chrome, shop: &Shop, is_first_page: bool) -> Browser {
    let browser = chrome.open().await;
    alice_in(&browser, shop).await;
    if !is_first_page {
        browser.goto(&address(shop, "/")).await;
        browser.click("a[href='/account']").await;
        browser.at("/account").await;
    }
    assert!(browser.text().await.contains(SECRET));
    browser
}

/// The account is what "back" leads to, and it is asked for again.
async fn assert_closed(browser: &Browser, how: &str) {
    browser.back().await;
    browser.at("/login?next=/account").await;
    assert!(!browser.text().await.contains(SECRET), "{how}");
    browser.script("location.reload()").await;
    browser.at("/login?next=/account").await;
}

#[tokio::test]
async fn back_after_signing_out_shows_no_account() {
    let Some(chrome) = Chrome::installed() else { return };
    let shop = Shop::start();
    for is_first_page in [true, false] {
        let browser = on_the_account(&chrome, &shop, is_first_page).await;
        browser.click("form[action='/logout'] button").await;
        browser.at("/").await;

        assert_closed(&browser, "signed out by the form").await;
    }
}

#[tokio::test]
async fn back_after_signing_out_in_another_tab_shows_no_account() {
    let Some(chrome) = Chrome::installed() else { return };
    let shop = Shop::start();
    for is_first_page in [true, false] {
        let browser = on_the_account(&chrome, &shop, is_first_page).await;
        browser.goto(&address(&shop, "/login?notice=again")).await;
        let first = browser.window().await;
        browser.new_tab().await;
        browser.goto(&address(&shop, "/account")).await;
        browser.click("form[action='/logout'] button").await;
        browser.at("/").await;
        browser.show(&first).await;

        assert_closed(&browser, "signed out in another tab").await;
    }
}

#[tokio::test]
async fn back_after_another_device_ended_the_session_shows_no_account() {
    let Some(chrome) = Chrome::installed() else { return };
    let shop = Shop::start();
    for is_first_page in [true, false] {
        let browser = on_the_account(&chrome, &shop, is_first_page).await;
        browser.goto(&address(&shop, "/login?notice=again")).await;
        let phone = shop.session("alice").await;
        let ended = shop.post("/account/logins/end-others").same_origin().cookie(&phone);
        ended.send().await.assert_redirect("/account");

        assert_closed(&browser, "ended from another device").await;
    }
}

#[tokio::test]
async fn back_after_an_admin_ended_all_sessions_shows_no_account() {
    let Some(chrome) = Chrome::installed() else { return };
    let shop = Shop::start();
    let browser = on_the_account(&chrome, &shop, true).await;
    browser.goto(&address(&shop, "/login?notice=again")).await;
    let admin = shop.tokens("root").await;
    shop.post("/admin/users/alice/disable").bearer(&admin.access).send().await.assert_empty(204);

    assert_closed(&browser, "all ended").await;
}

#[tokio::test]
async fn back_during_a_session_shows_the_account_as_it_is_now() {
    let Some(chrome) = Chrome::installed() else { return };
    let shop = Shop::start();
    let browser = on_the_account(&chrome, &shop, true).await;
    assert_eq!(browser.count(".devices li").await, 1);
    browser.goto(&address(&shop, "/login?notice=again")).await;
    shop.session("alice").await;

    browser.back().await;
    browser.at("/account").await;

    assert_eq!(browser.count(".devices li").await, 2);
    assert_eq!(browser.script("return document.documentElement.hidden").await, false);
}

/// A form that was on the screen when the session ended.
#[tokio::test]
async fn a_form_on_a_page_whose_session_has_ended_leads_to_the_login_page_with_a_word() {
    let Some(chrome) = Chrome::installed() else { return };
    let shop = Shop::start();
    let browser = on_the_account(&chrome, &shop, true).await;
    let first = browser.window().await;
    browser.new_tab().await;
    browser.goto(&address(&shop, "/account")).await;
    browser.click("form[action='/logout'] button").await;
    browser.at("/").await;
    browser.show(&first).await;

    browser.click(".devices form button").await;
    browser.at("/login?notice=expired").await;

    assert!(browser.text().await.contains("Your session had ended, so nothing was changed."));
    browser.picture("login-with-notice").await;
    browser.sign_in("alice", "wonderland").await;
    browser.at("/account").await;
}

/// By `Clear-Site-Data` alone: pages that the browser kept from before the one on which the user signed out.
#[tokio::test]
async fn signing_out_clears_the_pages_before_also_without_scripts() {
    let Some(chrome) = Chrome::installed() else { return };
    let shop = Shop::start();
    let browser = chrome.open_without_scripts().await;
    alice_in(&browser, &shop).await;
    browser.goto(&address(&shop, "/")).await;
    let first = browser.window().await;
    browser.new_tab().await;
    browser.goto(&address(&shop, "/account")).await;
    browser.click("form[action='/logout'] button").await;
    browser.at("/").await;
    browser.show(&first).await;

    assert_closed(&browser, "signed out in another tab").await;

    alice_in(&browser, &shop).await;
    browser.goto(&address(&shop, "/")).await;
    browser.click("form[action='/logout'] button").await;
    browser.at("/").await;
    browser.back().await;
    browser.at("/").await;

    assert_closed(&browser, "signed out on the page after it").await;
}
