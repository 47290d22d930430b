//! What happens to a session while a request of it is under way.

use auth_tests::{Call, FORGET_COOKIE, Gate, Shop, problem};
use http::{Method, StatusCode};

use super::gated::{finish, shop, start};

const CHANGES: [&str; 3] = ["/changes-then-waits", "/reads-then-waits-then-changes", "/waits-then-changes"];

fn post(path: &str, cookie: &str) -> Call {
    Call::post(path).same_origin().cookie(cookie)
}

async fn assert_cart(shop: &Shop, cookie: &str, goods: &str) {
    Call::get("/cart").cookie(cookie).send(&shop.app).await.assert_ok(goods, cookie);
}

async fn sign_out(shop: &Shop, cookie: &str) {
    let answer = post("/auth/logout", cookie).send(&shop.app).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:#?}");
}

#[tokio::test]
async fn a_slow_request_that_saves_after_the_sign_out_brings_no_session_back_and_sets_no_cookie() {
    for path in CHANGES {
        let shop = shop().await;
        let cookie = shop.sign_in(7).await;
        let gate = Gate::closed();
        let slow = start(&gate, &shop, post(path, &cookie)).await;
        sign_out(&shop, &cookie).await;
        let answer = finish(&gate, slow).await;
        answer.assert_is(&problem::conflict(), path);
        shop.me_by_cookie(&cookie).await.assert_is(&problem::invalid_cookie(), path);
        assert_cart(&shop, &cookie, "empty").await;
    }
}

#[tokio::test]
async fn a_slow_request_sets_no_cookie_after_the_login_was_ended_from_elsewhere() {
    for path in CHANGES {
        let shop = shop().await;
        let cookie = shop.sign_in(7).await;
        let other = shop.tokens(7).await.0;
        let gate = Gate::closed();
        let slow = start(&gate, &shop, post(path, &cookie)).await;
        let ended = Call::new(Method::DELETE, "/auth/logins").bearer(&other).send(&shop.app).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        finish(&gate, slow).await.assert_is(&problem::conflict(), path);
        shop.me_by_cookie(&cookie).await.assert_is(&problem::invalid_cookie(), path);
    }
}

/// The browser signs in as another user in another tab, and the slow answer comes last.
#[tokio::test]
async fn a_slow_request_of_the_login_before_does_not_touch_the_new_one() {
    for path in CHANGES {
        let shop = shop().await;
        let old = shop.sign_in(7).await;
        let gate = Gate::closed();
        let slow = start(&gate, &shop, post(path, &old)).await;
        let new = shop.sign_in_from(8, post("/login", &old)).await.cookie();
        finish(&gate, slow).await.assert_is(&problem::conflict(), path);
        assert_cart(&shop, &new, "empty").await;
        shop.me_by_cookie(&new).await.assert_ok("8 by session", path);
        shop.me_by_cookie(&old).await.assert_is(&problem::invalid_cookie(), path);
    }
}

#[tokio::test]
async fn a_slow_reader_of_an_ended_session_sees_no_data_and_sets_no_cookie() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    post("/cart?goods=secrets", &cookie).send(&shop.app).await.assert_ok("filled", "before");
    let gate = Gate::closed();
    let slow = start(&gate, &shop, Call::get("/waits-then-reads").cookie(&cookie)).await;
    sign_out(&shop, &cookie).await;
    let answer = finish(&gate, slow).await;
    answer.assert_ok("empty", "read after the sign-out");
    assert_eq!(answer.set_cookies(), [""; 0]);
}

#[tokio::test]
async fn signing_out_saves_nothing_and_only_removes_the_cookie() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    let gate = Gate::closed();
    let signing_out = start(&gate, &shop, post("/waits-then-signs-out", &cookie)).await;
    let answer = finish(&gate, signing_out).await;
    answer.assert_ok("signed out", "");
    assert_eq!(answer.set_cookies(), [FORGET_COOKIE]);
    assert_cart(&shop, &cookie, "empty").await;
}

#[tokio::test]
async fn of_two_requests_that_change_one_session_the_later_gets_409_and_undoes_nothing() {
    for path in ["/changes-then-waits", "/reads-then-waits-then-changes", "/waits-then-takes-a-new-id"] {
        let shop = shop().await;
        let cookie = shop.sign_in(7).await;
        let gate = Gate::closed();
        let slow = start(&gate, &shop, post(path, &cookie)).await;
        post("/cart?goods=kept", &cookie).send(&shop.app).await.assert_ok("filled", "the faster");
        let late = finish(&gate, slow).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{path}: {late:#?}");
        assert_cart(&shop, &cookie, "kept").await;
        shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "still signed in");
        let again = start(&gate, &shop, post(path, &cookie)).await;
        finish(&gate, again).await.assert_ok("done", "and again");
    }
}

#[tokio::test]
async fn a_change_that_begins_after_another_was_saved_is_no_conflict() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    let gate = Gate::closed();
    let slow = start(&gate, &shop, post("/waits-then-changes", &cookie)).await;
    post("/cart?goods=seen", &cookie).send(&shop.app).await.assert_ok("filled", "the faster");
    finish(&gate, slow).await.assert_ok("done", "it read what was saved");
    assert_cart(&shop, &cookie, "changed").await;
}

#[tokio::test]
async fn two_first_requests_of_a_browser_get_two_sessions_and_neither_the_others_data() {
    let shop = shop().await;
    let gate = Gate::closed();
    let slow = start(&gate, &shop, Call::post("/waits-then-changes-for-anybody").same_origin()).await;
    let fast = Call::post("/cart?goods=apples").same_origin().send(&shop.app).await.cookie();
    let slow = finish(&gate, slow).await.cookie();
    assert_ne!(fast, slow);
    assert_cart(&shop, &fast, "apples").await;
    assert_cart(&shop, &slow, "changed").await;
}

#[tokio::test]
async fn an_anonymous_request_under_way_during_the_sign_in_does_not_reach_the_login() {
    let shop = shop().await;
    let anonymous = Call::post("/cart?goods=apples").same_origin().send(&shop.app).await.cookie();
    let gate = Gate::closed();
    let slow = start(&gate, &shop, post("/waits-then-changes-for-anybody", &anonymous)).await;
    let signed_in = shop.sign_in_from(7, post("/login", &anonymous)).await.cookie();
    let answer = finish(&gate, slow).await;
    assert!(answer.set_cookies().iter().all(|cookie| !cookie.starts_with(&signed_in)), "{answer:#?}");
    assert_cart(&shop, &signed_in, "apples").await;
    shop.me_by_cookie(&signed_in).await.assert_ok("7 by session", "signed in");
}

#[tokio::test]
async fn an_error_of_the_server_saves_nothing() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    let failed = post("/changes-and-fails", &cookie).send(&shop.app).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_cart(&shop, &cookie, "empty").await;
}

#[tokio::test]
async fn a_session_with_a_new_id_keeps_login_and_data_and_the_old_id_is_refused_at_once() {
    let shop = shop().await;
    let old = shop.sign_in(7).await;
    post("/cart?goods=apples", &old).send(&shop.app).await.assert_ok("filled", "before");
    shop.me_by_cookie(&old).await.assert_ok("7 by session", "cached");
    let changed = post("/takes-a-new-id", &old).send(&shop.app).await;
    changed.assert_ok("done", "");
    let new = changed.cookie();
    assert_ne!(new, old);
    shop.me_by_cookie(&new).await.assert_ok("7 by session", "the new id");
    assert_cart(&shop, &new, "apples").await;
    shop.me_by_cookie(&old).await.assert_is(&problem::invalid_cookie(), "the old id");
    assert_cart(&shop, &old, "empty").await;
}

/// A session without data has an id to change too.
#[tokio::test]
async fn an_empty_session_takes_a_new_id_like_any_other() {
    let shop = shop().await;
    let old = shop.sign_in(7).await;
    shop.me_by_cookie(&old).await.assert_ok("7 by session", "cached");
    let changed = post("/takes-a-new-id", &old).send(&shop.app).await;
    changed.assert_ok("done", "");
    let new = changed.cookie();
    shop.me_by_cookie(&new).await.assert_ok("7 by session", "the new id");
    shop.me_by_cookie(&old).await.assert_is(&problem::invalid_cookie(), "the old id");
}

#[tokio::test]
async fn a_session_that_ends_while_its_id_changes_is_refused_under_both_ids() {
    let shop = shop().await;
    let old = shop.sign_in(7).await;
    let gate = Gate::closed();
    let slow = start(&gate, &shop, post("/takes-a-new-id-then-waits", &old)).await;
    sign_out(&shop, &old).await;
    finish(&gate, slow).await.assert_is(&problem::conflict(), "the sign-out came first");
    shop.me_by_cookie(&old).await.assert_is(&problem::invalid_cookie(), "the old id");
}

#[tokio::test]
async fn an_emptied_session_keeps_its_login_and_loses_its_data() {
    let shop = shop().await;
    let cookie = shop.sign_in(7).await;
    post("/cart?goods=apples", &cookie).send(&shop.app).await.assert_ok("filled", "before");
    let emptied = post("/empties", &cookie).send(&shop.app).await;
    emptied.assert_ok("done", "");
    let cookie = match emptied.set_cookies().is_empty() {
        true => cookie,
        false => emptied.cookie(),
    };
    assert_cart(&shop, &cookie, "empty").await;
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "still signed in");
}

#[tokio::test]
async fn an_emptied_session_without_a_login_is_deleted_unless_the_handler_failed() {
    let shop = shop().await;
    let cookie = Call::post("/cart?goods=apples").same_origin().send(&shop.app).await.cookie();
    let failed = post("/empties-and-fails", &cookie).send(&shop.app).await;
    assert_eq!((failed.status, failed.set_cookies()), (StatusCode::INTERNAL_SERVER_ERROR, vec![]));
    assert_cart(&shop, &cookie, "apples").await;
    let emptied = post("/empties", &cookie).send(&shop.app).await;
    emptied.assert_ok("done", "");
    assert_eq!(emptied.set_cookies(), [""; 0]);
    assert_cart(&shop, &cookie, "empty").await;
}
