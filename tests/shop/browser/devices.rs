//! The buttons that end devices.

use auth_tests::program::{Chrome, Shop};

use super::{address, alice_in};

#[tokio::test]
async fn a_device_ended_by_its_button_lands_on_the_login_page_at_its_next_click() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, here, there) = (Shop::start(), chrome.open().await, chrome.open().await);
    alice_in(&here, &shop).await;
    alice_in(&there, &shop).await;

    here.goto(&address(&shop, "/account")).await;
    assert_eq!((here.count(".devices li").await, here.count(".devices .badge").await), (2, 1));
    here.picture("account-with-two-devices").await;
    there.goto(&address(&shop, "/")).await;
    here.click(".devices li:not(:has(.badge)) button").await;
    here.at("/account").await;
    assert_eq!((here.count(".devices li").await, here.count(".devices .badge").await), (1, 1));
    there.click("a[href='/account']").await;
    there.at("/login?next=/account").await;

    assert_eq!(there.cookies().await.len(), 1, "a refusal removes no cookie");
    there.sign_in("alice", "wonderland").await;
    there.at("/account").await;
}

#[tokio::test]
async fn one_button_ends_all_other_devices() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, here, there) = (Shop::start(), chrome.open().await, chrome.open().await);
    alice_in(&there, &shop).await;
    shop.tokens("alice").await;
    alice_in(&here, &shop).await;
    assert_eq!(here.count(".devices li").await, 3);

    here.click("form[action='/account/logins/end-others'] button").await;
    here.at("/account").await;

    assert_eq!((here.count(".devices li").await, here.count(".devices .badge").await), (1, 1));
    assert_eq!(here.count("form[action='/account/logins/end-others']").await, 0);
    there.goto(&address(&shop, "/account")).await;
    there.at("/login?next=/account").await;
}
