//! Cookies that only look like ours, or are there twice, are refused rather than guessed at.

use std::sync::Arc;

use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::login::Builder;
use auth_core::store::memory::MemoryStore;
use auth_core::testing::ManualClock;
use auth_core::{Authenticator, ConfigError};
use auth_tests::shop::builder;
use auth_tests::{Call, NOW, SESSION_COOKIE, Shop, ShopUser, UNKNOWN_SESSION, problem, session_of};
use http::header::COOKIE;
use http::{Method, StatusCode};

async fn shop() -> (Shop, String, String) {
    let shop = Shop::new(KeyRing::generate(Algorithm::ES256).unwrap()).await;
    let (first, second) = (shop.sign_in(7).await, shop.sign_in(8).await);
    (shop, first, second)
}

#[tokio::test]
async fn a_session_cookie_among_others_is_found() {
    let (shop, cookie, _) = shop().await;
    for header in [
        cookie.clone(),
        format!("theme=dark; {cookie}"),
        format!("{cookie}; theme=dark"),
        format!("theme=dark;{cookie};lang=en"),
        format!("a=b=c; {cookie}; =; ;"),
        format!("id=x; host-id=y; {cookie}"),
        format!("flag; {cookie}"),
    ] {
        shop.me_by_cookie(&header).await.assert_ok("7 by session", &header);
    }
    let split = Call::get("/me").cookie("theme=dark").cookie(&cookie).send(&shop.app).await;
    split.assert_ok("7 by session", "HTTP/2 may split the header");
}

#[tokio::test]
async fn our_cookie_twice_is_refused() {
    let (shop, first, second) = shop().await;
    for (a, b) in [(&first, &first), (&first, &second), (&second, &first)] {
        let joined = format!("{a}; {b}");
        shop.me_by_cookie(&joined).await.assert_is(&problem::invalid_cookie(), "in one header");
        let apart = format!("{a}; x=y; {b}");
        shop.me_by_cookie(&apart).await.assert_is(&problem::invalid_cookie(), "apart");
        let split = Call::get("/me").cookie(a).cookie(b).send(&shop.app).await;
        split.assert_is(&problem::invalid_cookie(), "in two headers");
        let session = Call::get("/by-session").cookie(a).cookie(b).send(&shop.app).await;
        session.assert_is(&problem::invalid_cookie_alone(), "on a session route");
    }
}

#[tokio::test]
async fn a_look_alike_beside_or_instead_of_ours_is_refused() {
    let (shop, cookie, other) = shop().await;
    let id = other.strip_prefix(&session_of("")).unwrap();
    for planted in [
        format!("{}={id}", SESSION_COOKIE.to_lowercase()),
        format!("{}={id}", SESSION_COOKIE.to_uppercase()),
        format!("{}={id}", SESSION_COOKIE.replace("-id-", "-ID-")),
        format!("{}={id}", SESSION_COOKIE.replace("__Host-id", "__hOsT-iD")),
        SESSION_COOKIE.to_lowercase(),
        format!("={SESSION_COOKIE}={id}"),
        format!("={}={id}", SESSION_COOKIE.to_lowercase()),
        format!("={SESSION_COOKIE}="),
    ] {
        for header in [planted.clone(), format!("{planted}; {cookie}"), format!("{cookie}; {planted}")] {
            shop.me_by_cookie(&header).await.assert_is(&problem::invalid_cookie(), &header);
        }
    }
    for harmless in [
        SESSION_COOKIE.replace("__Host", "__Secure"),
        format!("{SESSION_COOKIE}2=x"),
        format!("{}=x", &SESSION_COOKIE[..SESSION_COOKIE.len() - 1]),
        format!("{}=x", &SESSION_COOKIE[1..]),
        format!("{}=x", &SESSION_COOKIE[2..]),
        format!("id={SESSION_COOKIE}=x"),
        "__Host-id=x".to_owned(),
    ] {
        let header = format!("{harmless}; {cookie}");
        shop.me_by_cookie(&header).await.assert_ok("7 by session", &harmless);
        shop.me_by_cookie(&harmless).await.assert_is(&problem::no_credential(), &harmless);
    }
}

/// A sibling domain can set any other cookie. Parsers that take other white space than ASCII's for white space, or read
/// quotes or `$Version`, find our name in them.
#[tokio::test]
async fn no_byte_in_any_other_cookie_has_an_effect_on_ours() {
    let (shop, cookie, other) = shop().await;
    let of_a_header = |byte: &u8| !matches!(byte, 0x00..=0x08 | 0x0a..=0x1f | 0x7f | b';');
    let mut others: Vec<Vec<u8>> = Vec::new();
    for byte in (0..=255).filter(of_a_header) {
        others.push([b"a=", &[byte][..]].concat());
        others.push([b"a=", &[byte][..], other.as_bytes()].concat());
        others.push([b"a", &[byte][..], b"=b"].concat());
    }
    for name in ["\u{85}", "\u{a0}", "\u{2000}", "\u{3000}", "$Version=1,", "a,", "\"", "x\u{feff}"] {
        others.push([name.as_bytes(), other.as_bytes()].concat());
    }
    for other in others {
        for header in
            [[&other, &b"; "[..], cookie.as_bytes()].concat(), [cookie.as_bytes(), b"; ", &other].concat()]
        {
            let answer = Call::get("/me").header(COOKIE, &header).send(&shop.app).await;
            answer.assert_ok("7 by session", &String::from_utf8_lossy(&header));
        }
        let alone = Call::get("/me").header(COOKIE, &other).send(&shop.app).await;
        alone.assert_is(&problem::no_credential(), &String::from_utf8_lossy(&other));
    }
}

/// Cookies ignore ports: in development, two applications on one host have one jar.
#[tokio::test]
async fn two_applications_on_one_host_keep_their_cookies_apart() {
    let other = |builder: Builder<ShopUser>| builder.realm("warehouse").refresh_cookie();
    let key = || KeyRing::generate(Algorithm::ES256).unwrap();
    let shop = Shop::with(key(), |builder| builder.refresh_cookie()).await;
    let warehouse = Shop::with(key(), other).await;
    let (one, two) = (shop.sign_in(7).await, warehouse.sign_in(8).await);
    assert!(one.starts_with(&session_of("")), "{one}");
    assert!(two.starts_with("__Host-id-ae1fd358c761="), "{two}");
    let jar = format!("{one}; {two}");
    shop.me_by_cookie(&jar).await.assert_ok("7 by session", "the shop");
    warehouse.me_by_cookie(&jar).await.assert_ok("8 by session", "the warehouse");
    let out = Call::from_page(Method::POST, "/auth/logout", &jar).send(&warehouse.app).await;
    for cookie in out.set_cookies() {
        assert!(cookie.contains("-ae1fd358c761=; "), "{cookie}");
    }
    shop.me_by_cookie(&jar).await.assert_ok("7 by session", "still there");

    let tokens = |shop: &Shop| Call::post("/browser-tokens").same_origin().send(&shop.app);
    let (one, two) = (tokens(&shop).await.cookie(), tokens(&warehouse).await.cookie());
    assert!(two.starts_with("__Host-refresh-ae1fd358c761="), "{two}");
    for shop in [&shop, &warehouse] {
        let jar = format!("{one}; {two}");
        let refreshed = Call::from_page(Method::POST, "/auth/refresh", &jar).send(&shop.app).await;
        assert_eq!(refreshed.status, StatusCode::OK, "{refreshed:#?}");
    }
}

#[tokio::test]
async fn a_session_id_has_one_form() {
    let (shop, cookie, _) = shop().await;
    let id = cookie.strip_prefix(&session_of("")).unwrap();
    for value in [
        String::new(),
        id[1..].to_owned(),
        format!("{id}A"),
        format!("{id}=="),
        format!("{id}%3D%3D"),
        format!("\"{id}\""),
        format!(" {id} x"),
        format!("{id} {id}"),
        format!("{id},"),
        format!("{id}."),
        format!("{id}.0"),
        format!("{id}.1"),
        format!("{id}.01"),
        format!("{id}.255"),
        format!("{id}.256"),
        format!("{id}.1.1"),
        "!!!!!!!!!!!!!!!!!!!!!!".to_owned(),
        "AAAAAAAAAAAAAAAAAAAAA\u{e9}".to_owned(),
        "AAAAAAAAAAAAAAAAAAAAAB".to_owned(),
        "../../../../etc/passwd".to_owned(),
        "' OR 1=1 --".to_owned(),
        "A".repeat(4000),
    ] {
        let header = session_of(&value);
        shop.me_by_cookie(&header).await.assert_is(&problem::invalid_cookie(), &value);
    }
    shop.me_by_cookie(SESSION_COOKIE).await.assert_is(&problem::invalid_cookie(), "no value");
}

#[tokio::test]
async fn more_than_8_kib_of_cookies_are_refused() {
    let (shop, cookie, _) = shop().await;
    let fitting = format!("{cookie}; x={}", "a".repeat(8192 - cookie.len() - 4));
    assert_eq!(fitting.len(), 8192);
    shop.me_by_cookie(&fitting).await.assert_ok("7 by session", "8 KiB");
    let longer = format!("{fitting}a");
    shop.me_by_cookie(&longer).await.assert_is(&problem::invalid_cookie(), "a byte more");
    let ten = "a".repeat(10_000);
    shop.me_by_cookie(&format!("x={ten}; {cookie}")).await.assert_is(&problem::invalid_cookie(), "10 KB");
    let split = Call::get("/me").cookie(&cookie).cookie(&"a".repeat(5000)).cookie(&"b".repeat(5000));
    split.send(&shop.app).await.assert_is(&problem::invalid_cookie(), "10 KB in several headers");
}

#[tokio::test]
async fn an_unknown_session_is_refused_and_a_bad_cookie_closes_no_public_route() {
    let (shop, ..) = shop().await;
    shop.me_by_cookie(UNKNOWN_SESSION).await.assert_is(&problem::invalid_cookie(), "unknown");
    let bad = session_of("x");
    for cookie in [UNKNOWN_SESSION, &bad, &bad.to_lowercase(), &format!("={bad}")] {
        Call::get("/health").cookie(cookie).send(&shop.app).await.assert_ok("ok", cookie);
        Call::get("/cart").cookie(cookie).send(&shop.app).await.assert_ok("empty", cookie);
    }
}

/// An authenticator whose cookie has the name.
async fn named(name: &str) -> Result<Authenticator<ShopUser>, ConfigError> {
    let ring = KeyRing::generate(Algorithm::ES256).unwrap();
    builder(ring, Arc::new(MemoryStore::new()), &ManualClock::new(NOW)).session_cookie(name).build().await
}

#[tokio::test]
async fn a_cookie_cannot_be_named_past_its_prefix() {
    for bad in [
        "",
        "__Host-id",
        "__Secure-id",
        "__host-id",
        "__x",
        "a b",
        "a;b",
        "a=b",
        "a,b",
        "\u{e9}",
        "a\0",
        "a/b",
    ] {
        let refused = named(bad).await.unwrap_err();
        assert_eq!(refused.field(), "session_cookie", "{bad:?}");
    }
    assert!(named(&"a".repeat(65)).await.is_err());
    for good in ["id", "shop-session", "a_b", &"a".repeat(64)] {
        assert!(named(good).await.is_ok(), "{good}");
    }
}

#[tokio::test]
async fn another_name_keeps_the_protections_and_a_persistent_one_its_age() {
    let ring = KeyRing::generate(Algorithm::ES256).unwrap();
    let shop = Shop::with(ring, |builder| builder.session_cookie("shop").persistent_sessions()).await;
    let answer = shop.sign_in_from(7, Call::post("/login").same_origin()).await;
    let cookies = answer.set_cookies();
    let (_, attributes) = cookies[0].split_once(';').unwrap();
    assert!(cookies[0].starts_with("__Host-shop="));
    assert_eq!(attributes, " HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=2592000");
    shop.me_by_cookie(&answer.cookie()).await.assert_ok("7 by session", "its name");
    let elsewhere = answer.cookie().replace("__Host-shop", SESSION_COOKIE);
    shop.me_by_cookie(&elsewhere).await.assert_is(&problem::no_credential(), "the default name");
}
