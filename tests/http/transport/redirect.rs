//! Browsers are sent to the login page, with a way back that is only ever a path of the same site.

use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::web::LocalPath;
use auth_tests::{Answer, Call, Shop, UNKNOWN_SESSION, problem, session_of};
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{Method, StatusCode};
use proptest::prelude::*;
use url::Url;

async fn shop() -> Shop {
    let ring = KeyRing::generate(Algorithm::ES256).unwrap();
    Shop::with(ring, |builder| builder.login_page("/enter")).await
}

fn html(uri: &str) -> Call {
    Call::get(uri).header(ACCEPT, "text/html")
}

fn assert_sent(answer: &Answer, location: &str) {
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(location)), "{answer:#?}");
    assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"));
    assert_eq!(answer.challenges(), [""; 0]);
    assert_eq!(answer.set_cookies(), [""; 0]);
    assert_eq!(answer.body, "");
}

#[tokio::test]
async fn a_browser_without_a_credential_is_sent_to_the_login_page_and_back() {
    let shop = shop().await;
    for (uri, location) in [
        ("/me", "/enter?next=/me"),
        ("/me?a=b&c=d", "/enter?next=/me%3Fa%3Db%26c%3Dd"),
        ("/me?next=//evil.example", "/enter?next=/me%3Fnext%3D//evil.example"),
        ("/me?next=https:evil.example", "/enter?next=/me%3Fnext%3Dhttps%3Aevil.example"),
        ("/me?x=%0d%0aSet-Cookie:a=b", "/enter?next=/me%3Fx%3D%250d%250aSet-Cookie%3Aa%3Db"),
        ("/me?a=b#c", "/enter?next=/me%3Fa%3Db"),
        ("/by-session", "/enter?next=/by-session"),
        ("/orders/70", "/enter?next=/orders/70"),
        ("http://evil.example/me", "/enter?next=/me"),
        ("https://evil.example/me?x=y", "/enter?next=/me%3Fx%3Dy"),
    ] {
        let answer = html(uri).send(&shop.app).await;
        assert_sent(&answer, location);
    }
    let head = Call::new(Method::HEAD, "/me").header(ACCEPT, "text/html").send(&shop.app).await;
    assert_sent(&head, "/enter?next=/me");
}

/// A fallback is reached by any path, so an attacker chooses what `next` would be.
#[tokio::test]
async fn a_path_that_would_leave_the_site_is_no_way_back() {
    use auth_core::ProtectedRouter;

    let shop = shop().await;
    let app = ProtectedRouter::new().fallback(anything).with_state(shop.auth.clone());
    for uri in [
        "//evil.example",
        "//evil.example/%2e%2e",
        "///evil.example",
        "//evil.example?a=b",
        "/.//evil.example",
        "/a/..//evil.example",
        "/%2e//evil.example",
        "//\u{40}evil.example",
        "http://shop.example//evil.example",
    ] {
        let answer = html(uri).send(&app).await;
        assert_sent(&answer, "/enter");
    }
    let long = format!("/{}", "a".repeat(3000));
    assert_sent(&html(&long).send(&app).await, "/enter");
    assert_sent(&html("/a//b").send(&app).await, "/enter?next=/a//b");
}

#[auth_core::require_auth(session | jwt)]
async fn anything(_user: auth_core::Auth<auth_tests::ShopUser>) -> &'static str {
    "anything"
}

/// A tab that was slow may be refused after the browser has signed in again: a `Set-Cookie` would wipe the new cookie.
#[tokio::test]
async fn a_late_refusal_leaves_the_cookie_of_a_newer_sign_in() {
    let shop = shop().await;
    let old = shop.sign_in(7).await;
    let new = shop.sign_in_from(7, Call::post("/login").same_origin().cookie(&old)).await.cookie();
    assert_ne!(new, old);
    for dead in [old.as_str(), UNKNOWN_SESSION, &session_of("x")] {
        assert_sent(&html("/me").cookie(dead).send(&shop.app).await, "/enter?next=/me");
        shop.me_by_cookie(dead).await.assert_is(&problem::invalid_cookie(), dead);
        let post =
            Call::from_page(Method::POST, "/me", dead).header(ACCEPT, "text/html").send(&shop.app).await;
        assert_sent(&post, "/enter");
    }
    shop.me_by_cookie(&new).await.assert_ok("7 by session", "the newer sign-in");
}

#[tokio::test]
async fn who_does_not_ask_for_html_gets_401() {
    let shop = shop().await;
    for accept in [
        "*/*",
        "application/json",
        "text/*",
        "",
        "text/html;q=0",
        "text/html;q=0.0",
        "application/json, text/html; q=0.000",
        "application/json, text/html;q=0.1",
        "application/xhtml+xml",
        "text/htmlx",
        "xtext/html",
        "text",
    ] {
        let answer = Call::get("/me").header(ACCEPT, accept).send(&shop.app).await;
        answer.assert_is(&problem::no_credential(), accept);
    }
    Call::get("/me").send(&shop.app).await.assert_is(&problem::no_credential(), "no Accept");
    for accept in [
        "text/html",
        "TEXT/HTML",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/json;q=0.1, text/html;q=0.1",
        " text/html ; charset=utf-8",
    ] {
        let answer = Call::get("/me").header(ACCEPT, accept).send(&shop.app).await;
        assert_sent(&answer, "/enter?next=/me");
    }
    let binary = Call::get("/me").header(ACCEPT, b"text/html\xff").send(&shop.app).await;
    binary.assert_is(&problem::no_credential(), "an Accept that is no text");
}

#[tokio::test]
async fn only_a_browser_on_a_route_that_takes_a_session_is_redirected() {
    let shop = shop().await;
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let answer = Call::new(method.clone(), "/me").header(ACCEPT, "text/html").send(&shop.app).await;
        answer.assert_is(&problem::no_credential(), method.as_str());
    }
    html("/by-token").send(&shop.app).await.assert_is(&problem::no_token(), "a route for tokens only");
    html("/me").bearer("junk").send(&shop.app).await.assert_is(&problem::invalid_token(), "a bad token");
    let cookie = shop.sign_in(7).await;
    html("/admin").cookie(&cookie).send(&shop.app).await.assert_is(&problem::forbidden(), "no role");
    html("/orders/666").cookie(&cookie).send(&shop.app).await.assert_is(&problem::not_found(), "not found");
    html("/perhaps").send(&shop.app).await.assert_ok("nobody", "optional");
}

/// A form of a page that was open while its session ended: it cannot be sent again after signing in.
#[tokio::test]
async fn a_form_without_a_session_leads_to_the_login_page_without_a_way_back() {
    let shop = shop().await;
    let over = shop.sign_in(7).await;
    let logout = Call::post("/auth/logout").cookie(&over).same_origin().send(&shop.app).await;
    assert_eq!(logout.status, StatusCode::NO_CONTENT);
    let form = || Call::post("/me?a=b").same_origin().header(ACCEPT, "text/html,*/*;q=0.8");
    assert_sent(&form().send(&shop.app).await, "/enter");
    assert_sent(&form().cookie(&over).send(&shop.app).await, "/enter");
    let script = Call::post("/me").same_origin().cookie(&over).header(ACCEPT, "*/*").send(&shop.app).await;
    script.assert_is(&problem::invalid_cookie(), "a script");
    let program = Call::post("/by-token").header(ACCEPT, "text/html").send(&shop.app).await;
    program.assert_is(&problem::no_token(), "no session would help");
}

#[tokio::test]
async fn the_login_page_is_never_redirected_to_itself() {
    let ring = KeyRing::generate(Algorithm::ES256).unwrap();
    let shop = Shop::with(ring, |builder| builder.login_page("/me?lang=en")).await;
    for path in ["/me", "/me?lang=en", "/me?next=/by-session"] {
        let answer = html(path).cookie(&session_of("x")).send(&shop.app).await;
        answer.assert_is(&problem::invalid_cookie(), path);
    }
    assert_sent(&html("/by-session").send(&shop.app).await, "/me?lang=en&next=/by-session");
}

#[test]
fn next_of_a_form_is_a_path_of_the_own_site() {
    for good in [
        "/",
        "/me",
        "/a/b?c=d&e=%2F#f",
        "/@evil.example",
        "/a//b",
        "/%2F%2Fevil.example",
        "/http://x",
        "/.well-known/x",
        "/...",
        "/a?b=/../c",
    ] {
        assert_eq!(LocalPath::parse(good).map(|path| path.to_string()).as_deref(), Some(good));
    }
    for bad in [
        "",
        " /",
        "me",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\\/evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "/%5c\\evil",
        "https:evil.example",
        "https:/evil.example",
        "https://evil.example",
        "HTTPS://evil.example",
        "https:\\\\evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "?next=/",
        "#",
        "@evil.example",
        ".evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/a/..//evil.example",
        "/a/../..//evil.example",
        "/%2e%2e//evil.example",
        "/a/%2E%2e",
        "/a/./b",
        "/a/../b",
        "/..#a",
        "/a b",
        "/\u{e4}",
        "/\u{2025}",
        "/a\r\nSet-Cookie: x=y",
        "/\0",
        "/\u{7f}",
    ] {
        assert_eq!(LocalPath::parse(bad), None, "{bad:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_browser_that_resolves_a_path_twice_stays_on_the_site(text in path_like()) {
        if let Some(path) = LocalPath::parse(&text) {
            let site = Url::parse("https://shop.example/a/b").unwrap();
            let first = site.join(path.as_str()).unwrap();
            prop_assert_eq!(first.origin(), site.origin(), "{:?}", text);
            let again = site.join(first.path()).unwrap();
            prop_assert_eq!(again.origin(), site.origin(), "{:?}", text);
        }
    }
}

fn path_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/",
        "/",
        "/",
        ".",
        "..",
        "%2e",
        "%2E",
        "a",
        "\\",
        "?",
        "#",
        "@",
        ":",
        "\t",
        "\n",
        " ",
        "%2f",
        "evil.example",
        ";",
    ]);
    prop::collection::vec(piece, 1..8).prop_map(|pieces| format!("/{}", pieces.concat()))
}
