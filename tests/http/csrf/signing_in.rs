//! Signing in, refreshing and session data: where a cookie is about to be set, the origin counts too.

use auth_core::jwt::{Algorithm, KeyRing};
use auth_tests::{Call, Shop, problem};
use http::header::{HOST, ORIGIN};
use http::{Method, StatusCode};

use super::{Headerless, Kind, METHODS, ORIGINS, SITES, Verdict, passes, shop, with};

/// An attacker who signs the victim in to the attacker's account learns what the victim enters there.
#[tokio::test]
async fn a_sign_in_from_another_site_is_refused() {
    for headerless in [Headerless::Refuse, Headerless::Allow] {
        let (shop, _) = shop(headerless).await;
        for (site, verdict) in SITES {
            for (origin, kind) in ORIGINS {
                let row = format!("{headerless:?} {site:?} {origin:?}");
                let answer = with(&Method::POST, "/login", site, origin).send(&shop.app).await;
                match passes(&Method::POST, verdict, kind, headerless) {
                    true => answer.assert_ok("signed in", &row),
                    false if (verdict, kind) == (Verdict::AskOrigin, Kind::Plain) => {
                        answer.assert_is(&problem::plain_http(), &row);
                    }
                    false => answer.assert_is(&problem::cross_site(), &row),
                }
            }
        }
    }
}

/// Browsers drop a `Secure` cookie that comes over plain HTTP: a sign-in would lead back to the sign-in page, without a word.
#[tokio::test]
async fn a_sign_in_over_plain_http_is_explained_except_on_localhost() {
    let (shop, _) = shop(Headerless::Allow).await;
    for (host, passes) in [
        ("localhost:3000", true),
        ("shop.localhost", true),
        ("127.0.0.1:3000", true),
        ("[::1]:3000", true),
        ("192.168.1.5:3000", false),
        ("shop.lan", false),
        ("shop.example", false),
    ] {
        let origin = format!("http://{host}");
        let call = Call::post("/login").without(HOST).header(HOST, host).header(ORIGIN, &origin);
        let answer = call.send(&shop.app).await;
        match passes {
            true => answer.assert_ok("signed in", host),
            false => answer.assert_is(&problem::plain_http(), host),
        }
    }
}

#[tokio::test]
async fn a_refused_sign_in_leaves_the_session_before_as_it_was() {
    let (shop, _) = shop(Headerless::Refuse).await;
    let cookie = shop.sign_in(7).await;
    let crossing =
        Call::post("/login").header("sec-fetch-site", "cross-site").header("x-user", "8").cookie(&cookie);
    crossing.send(&shop.app).await.assert_is(&problem::cross_site(), "refused");
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "still signed in");
}

#[tokio::test]
async fn signing_out_from_another_site_is_refused() {
    let (shop, _) = shop(Headerless::Refuse).await;
    let cookie = shop.sign_in(7).await;
    for (method, path) in [
        (Method::POST, "/auth/logout"),
        (Method::DELETE, "/auth/logins"),
        (Method::DELETE, "/auth/logins/AAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        let call = || Call::new(method.clone(), path).cookie(&cookie);
        let crossing = call().header("sec-fetch-site", "cross-site").send(&shop.app).await;
        crossing.assert_is(&problem::cross_site(), path);
        call().send(&shop.app).await.assert_is(&problem::cross_site(), path);
    }
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "still signed in");
    let own = Call::post("/auth/logout").cookie(&cookie).same_origin().send(&shop.app).await;
    assert_eq!(own.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_refresh_by_cookie_from_another_site_is_refused_and_rotates_nothing() {
    let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
    let shop = Shop::with(ring, |builder| builder.refresh_cookie()).await;
    let crossing = Call::post("/browser-tokens").header("sec-fetch-site", "cross-site").send(&shop.app).await;
    crossing.assert_is(&problem::cross_site(), "sign-in");
    let signed_in = Call::post("/browser-tokens").same_origin().send(&shop.app).await;
    assert_eq!(signed_in.status, StatusCode::OK);
    assert!(signed_in.value().get("refresh_token").is_none(), "the cookie carries it");
    let cookies = signed_in.set_cookies();
    let (_, attributes) = cookies[0].split_once(';').unwrap();
    assert_eq!(attributes, " HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=15552000");
    let cookie = signed_in.cookie();
    let mut expected = cookie.clone();
    for (site, verdict) in SITES {
        for (origin, kind) in ORIGINS {
            let row = format!("{site:?} {origin:?}");
            shop.clock.advance(std::time::Duration::from_secs(11));
            let answer =
                with(&Method::POST, "/auth/refresh", site, origin).cookie(&expected).send(&shop.app).await;
            // The other origin is not trusted here.
            let kind = if kind == Kind::Trusted { Kind::Foreign } else { kind };
            match passes(&Method::POST, verdict, kind, Headerless::Refuse) {
                false => answer.assert_is(&problem::cross_site(), &row),
                true => {
                    assert_eq!(answer.status, StatusCode::OK, "{row}: {answer:#?}");
                    expected = answer.cookie();
                }
            }
        }
    }
    assert_ne!(expected, cookie);
}

#[tokio::test]
async fn the_refresh_cookie_is_read_nowhere_else_and_never_twice() {
    let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
    let shop = Shop::with(ring, |builder| builder.refresh_cookie()).await;
    let cookie = Call::post("/browser-tokens").same_origin().send(&shop.app).await.cookie();
    shop.me_by_cookie(&cookie).await.assert_is(&problem::no_credential(), "a guard does not know it");
    for header in [format!("{cookie}; {cookie}"), format!("{cookie}x; {cookie}")] {
        let answer = Call::post("/auth/refresh").same_origin().cookie(&header).send(&shop.app).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "twice");
    }
    let plain = Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await;
    let answer = Call::post("/auth/refresh").same_origin().cookie(&cookie).send(&plain.app).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "where no cookie is configured");
}

/// Data of the session is at hand, and is changed, for requests of the own site only.
#[tokio::test]
async fn session_data_is_out_of_reach_from_another_site() {
    let (shop, _) = shop(Headerless::Refuse).await;
    let own = Call::post("/cart?goods=apples").same_origin().send(&shop.app).await;
    let cookie = own.cookie();
    for method in METHODS.iter().filter(|method| **method == Method::POST) {
        for (site, verdict) in SITES {
            for (origin, kind) in ORIGINS {
                if passes(method, verdict, kind, Headerless::Refuse) {
                    continue;
                }
                let row = format!("{site:?} {origin:?}");
                let crossing = with(method, "/cart?goods=poison", site, origin);
                let answer = crossing.cookie(&cookie).send(&shop.app).await;
                assert_eq!(answer.set_cookies(), [""; 0], "{row}: no session is planted");
                let fresh = with(method, "/cart?goods=poison", site, origin).send(&shop.app).await;
                assert_eq!(fresh.set_cookies(), [""; 0], "{row}: no session is planted");
                let cart = Call::get("/cart").cookie(&cookie).send(&shop.app).await;
                cart.assert_ok("apples", &row);
            }
        }
    }
}
