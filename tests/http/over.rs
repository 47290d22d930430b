//! A session that has ended counts as no credential if the credential is optional; otherwise it is refused.

use std::time::Duration;

use auth_core::jwt::{Algorithm, KeyRing};
use auth_tests::shop::realm;
use auth_tests::{Answer, Call, Shop, ShopUser, UNKNOWN_SESSION, problem, subject};
use http::StatusCode;

async fn shop() -> Shop {
    Shop::new(KeyRing::generate(Algorithm::ES256).unwrap()).await
}

async fn perhaps(shop: &Shop, cookie: &str) -> Answer {
    Call::get("/perhaps").cookie(cookie).send(&shop.app).await
}

/// Handlers that require a session refuse it; for those with an optional credential it counts as none.
async fn assert_over(shop: &Shop, cookie: &str, how: &str) {
    for _ in 0..2 {
        perhaps(shop, cookie).await.assert_ok("nobody", how);
        let post = Call::post("/perhaps").cookie(cookie).header("sec-fetch-site", "cross-site");
        post.send(&shop.app).await.assert_ok("nobody", how);
        shop.me_by_cookie(cookie).await.assert_is(&problem::invalid_cookie(), how);
        let session = Call::get("/by-session").cookie(cookie).send(&shop.app).await;
        session.assert_is(&problem::invalid_cookie_alone(), how);
    }
}

#[tokio::test]
async fn with_an_optional_credential_an_ended_session_is_none() {
    let shop = shop().await;
    assert_over(&shop, UNKNOWN_SESSION, "unknown").await;

    let signed_out = shop.sign_in(7).await;
    perhaps(&shop, &signed_out).await.assert_ok("7 by session", "before");
    let logout = Call::post("/auth/logout").cookie(&signed_out).same_origin().send(&shop.app).await;
    assert_eq!(logout.status, StatusCode::NO_CONTENT);
    assert_over(&shop, &signed_out, "signed out").await;

    let ended = shop.sign_in(8).await;
    perhaps(&shop, &ended).await.assert_ok("8 by session", "before");
    shop.auth.end_all_logins(&subject("8")).await.unwrap();
    assert_over(&shop, &ended, "ended from elsewhere").await;

    let replaced = shop.sign_in(9).await;
    let again = shop.sign_in_from(9, Call::post("/login").same_origin().cookie(&replaced)).await.cookie();
    assert_over(&shop, &replaced, "replaced").await;
    perhaps(&shop, &again).await.assert_ok("9 by session", "the newer sign-in");

    shop.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_over(&shop, &again, "expired").await;
}

#[tokio::test]
async fn with_an_optional_credential_unreadable_stored_claims_are_none() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    let (realm, login) = (realm::<ShopUser>(), *shop.logins_of("7").await.first().unwrap());
    let row = shop.behind().login(&realm, login).await.unwrap().value.unwrap().row;
    let other = br#"{"sub":"7","rank":"boss"}"#;
    assert!(shop.behind().save_claims(&realm, login, other, row.epoch).await.unwrap().value);

    assert_over(&shop, &cookie, "another type").await;

    assert_eq!(shop.logins_of("7").await, [login], "nothing ends");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_taken_for_an_ended_session() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    shop.store.set_down(true);
    perhaps(&shop, &cookie).await.assert_is(&problem::unavailable(), "not known yet");
    perhaps(&shop, UNKNOWN_SESSION).await.assert_is(&problem::unavailable(), "unknown");
    shop.store.set_down(false);
    perhaps(&shop, &cookie).await.assert_ok("7 by session", "mended");
}
