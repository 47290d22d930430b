//! What every page keeps to: the content policy, a narrow screen, names for what can be pressed.

use auth_tests::program::{Browser, Chrome, PHONE, Shop};

use super::{address, alice_in};

/// Goes through all pages, signed out and signed in.
async fn on_every_page(browser: &Browser, shop: &Shop, mut look: impl AsyncFnMut(&str)) {
    for (path, name) in [("/", "home"), ("/login?next=/account", "login")] {
        browser.goto(&address(shop, path)).await;
        look(name).await;
    }
    browser.sign_in("alice", "wrong").await;
    browser.at("/login").await;
    look("login-with-error").await;
    alice_in(browser, shop).await;
    look("account").await;
    browser.goto(&address(shop, "/")).await;
    look("home-signed-in").await;
    browser.goto(&address(shop, "/nowhere")).await;
    look("not-found").await;
    browser.goto(&address(shop, "/login?notice=expired")).await;
    look("account-instead-of-login").await;
}

/// A long name without a place to break it.
async fn sign_in_from_a_device_with_a_long_name(shop: &Shop) {
    let form = [("username", "alice"), ("password", "wonderland")];
    let agent = "Extraordinarily".repeat(15);
    let answer = shop.post("/login").same_origin().header("user-agent", &agent).form(&form).send().await;
    answer.assert_redirect("/account");
}

#[tokio::test]
async fn no_page_breaks_its_own_content_policy() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open().await);

    on_every_page(&browser, &shop, async |name| {
        let mut console = browser.console().await;
        // The browser tells of the status itself.
        console.retain(|line| match name {
            "login-with-error" => !line.contains("status of 401"),
            "not-found" => !line.contains("status of 404"),
            _ => true,
        });
        assert!(console.is_empty(), "{name}: {console:#?}");
        let background = "return getComputedStyle(document.querySelector('header a')).fontWeight";
        assert_eq!(browser.script(background).await, "700", "{name}: the style sheet is not there");
    })
    .await;
}

#[tokio::test]
async fn every_page_fits_on_a_phone() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open().await);
    sign_in_from_a_device_with_a_long_name(&shop).await;
    browser.as_phone().await;

    on_every_page(&browser, &shop, async |name| {
        browser.picture(&format!("phone-{name}")).await;
        let widths = browser.script("return [innerWidth, document.documentElement.scrollWidth]").await;
        assert_eq!(widths[0], PHONE.0, "{name}: not as wide as a phone");
        assert!(widths[1].as_u64() <= widths[0].as_u64(), "{name}: {widths}");
        let small = "return [...document.querySelectorAll('button, .button, input:not([type=hidden])')]
            .filter(it => it.getBoundingClientRect().height < 44 || it.getBoundingClientRect().right > innerWidth)
            .map(it => it.outerHTML)";
        assert_eq!(browser.script(small).await, serde_json::json!([]), "{name}: hard to press");
    })
    .await;
}

#[tokio::test]
async fn what_can_be_pressed_or_filled_has_a_name_of_its_own() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open().await);
    sign_in_from_a_device_with_a_long_name(&shop).await;

    on_every_page(&browser, &shop, async |name| {
        let nameless = "return [...document.querySelectorAll('input:not([type=hidden])')]
            .filter(it => it.labels.length != 1).map(it => it.outerHTML)";
        assert_eq!(browser.script(nameless).await, serde_json::json!([]), "{name}");
        let twice = "let names = [...document.querySelectorAll('.devices button')]
            .map(it => it.getAttribute('aria-label') || it.textContent);
            return names.length - new Set(names).size";
        assert_eq!(browser.script(twice).await, 0, "{name}: two buttons of one name");
        assert_eq!(browser.script("return document.documentElement.lang").await, "en", "{name}");
        assert_eq!(browser.count("h1").await, 1, "{name}");
    })
    .await;
}

#[tokio::test]
async fn a_hostile_device_name_is_only_text() {
    let Some(chrome) = Chrome::installed() else { return };
    let (shop, browser) = (Shop::start(), chrome.open().await);
    let form = [("username", "alice"), ("password", "wonderland")];
    let agent = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>";
    shop.post("/login")
        .same_origin()
        .header("user-agent", agent)
        .form(&form)
        .send()
        .await
        .assert_redirect("/account");

    alice_in(&browser, &shop).await;

    assert_eq!((browser.count("main script").await, browser.count("img").await), (0, 0));
    assert_eq!(browser.title().await, "Your account – Shop");
    assert!(browser.text().await.contains(agent));
}
