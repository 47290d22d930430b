//! Signing in and out.

use auth_tests::program::{Chrome, Shop};

use super::{address, alice_in};

#[tokio::test]
async fn a_visitor_of_the_account_signs_in_and_is_redirected_to_it() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open().await);

    browser.goto(&address(&shop, "/account")).await;
    browser.at("/login?next=/account").await;
    browser.picture("login").await;
    browser.sign_in("alice", "wonderland").await;
    browser.at("/account").await;

    assert_eq!((browser.status().await, &*browser.title().await), (200, "Your account – Shop"));
    let text = browser.text().await;
    for shown in ["alice@shop.example", "customer", "Your devices", "this one"] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    assert_eq!(browser.count(".devices li").await, 1);
    browser.goto(&address(&shop, "/")).await;
    assert!(browser.text().await.contains("You are signed in as alice."));
    browser.picture("home-signed-in").await;
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_with_the_name_and_without_the_password() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open().await);

    browser.goto(&address(&shop, "/login?next=/account")).await;
    browser.sign_in("alice", "wrong").await;
    browser.at("/login").await;

    assert_eq!(browser.status().await, 401);
    assert!(browser.text().await.contains("User name or password is wrong."));
    assert_eq!(browser.script("return username.value + '|' + password.value").await, "alice|");
    assert!(browser.cookies().await.is_empty());
    browser.picture("login-with-error").await;
    browser.sign_in("alice", "wonderland").await;
    browser.at("/account").await;
}

#[tokio::test]
async fn the_browser_keeps_one_cookie_with_every_protection() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open().await);

    alice_in(&browser, &shop).await;

    let cookies = browser.cookies().await;
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let cookie = &cookies[0];
    assert_eq!(cookie.name, auth_tests::SESSION_COOKIE);
    assert_eq!((cookie.http_only, cookie.secure), (Some(true), Some(true)));
    assert_eq!(cookie.same_site, Some(thirtyfour::SameSite::Lax));
    assert_eq!((cookie.path.as_deref(), cookie.domain.as_deref()), (Some("/"), Some("localhost")));
    assert_eq!(cookie.expiry, None, "forgotten when the browser ends");
    assert_eq!(browser.script("return document.cookie").await, "", "scripts can read it");
}

#[tokio::test]
async fn signing_out_leads_home_and_the_account_is_closed() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open().await);
    alice_in(&browser, &shop).await;

    browser.click("form[action='/logout'] button").await;
    browser.at("/").await;

    assert!(browser.text().await.contains("You are not signed in."));
    assert!(browser.cookies().await.is_empty());
    browser.picture("home-signed-out").await;
    browser.goto(&address(&shop, "/account")).await;
    browser.at("/login?next=/account").await;
}

#[tokio::test]
async fn no_script_is_needed_to_sign_in_and_out() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open_without_scripts().await);
    let probe = "data:text/html,<noscript>no scripts here</noscript>";
    browser.goto(probe).await;
    assert!(browser.text().await.contains("no scripts here"));

    alice_in(&browser, &shop).await;
    assert!(browser.text().await.contains("alice@shop.example"));
    browser.click("form[action='/logout'] button").await;
    browser.at("/").await;

    assert!(browser.text().await.contains("You are not signed in."));
}
