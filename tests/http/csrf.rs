//! Cross-site request forgery: the whole table of method, `Sec-Fetch-Site`, `Origin` and credential.

mod hosts;
mod referers;
mod signing_in;
mod signing_in_by_get;

use auth_core::jwt::Algorithm;
use auth_tests::problem::Problem;
use auth_tests::{Answer, Call, Forger, Shop, problem};
use http::header::{AUTHORIZATION, ORIGIN, REFERER, UPGRADE};
use http::{Method, StatusCode};

/// `Sec-Fetch-Site`, and whether it lets an unsafe request pass on its own.
const SITES: [(Option<&str>, Verdict); 9] = [
    (None, Verdict::AskOrigin),
    (Some("same-origin"), Verdict::Pass),
    (Some("none"), Verdict::Pass),
    (Some("same-site"), Verdict::TrustedOnly),
    (Some("cross-site"), Verdict::TrustedOnly),
    (Some("Same-Origin"), Verdict::TrustedOnly),
    (Some("same-origin "), Verdict::TrustedOnly),
    (Some(""), Verdict::TrustedOnly),
    (Some("same-origin, cross-site"), Verdict::TrustedOnly),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Pass,
    AskOrigin,
    TrustedOnly,
}

/// `Origin`, and what it is to `Host: shop.example` where `https://admin.example` is trusted.
const ORIGINS: [(Option<&str>, Kind); 37] = [
    (None, Kind::Absent),
    (Some("https://shop.example"), Kind::Own),
    (Some("https://shop.example:443"), Kind::Own),
    (Some("HTTPS://SHOP.EXAMPLE"), Kind::Own),
    (Some("http://shop.example"), Kind::Plain),
    (Some("http://shop.example:80"), Kind::Plain),
    (Some("https://admin.example"), Kind::Trusted),
    (Some("https://ADMIN.example:443"), Kind::Trusted),
    (Some("http://admin.example"), Kind::Foreign),
    (Some("https://admin.example:8443"), Kind::Foreign),
    (Some("https://sub.admin.example"), Kind::Foreign),
    (Some("null"), Kind::Foreign),
    (Some(""), Kind::Foreign),
    (Some("https://evil.example"), Kind::Foreign),
    (Some("https://shop.example:8443"), Kind::Foreign),
    (Some("http://shop.example:443"), Kind::Foreign),
    (Some("https://evil.shop.example"), Kind::Foreign),
    (Some("https://shop.example.evil.example"), Kind::Foreign),
    (Some("https://evilshop.example"), Kind::Foreign),
    (Some("https://shop.exampl"), Kind::Foreign),
    (Some("https://shop.example."), Kind::Foreign),
    (Some("https://shop.example/"), Kind::Foreign),
    (Some("https://shop.example/path"), Kind::Foreign),
    (Some("https://shop.example?x"), Kind::Foreign),
    (Some("https://shop.example#x"), Kind::Foreign),
    (Some("https://user@shop.example"), Kind::Foreign),
    (Some("https://shop.example https://evil.example"), Kind::Foreign),
    (Some("https://shop.example, https://evil.example"), Kind::Foreign),
    (Some("shop.example"), Kind::Foreign),
    (Some("ftp://shop.example"), Kind::Foreign),
    (Some("chrome-extension://shop.example"), Kind::Foreign),
    (Some("https:shop.example"), Kind::Foreign),
    (Some("https:///shop.example"), Kind::Foreign),
    (Some("https:\\\\shop.example"), Kind::Foreign),
    (Some("https://shop%2Eexample"), Kind::Foreign),
    (Some("https://shop.example:+443"), Kind::Foreign),
    (Some("https://admin.example."), Kind::Foreign),
];

/// Whether clients that say nothing of where they come from are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Headerless {
    Refuse,
    Allow,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Absent,
    Own,
    /// The own host over plain HTTP: where the site is served over HTTPS, a page that anybody on the way can write.
    Plain,
    Trusted,
    Foreign,
}

/// The rules of the CSRF check, independent of the code.
fn passes(method: &Method, verdict: Verdict, kind: Kind, headerless: Headerless) -> bool {
    let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
    is_safe
        || match (verdict, kind) {
            (Verdict::Pass, _) | (_, Kind::Trusted) | (Verdict::AskOrigin, Kind::Own) => true,
            (Verdict::AskOrigin, Kind::Absent) => headerless == Headerless::Allow,
            (Verdict::AskOrigin, Kind::Foreign | Kind::Plain) | (Verdict::TrustedOnly, _) => false,
        }
}

const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::TRACE,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

async fn shop(headerless: Headerless) -> (Shop, String) {
    let forger = Forger::new(Algorithm::EdDSA);
    let shop = Shop::with(forger.ring(), |builder| {
        let builder = builder.trusted_origin("https://admin.example");
        match headerless {
            Headerless::Refuse => builder,
            Headerless::Allow => builder.allow_headerless_clients(),
        }
    });
    (shop.await, forger.honest())
}

fn with(method: &Method, path: &str, site: Option<&str>, origin: Option<&str>) -> Call {
    let mut call = Call::new(method.clone(), path);
    for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
        if let Some(value) = value {
            call = call.header(name, value);
        }
    }
    call
}

fn assert_answer(answer: &Answer, method: &Method, expected: Result<&str, &Problem>, row: &str) {
    match expected {
        // Without a body there is only the status to see.
        _ if *method == Method::HEAD => {
            let is_good = expected.is_ok();
            assert_eq!(answer.status == StatusCode::OK, is_good, "{row}: {answer:#?}");
        }
        Ok(body) => answer.assert_ok(body, row),
        Err(expected) => answer.assert_is(expected, row),
    }
}

#[tokio::test]
async fn every_combination_of_method_site_origin_and_credential_is_decided_by_the_rules() {
    for headerless in [Headerless::Refuse, Headerless::Allow] {
        let (shop, token) = shop(headerless).await;
        let cookie = shop.sign_in(7).await;
        for method in &METHODS {
            for (site, verdict) in SITES {
                for (origin, kind) in ORIGINS {
                    let row = format!("{headerless:?} {method} {site:?} {origin:?}");
                    let call = |path| with(method, path, site, origin);
                    let refused = problem::cross_site();
                    let by_cookie = match passes(method, verdict, kind, headerless) {
                        true => Ok("7 by session"),
                        false => Err(&refused),
                    };
                    for path in ["/me", "/by-session", "/perhaps"] {
                        let answer = call(path).cookie(&cookie).send(&shop.app).await;
                        assert_answer(&answer, method, by_cookie, &format!("{row} cookie {path}"));
                    }
                    let off = call("/without-csrf").cookie(&cookie).send(&shop.app).await;
                    assert_answer(&off, method, Ok("7 by session"), &format!("{row} csrf(off)"));
                    let bearer = call("/me").bearer(&token).send(&shop.app).await;
                    assert_answer(&bearer, method, Ok("7 by jwt"), &format!("{row} bearer"));
                    let both = call("/me").bearer(&token).cookie(&cookie).send(&shop.app).await;
                    assert_answer(&both, method, Ok("7 by jwt"), &format!("{row} bearer and cookie"));
                    let none = call("/me").send(&shop.app).await;
                    assert_answer(&none, method, Err(&problem::no_credential()), &format!("{row} none"));
                    let public = call("/health").cookie(&cookie).send(&shop.app).await;
                    assert_answer(&public, method, Ok("ok"), &format!("{row} public"));
                }
            }
        }
    }
}

#[tokio::test]
async fn no_header_switches_the_check_off() {
    let (shop, token) = shop(Headerless::Refuse).await;
    let cookie = shop.sign_in(7).await;
    let crossing = || Call::post("/me").cookie(&cookie).header("sec-fetch-site", "cross-site");
    for (name, value) in [
        ("x-requested-with", "XMLHttpRequest"),
        ("x-csrf-token", "x"),
        ("x-http-method-override", "GET"),
        ("x-method-override", "GET"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("referer", "https://shop.example/me"),
        ("referer", "https://admin.example/"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("content-type", "application/json"),
        ("x-authorization", "Bearer x"),
    ] {
        crossing().header(name, value).send(&shop.app).await.assert_is(&problem::cross_site(), name);
    }
    for junk in ["", "junk", "Bearer", "Basic YTpi"] {
        let answer = crossing().header(AUTHORIZATION, junk).send(&shop.app).await;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{junk:?}: {answer:#?}");
    }
    crossing().bearer("junk").send(&shop.app).await.assert_is(&problem::invalid_token(), "a junk token");
    let good = crossing().bearer(&token).send(&shop.app).await;
    good.assert_ok("7 by jwt", "no other site can make a browser send a token");
}

#[tokio::test]
async fn two_headers_of_a_kind_are_refused() {
    let (shop, _) = shop(Headerless::Allow).await;
    let cookie = shop.sign_in(7).await;
    let call = || Call::post("/me").cookie(&cookie);
    let own = "https://shop.example";
    for (row, call) in [
        ("two sites", call().header("sec-fetch-site", "same-origin").header("sec-fetch-site", "same-origin")),
        (
            "another second site",
            call().header("sec-fetch-site", "same-origin").header("sec-fetch-site", "cross-site"),
        ),
        ("two origins", call().header(ORIGIN, own).header(ORIGIN, own)),
        ("another second origin", call().header(ORIGIN, own).header(ORIGIN, "https://evil.example")),
        ("two origins beside a site", call().same_origin().header(ORIGIN, own).header(ORIGIN, own)),
        ("an origin that is no text", call().header(ORIGIN, b"https://shop.example\xff")),
        ("two referers", call().header(REFERER, own).header(REFERER, own)),
        ("another second referer", call().header(REFERER, own).header(REFERER, "https://evil.example/")),
        ("a referer that is no text", call().header(REFERER, b"https://shop.example/\xff")),
    ] {
        call.send(&shop.app).await.assert_is(&problem::cross_site(), row);
    }
}

/// A WebSocket is opened with `GET`, and can do anything after that.
#[tokio::test]
async fn an_upgrade_is_no_safe_request() {
    let (shop, token) = shop(Headerless::Refuse).await;
    let cookie = shop.sign_in(7).await;
    let open = || Call::get("/me").header(UPGRADE, "websocket").header("connection", "Upgrade");
    let crossing = open().cookie(&cookie).header(ORIGIN, "https://evil.example").send(&shop.app).await;
    crossing.assert_is(&problem::cross_site(), "another origin");
    open().cookie(&cookie).send(&shop.app).await.assert_is(&problem::cross_site(), "no origin");
    let own = open().cookie(&cookie).header(ORIGIN, "https://shop.example").send(&shop.app).await;
    own.assert_ok("7 by session", "own origin");
    open().bearer(&token).send(&shop.app).await.assert_ok("7 by jwt", "token");
}
