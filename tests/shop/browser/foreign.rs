//! Another site that posts forms to the shop.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use auth_tests::program::{Browser, Chrome, Shop};
use axum::Router;
use axum::extract::Query;
use axum::response::Html;
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;

use super::{address, alice_in};

#[derive(Deserialize)]
struct Target {
    action: String,
    user: String,
}

/// A form that a visitor is talked into sending.
async fn trap(Query(Target { action, user }): Query<Target>) -> Html<String> {
    Html(format!(
        "<form method=post action='{action}'><input name=username value='{user}'>\
         <input name=password value=builder><button>Win a prize</button></form>"
    ))
}

/// Starts the other site; its port.
async fn evil() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let site = Router::new().route("/", get(trap));
    tokio::spawn(async { axum::serve(listener, site).await });
    port
}

/// Falls for it.
async fn fall_for(browser: &Browser, host: &str, shop: &Shop, path: &str) {
    browser.goto(&format!("http://{host}/?user=bob&action={}", address(shop, path))).await;
    browser.click("button").await;
}

/// Falls for it, and the shop says no.
async fn is_refused(browser: &Browser, host: &str, shop: &Shop, path: &str) {
    fall_for(browser, host, shop, path).await;
    browser.at(path).await;
    assert_eq!((browser.status().await, &*browser.title().await), (403, "Not allowed – Shop"), "{path}");
    assert!(browser.text().await.contains("The request came from another site"));
}

async fn is_still_alice(browser: &Browser, shop: &Shop) {
    browser.goto(&address(shop, "/account")).await;
    browser.at("/account").await;
    assert!(browser.text().await.contains("alice@shop.example"));
}

#[tokio::test]
async fn a_form_of_another_site_cannot_sign_in_or_out() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser, evil) = (Shop::start(), chrome.open().await, evil().await);
    alice_in(&browser, &shop).await;
    let host = format!("127.0.0.1:{evil}");

    is_refused(&browser, &host, &shop, "/login").await;
    is_still_alice(&browser, &shop).await;
    // The browser does not send the cookie with this request, but with later ones.
    fall_for(&browser, &host, &shop, "/logout").await;
    browser.at("/?notice=over").await;
    assert!(browser.text().await.contains("You are signed in as alice."));
    is_still_alice(&browser, &shop).await;
    fall_for(&browser, &host, &shop, "/account/logins/end-others").await;
    browser.at("/account").await;
    is_still_alice(&browser, &shop).await;
    assert_eq!(browser.cookies().await.len(), 1);
}

#[tokio::test]
async fn a_form_of_another_origin_of_the_same_site_brings_the_cookie_and_is_refused() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser, evil) = (Shop::start(), chrome.open().await, evil().await);
    alice_in(&browser, &shop).await;
    let host = format!("localhost:{evil}");

    for path in ["/login", "/logout", "/account/logins/end-others", "/auth/logout", "/api/orders"] {
        is_refused(&browser, &host, &shop, path).await;
        is_still_alice(&browser, &shop).await;
    }
}

#[tokio::test]
async fn a_link_of_another_site_finds_the_visitor_signed_in() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser, evil) = (Shop::start(), chrome.open().await, evil().await);
    alice_in(&browser, &shop).await;

    browser.goto(&format!("http://127.0.0.1:{evil}/?user=x&action=x")).await;
    let link =
        format!("document.body.innerHTML = \"<a href='{}'>to the shop</a>\"", address(&shop, "/account"));
    browser.script(&link).await;
    browser.click("a").await;
    browser.at("/account").await;

    assert_eq!(browser.status().await, 200);
}

#[tokio::test]
async fn no_other_site_can_frame_or_read_the_shop() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser, evil) = (Shop::start(), chrome.open().await, evil().await);
    alice_in(&browser, &shop).await;

    browser.goto(&format!("http://localhost:{evil}/?user=x&action=x")).await;
    let read = format!(
        "return await fetch('{}', {{ credentials: 'include' }}).then(() => 'read', error => error.name)",
        address(&shop, "/api/me")
    );
    assert_eq!(browser.script(&read).await, "TypeError");
    let frame = format!(
        "return await new Promise(done => {{ let frame = document.createElement('iframe'); \
         frame.onload = () => done('loaded'); frame.src = '{}'; document.body.append(frame); }})",
        address(&shop, "/account")
    );
    browser.console().await;
    browser.script(&frame).await;

    let console = browser.console().await;
    assert!(console.iter().any(|line| line.contains("frame-ancestors")), "{console:?}");
}
