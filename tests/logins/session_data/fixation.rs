//! An id that another person knows never becomes the id of a login, and data moves only to logins of the same user.

use std::num::NonZeroU32;

use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::store::Limit;
use auth_tests::{Call, Shop, UNKNOWN_SESSION, problem};
use http::StatusCode;
use http::header::CACHE_CONTROL;

/// Of the right form, and chosen by an attacker.
const CHOSEN: &str = UNKNOWN_SESSION;

async fn shop() -> Shop {
    Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await
}

async fn fill(shop: &Shop, cookie: Option<&str>, goods: &str) -> auth_tests::Answer {
    let call = Call::post(&format!("/cart?goods={goods}")).same_origin();
    let call = match cookie {
        Some(cookie) => call.cookie(cookie),
        None => call,
    };
    let answer = call.send(&shop.app).await;
    answer.assert_ok("filled", goods);
    answer
}

async fn assert_cart(shop: &Shop, cookie: &str, goods: &str) {
    Call::get("/cart").cookie(cookie).send(&shop.app).await.assert_ok(goods, cookie);
}

fn sign_in_with(cookie: &str) -> Call {
    Call::post("/login").same_origin().cookie(cookie)
}

#[tokio::test]
async fn an_id_chosen_by_an_attacker_is_never_adopted() {
    let shop = shop().await;
    let signed_in = shop.sign_in_from(7, sign_in_with(CHOSEN)).await;
    assert_ne!(signed_in.cookie(), CHOSEN);
    shop.me_by_cookie(&signed_in.cookie()).await.assert_ok("7 by session", "the new id");
    shop.me_by_cookie(CHOSEN).await.assert_is(&problem::invalid_cookie(), "the chosen id");
    let filled = fill(&shop, Some(CHOSEN), "apples").await;
    assert_ne!(filled.cookie(), CHOSEN, "nor is it without a login");
    assert_cart(&shop, CHOSEN, "empty").await;
    assert_cart(&shop, &filled.cookie(), "apples").await;
    // Nor a partition that the store does not have.
    let filled = fill(&shop, Some(&format!("{CHOSEN}.7")), "pears").await.cookie();
    assert!(!filled.contains('.'), "{filled}");
    assert_cart(&shop, &filled, "pears").await;
}

#[tokio::test]
async fn a_session_from_before_the_login_is_refused_after_it_and_its_data_is_moved() {
    let shop = shop().await;
    let planted = fill(&shop, None, "apples").await.cookie();
    let signed_in = shop.sign_in_from(7, sign_in_with(&planted)).await.cookie();
    assert_ne!(signed_in, planted);
    assert_cart(&shop, &signed_in, "apples").await;
    assert_cart(&shop, &planted, "empty").await;
    shop.me_by_cookie(&planted).await.assert_is(&problem::invalid_cookie(), "the attacker's id");
    fill(&shop, Some(&signed_in), "pears").await;
    assert_cart(&shop, &planted, "empty").await;
    let poisoned = fill(&shop, Some(&planted), "poison").await.cookie();
    assert_ne!(poisoned, planted, "a dead id does not come back");
    assert_cart(&shop, &signed_in, "pears").await;
}

#[tokio::test]
async fn an_anonymous_session_is_no_credential() {
    let shop = shop().await;
    let anonymous = fill(&shop, None, "apples").await;
    assert_eq!(anonymous.header(CACHE_CONTROL), Some("no-store"));
    let cookie = anonymous.cookie();
    shop.me_by_cookie(&cookie).await.assert_is(&problem::no_credential(), "nobody");
    Call::get("/perhaps").cookie(&cookie).send(&shop.app).await.assert_ok("nobody", "optional");
    let post = Call::post("/me").cookie(&cookie).header("sec-fetch-site", "cross-site").send(&shop.app).await;
    post.assert_is(&problem::no_credential(), "nobody from elsewhere");
}

#[tokio::test]
async fn signing_in_again_gives_a_new_id_and_ends_the_login_before() {
    let shop = shop().await;
    let first = shop.sign_in(7).await;
    fill(&shop, Some(&first), "apples").await;
    shop.me_by_cookie(&first).await.assert_ok("7 by session", "cached");
    let second = shop.sign_in_from(7, sign_in_with(&first)).await.cookie();
    assert_ne!(first, second);
    shop.me_by_cookie(&second).await.assert_ok("7 by session", "the new one");
    shop.me_by_cookie(&first).await.assert_is(&problem::invalid_cookie(), "the old one");
    assert_cart(&shop, &second, "apples").await;
    assert_cart(&shop, &first, "empty").await;
}

#[tokio::test]
async fn the_data_of_another_user_is_not_moved() {
    let shop = shop().await;
    let first = shop.sign_in(7).await;
    fill(&shop, Some(&first), "secrets").await;
    let second = shop.sign_in_from(8, sign_in_with(&first)).await.cookie();
    shop.me_by_cookie(&second).await.assert_ok("8 by session", "the new one");
    assert_cart(&shop, &second, "empty").await;
    shop.me_by_cookie(&first).await.assert_is(&problem::invalid_cookie(), "replaced");
    let back = shop.sign_in_from(7, sign_in_with(&second)).await.cookie();
    assert_cart(&shop, &back, "empty").await;
}

#[tokio::test]
async fn data_ends_with_the_login() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    let filled = fill(&shop, Some(&cookie), "secrets").await;
    assert_eq!(filled.set_cookies(), [""; 0], "the id stays");
    assert_cart(&shop, &cookie, "secrets").await;
    let logout = Call::post("/auth/logout").cookie(&cookie).same_origin().send(&shop.app).await;
    assert_eq!(logout.status, StatusCode::NO_CONTENT);
    assert_cart(&shop, &cookie, "empty").await;
    let again = shop.sign_in_from(7, sign_in_with(&cookie)).await.cookie();
    assert_cart(&shop, &again, "empty").await;
}

#[tokio::test]
async fn a_login_that_is_refused_takes_no_data_with_it() {
    let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
    let shop = Shop::with(ring, |builder| builder.max_logins(Limit::Refuse(NonZeroU32::MIN))).await;
    let other = shop.sign_in(7).await;
    let anonymous = fill(&shop, None, "apples").await.cookie();
    let refused = sign_in_with(&anonymous).header("x-user", "7").send(&shop.app).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.set_cookies(), [""; 0]);
    assert_cart(&shop, &anonymous, "apples").await;
    shop.me_by_cookie(&other).await.assert_ok("7 by session", "the other login");
}

#[tokio::test]
async fn two_cookies_or_a_look_alike_give_no_data() {
    let shop = shop().await;
    let cookie = fill(&shop, None, "secrets").await.cookie();
    let lower = cookie.to_ascii_lowercase();
    for header in
        [format!("{cookie}; {cookie}"), format!("{lower}; {cookie}"), format!("={cookie}; {cookie}")]
    {
        assert_cart(&shop, &header, "empty").await;
    }
}

/// Whoever the token is of, the session in the cookie may be somebody else's.
#[tokio::test]
async fn a_request_with_a_token_gets_no_data_of_the_cookie_and_sets_none() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    fill(&shop, Some(&cookie), "secrets").await;
    let (access, _) = shop.tokens(8).await;
    for bearer in [access.as_str(), "x"] {
        let read = Call::get("/cart").bearer(bearer).cookie(&cookie).send(&shop.app).await;
        read.assert_ok("empty", bearer);
        let call = Call::post("/cart?goods=poison").bearer(bearer).cookie(&cookie).same_origin();
        let filled = call.send(&shop.app).await;
        filled.assert_ok("filled", bearer);
        assert_eq!(filled.set_cookies(), [""; 0], "the session of the browser stays");
    }
    assert_cart(&shop, &cookie, "secrets").await;
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "still signed in");
}
