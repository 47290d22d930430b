//! What `Origin` is compared with: `Host`, or the authority of an HTTP/2 request.

use auth_core::__private::Origin;
use auth_core::ConfigError;
use auth_core::jwt::{Algorithm, KeyRing};
use auth_tests::{Answer, Call, Shop, problem};
use http::header::{HOST, ORIGIN};
use proptest::prelude::*;
use url::Url;

use super::{Headerless, shop};
use crate::redaction::{Log, is_alone};

fn assert_passes(answer: &Answer, passes: bool, row: &str) {
    match passes {
        true => answer.assert_ok("7 by session", row),
        false => answer.assert_is(&problem::cross_site(), row),
    }
}

#[tokio::test]
async fn origin_and_host_are_compared_by_host_and_port_in_any_way_of_writing_them() {
    let (shop, _) = shop(Headerless::Refuse).await;
    let cookie = shop.sign_in(7).await;
    for (origin, host, passes) in [
        ("https://shop.example", "shop.example", true),
        ("https://shop.example", "SHOP.Example", true),
        ("https://shop.example", "shop.example:443", true),
        ("http://shop.example", "shop.example:80", false),
        ("http://shop.example:3000", "shop.example:3000", false),
        ("http://192.168.1.5:3000", "192.168.1.5:3000", false),
        ("https://shop.example:8443", "shop.example:8443", true),
        ("https://shop.example", "shop.example:80", false),
        ("https://shop.example", "shop.example:8443", false),
        ("https://shop.example:8443", "shop.example", false),
        ("http://localhost:3000", "localhost:3000", true),
        ("http://localhost:3000", "127.0.0.1:3000", false),
        ("http://127.0.0.1:3000", "127.0.0.1:3000", true),
        ("http://[::1]:3000", "[::1]:3000", true),
        ("http://[::1]:3000", "[0:0:0:0:0:0:0:1]:3000", true),
        ("http://[0:0:0:0:0:0:0:1]:3000", "[::1]:3000", true),
        ("http://[::1]:3000", "[::1]:3001", false),
        ("http://[::1]:3000", "[::2]:3000", false),
        ("http://shop.localhost:3000", "shop.localhost:3000", true),
        ("http://127.9.9.9:3000", "127.9.9.9:3000", true),
        ("http://[::1]", "[::1]", true),
        ("http://[::1]", "::1", false),
        ("http://[::ffff:127.0.0.1]:3000", "127.0.0.1:3000", false),
        ("https://xn--mnchen-3ya.example", "xn--mnchen-3ya.example", true),
        ("https://shop.example", "evil.example", false),
        ("https://evil.example", "shop.example", false),
        ("https://shop.example", "shop.example.evil.example", false),
        ("https://shop.example", "evil.example@shop.example", false),
        ("https://shop.example", "shop.example@evil.example", false),
        ("https://shop.example", "shop.example/", false),
        ("https://shop.example", "shop.example#", false),
        ("https://shop.example", "shop.example?", false),
        ("https://shop.example", "shop.example, evil.example", false),
        ("https://shop.example", " shop.example", false),
        ("https://shop.example", "", false),
        ("https://shop.example", "shop.example:", true),
        ("https://shop.example", "shop.example:99999", false),
        ("https://shop.example", "shop.example:+443", false),
        ("https://shop.example", "shop.example\\", false),
        ("https://shop.example", "shop%2eexample", false),
        ("https://shop.example.", "shop.example.", true),
        ("https://shop.example", "shop.example.", false),
        ("https://shop_api:3000", "shop_api:3000", true),
        ("http://127.0.0.1:3000", "127.1:3000", false),
        ("http://127.0.0.1:3000", "0x7f000001:3000", false),
        ("http://127.1:3000", "127.1:3000", false),
        ("http://[::1]:3000", "[::1]3000", false),
        ("null", "null", false),
    ] {
        let call = Call::post("/me").without(HOST).header(HOST, host).header(ORIGIN, origin).cookie(&cookie);
        assert_passes(&call.send(&shop.app).await, passes, &format!("{origin:?} to {host:?}"));
    }
}

#[tokio::test]
async fn what_a_request_was_sent_to_is_said_once_by_host_or_authority() {
    let (shop, _) = shop(Headerless::Allow).await;
    let cookie = shop.sign_in(7).await;
    let call = |uri: &str| Call::post(uri).without(HOST).cookie(&cookie);
    let from = |uri: &str, origin: &str| call(uri).header(ORIGIN, origin);
    let own = "https://shop.example";
    for (row, call, passes) in [
        ("HTTP/2", from("https://shop.example/me", own), true),
        ("HTTP/2 with a host", from("https://shop.example/me", own).header(HOST, "shop.example:443"), true),
        ("HTTP/2, another port", from("https://shop.example:8443/me", own), false),
        ("HTTP/2, another origin", from("https://shop.example/me", "https://evil.example"), false),
        (
            "HTTP/2 with another host",
            from("https://shop.example/me", own).header(HOST, "evil.example"),
            false,
        ),
        ("another authority", from("https://evil.example/me", own).header(HOST, "shop.example"), false),
        ("no host at all", from("/me", own), false),
        ("two hosts", from("/me", own).header(HOST, "shop.example").header(HOST, "shop.example"), false),
        (
            "two other hosts",
            from("/me", own).header(HOST, "shop.example").header(HOST, "evil.example"),
            false,
        ),
        ("a page, no host", call("/me").same_origin(), false),
        (
            "a page, two hosts",
            call("/me").same_origin().header(HOST, "shop.example").header(HOST, "shop.example"),
            false,
        ),
        ("a page, HTTP/2", call("https://shop.example/me").same_origin(), true),
        ("a host that is no text", call("/me").same_origin().header(HOST, b"shop.example\xff"), false),
        ("a program, no host", call("/me"), false),
        ("a program, two hosts", call("/me").header(HOST, "shop.example").header(HOST, "x.example"), false),
        ("a trusted origin, no host", from("/me", "https://admin.example"), false),
    ] {
        assert_passes(&call.send(&shop.app).await, passes, row);
    }
}

#[tokio::test]
async fn a_trusted_origin_that_is_not_an_origin_is_an_error() {
    for bad in [
        "",
        "admin.example",
        "https://admin.example/",
        "https://admin.example/path",
        "https://admin.example?x",
        "https://admin.example#x",
        "https://user@admin.example",
        "https://*.example/",
        "null",
        "*",
        "ftp://admin.example",
        "file:///",
        "javascript:alert(1)",
        "https://",
        "https:admin.example",
        "https:\\\\admin.example",
        "https:///admin.example",
        " https://admin.example",
        "https://admin%2eexample",
        "https://admin.example:+443",
        "http://127.1",
        "https://m\u{fc}nchen.example",
    ] {
        assert_eq!(Origin::parse(bad).unwrap_err().field(), "trusted_origin", "{bad:?}");
        let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
        let built: Result<_, ConfigError> = auth_core::Authenticator::<auth_tests::ShopUser>::builder()
            .keys(ring)
            .store(auth_core::store::memory::MemoryStore::new())
            .trusted_origin(bad)
            .build()
            .await;
        assert_eq!(built.unwrap_err().field(), "trusted_origin", "{bad:?}");
    }
    assert_eq!(
        Origin::parse("https://ADMIN.example:443").unwrap(),
        Origin::parse("https://admin.example").unwrap()
    );
    assert_eq!(
        Origin::parse("https://m\u{fc}nchen.example").unwrap_err().to_string(),
        "trusted_origin: the host is not ASCII; write its punycode form, such as https://xn--mnchen-3ya.example"
    );
}

/// Where `Sec-Fetch-Site` is missing, a proxy that changes `Host` shuts browsers out, and nothing says why.
#[tokio::test]
async fn a_host_that_is_not_that_of_the_origin_is_logged_once_and_names_the_way_out() {
    if !is_alone().await {
        return;
    }
    let log = Log::listen();
    let (shop, _) = shop(Headerless::Refuse).await;
    let cookie = shop.sign_in(7).await;
    let call = |origin: &str| Call::post("/me").cookie(&cookie).header(ORIGIN, origin);
    let hints = || log.text().matches("`trusted_origin`").count();
    for origin in ["https://shop.example", "https://admin.example", "null"] {
        call(origin).send(&shop.app).await;
        call(origin).same_origin().send(&shop.app).await;
    }
    call("https://evil.example").header("sec-fetch-site", "cross-site").send(&shop.app).await;
    assert_eq!(hints(), 0, "{}", log.text());
    // The browser says that the page is of the origin that it sends to, so `Host` was changed on the way.
    call("https://public.example").same_origin().send(&shop.app).await.assert_ok("7 by session", "a proxy");
    assert_eq!(hints(), 1, "{}", log.text());
    call("https://public.example").send(&shop.app).await.assert_is(&problem::cross_site(), "an old browser");
    call("https://public.example").same_origin().send(&shop.app).await;
    assert_eq!(hints(), 1, "once");
    assert!(!log.text().contains("public.example"), "what a client sends is no advice");
}

#[tokio::test]
async fn an_origin_over_plain_http_is_an_error_unless_it_is_local() {
    for (origin, works) in [
        ("http://admin.example", false),
        ("http://192.0.2.1:8080", false),
        ("http://localhost.example", false),
        ("https://admin.example", true),
        ("http://localhost:5173", true),
        ("http://app.localhost:5173", true),
        ("http://127.0.0.1", true),
    ] {
        let built = auth_core::Authenticator::<auth_tests::ShopUser>::builder()
            .keys(KeyRing::generate(Algorithm::EdDSA).unwrap())
            .store(auth_core::store::memory::MemoryStore::new())
            .trusted_origin(origin)
            .build()
            .await;
        let error = built.err().map(|error| error.to_string());
        let expected = "trusted_origin: over plain HTTP: browsers do not send the cookies from its pages; \
                        use `https://`; `http://` works on localhost only";
        assert_eq!(error.as_deref(), (!works).then_some(expected), "{origin}");
    }
}

#[tokio::test]
async fn several_origins_can_be_trusted() {
    let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
    let shop = Shop::with(ring, |builder| {
        builder.trusted_origin("https://a.example").trusted_origin("http://[::1]:5173")
    })
    .await;
    let cookie = shop.sign_in(7).await;
    for (origin, passes) in [
        ("https://a.example", true),
        ("http://[0::1]:5173", true),
        ("http://a.example", false),
        ("https://a.example:5173", false),
        ("http://[::1]", false),
    ] {
        let call =
            Call::post("/me").header("sec-fetch-site", "cross-site").header(ORIGIN, origin).cookie(&cookie);
        assert_passes(&call.send(&shop.app).await, passes, origin);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// Browsers read more texts as origins; of those that are read here, the same are equal. (Whether a punycode label
    /// can be decoded is not looked at: no browser sends one that cannot.)
    #[test]
    fn what_is_read_as_an_origin_is_the_origin_that_a_browser_takes_it_for(
        (one, other) in (origin_like(), origin_like())
    ) {
        for text in [&one, &other] {
            if Origin::parse(text).is_ok() {
                prop_assert!(Url::parse(text).is_ok_and(|url| url.origin().is_tuple()), "{text:?}");
            }
        }
        if let (Ok(first), Ok(second)) = (Origin::parse(&one), Origin::parse(&other)) {
            let browser = |text: &str| Url::parse(text).unwrap().origin();
            prop_assert_eq!(first == second, browser(&one) == browser(&other), "{:?} {:?}", one, other);
        }
    }
}

/// Few pieces, so that two texts are often one origin, and some that parsers disagree about.
fn origin_like() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["http", "https", "HTTPS", "https:", "ws"]);
    let middle = prop::sample::select(vec!["://", "://", "://", ":/", ":\\\\", ":///"]);
    let piece = prop::sample::select(vec![
        "a",
        "A",
        "b",
        ".",
        ".",
        "..",
        "-",
        "_",
        "0",
        "1",
        "127",
        "0x7f",
        "0x",
        "256",
        "08",
        "%61",
        "@",
        "\\",
        "/",
        "?",
        "#",
        "*",
        "\t",
        " ",
        "\u{e4}",
        "[",
        "]",
        "::",
        "[::1]",
        "[0:0::1]",
        "[::127.0.0.1]",
        "127.0.0.1",
    ]);
    let host = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let port =
        prop::sample::select(vec!["", "", ":", ":80", ":443", ":0443", ":+443", ":65536", ":x", ":8:0"]);
    (scheme, middle, host, port)
        .prop_map(|(scheme, middle, host, port)| format!("{scheme}{middle}{host}{port}"))
}
