//! `Referer` counts like an `Origin` where neither that nor `Sec-Fetch-Site` says anything: it is a sign of a browser.

use auth_tests::{Call, problem};
use http::Method;
use http::header::REFERER;

use super::{Headerless, METHODS, shop};

/// `Referer`, and whether it lets a request to `Host: shop.example` pass where `https://admin.example` is trusted.
const REFERERS: [(&str, bool); 18] = [
    ("https://shop.example/", true),
    ("https://shop.example", true),
    ("https://SHOP.example:443/account?page=2", true),
    ("https://admin.example/users", true),
    ("http://shop.example/account", false),
    ("http://evil.example/", false),
    ("https://evil.example/", false),
    ("https://evil.example/https://shop.example/", false),
    ("https://evil.example?https://shop.example/", false),
    ("https://shop.example.evil.example/", false),
    ("https://shop.example@evil.example/", false),
    ("https://shop.example:8443/", false),
    ("https://shop.example\\.evil.example/", false),
    ("android-app://shop.example/", false),
    ("about:client", false),
    ("shop.example/", false),
    ("/account", false),
    ("", false),
];

#[tokio::test]
async fn without_other_headers_the_referer_decides_whatever_the_application_allows() {
    for headerless in [Headerless::Refuse, Headerless::Allow] {
        let (shop, token) = shop(headerless).await;
        let cookie = shop.sign_in(7).await;
        for method in &METHODS {
            for (referer, passes) in REFERERS {
                let row = format!("{headerless:?} {method} {referer:?}");
                let call = |path| Call::new(method.clone(), path).header(REFERER, referer);
                let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
                let expected = if passes || is_safe { 200 } else { 403 };
                let answer = call("/me").cookie(&cookie).send(&shop.app).await;
                assert_eq!(answer.status, expected, "{row}: {answer:#?}");
                let bearer = call("/me").bearer(&token).send(&shop.app).await;
                assert_eq!(bearer.status, 200, "{row}: a token is sent by no other site");
            }
        }
        for (referer, passes) in REFERERS {
            let answer = Call::post("/login").header(REFERER, referer).send(&shop.app).await;
            let expected = match referer {
                "http://shop.example/account" => problem::plain_http(),
                _ => problem::cross_site(),
            };
            match passes {
                true => answer.assert_ok("signed in", referer),
                false => answer.assert_is(&expected, referer),
            }
        }
    }
}

#[tokio::test]
async fn a_referer_beside_another_header_is_ignored() {
    let (shop, _) = shop(Headerless::Allow).await;
    let cookie = shop.sign_in(7).await;
    for (referer, _) in REFERERS {
        let call = || Call::post("/me").cookie(&cookie).header(REFERER, referer);
        for (name, value, passes) in [
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "none", true),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "cross-site", false),
            ("origin", "https://shop.example", true),
            ("origin", "https://evil.example", false),
            ("origin", "null", false),
        ] {
            let answer = call().header(name, value).send(&shop.app).await;
            assert_eq!(answer.status, if passes { 200 } else { 403 }, "{name}: {value}, {referer:?}");
        }
    }
}
