//! An application in two tabs that share one refresh token.

use auth_tests::program::{Browser, Chrome, Shop};
use auth_tests::{Tokens, eventually};
use serde_json::{Value, json};

use super::address;

/// At a word from the other tab: refresh, and keep what came.
const LISTEN: &str = "
    window.refresh = token => fetch('/auth/refresh', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token: token }),
    }).then(async answer => { window.came = { status: answer.status, body: await answer.json() } })
      .catch(error => { window.came = { status: 0, body: String(error) } });
    window.channel = new BroadcastChannel('refresh');
    channel.onmessage = message => refresh(message.data);
    return true";

async fn came(browser: &Browser) -> Value {
    eventually("the refresh is answered", async || {
        let came =
            browser.script("let came = window.came; window.came = undefined; return came ?? null").await;
        (!came.is_null()).then_some(came)
    })
    .await
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_get_the_same_token_without_a_theft() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start_with(&["--grace", "2s"]), chrome.open().await);
    let first = shop.tokens("alice").await;
    let one = browser.window().await;
    let two = browser.new_tab().await;
    for tab in [&one, &two] {
        browser.show(tab).await;
        // The pages of the shop allow no requests from scripts; an application's would.
        browser.devtools("Page.setBypassCSP", json!({ "enabled": true })).await;
        browser.goto(&address(&shop, "/")).await;
        browser.script(LISTEN).await;
    }

    let mut token = first.refresh.clone();
    let (mut rotations, mut is_split) = (0, false);
    eventually("the token is rotated twice", async || {
        browser.show(&two).await;
        browser.script(&format!("channel.postMessage('{token}'); refresh('{token}')")).await;
        let mine = came(&browser).await;
        browser.show(&one).await;
        let theirs = came(&browser).await;
        assert_eq!((&mine["status"], &theirs["status"]), (&json!(200), &json!(200)), "{mine} {theirs}");
        let [next, other] = [&mine, &theirs].map(|came| came["body"]["refresh_token"].as_str().unwrap());
        if next != other && !is_split && [next, other].contains(&&*token) {
            // The grace of the last rotation ended between the two. Asked again, both get the new token.
            is_split = true;
            return None;
        }
        assert_eq!(other, next, "the tabs have different tokens");
        assert!(!is_split || next != token, "a token that was rotated comes back");
        is_split = false;
        for access in [&mine["body"]["access_token"], &theirs["body"]["access_token"]] {
            assert_eq!(shop.get("/api/me").bearer(access.as_str().unwrap()).send().await.status, 200);
        }
        if next != token {
            token = next.to_owned();
            rotations += 1;
        }
        (rotations == 2).then_some(())
    })
    .await;

    Tokens::of(&shop.refresh(&token).send().await);
    assert!(!shop.log().contains("event=Theft"), "{}", shop.log());
}
