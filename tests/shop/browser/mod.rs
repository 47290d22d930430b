//! The shop in a real browser. Skipped where no chromium is installed.

mod back;
mod devices;
mod foreign;
mod pages;
mod sign_in;
mod tabs;

use auth_tests::program::{Browser, Shop};

/// The shop as a browser is told to open it: cookies that are `Secure` go to `localhost` without TLS.
fn address(shop: &Shop, path: &str) -> String {
    format!("http://localhost:{}{path}", shop.port())
}

/// Signs alice in from the login page.
async fn alice_in(browser: &Browser, shop: &Shop) {
    browser.goto(&address(shop, "/login")).await;
    browser.sign_in("alice", "wonderland").await;
    browser.at("/account").await;
}
