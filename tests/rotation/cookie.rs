//! The token in its cookie, for applications in a browser.

use auth_core::audit::{AuditEvent, RefusalReason};
use auth_tests::shop::refresh_of;
use auth_tests::{
    Answer, Call, Fault, Forged, GRACE, Node, Op, REFRESH_COOKIE, World, anna, claims_of, on_both_stores,
    refresh_cookie_of,
};
use http::header::{CACHE_CONTROL, COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::{Method, StatusCode};
use serde_json::json;

const FORGET: &str = "; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0";
/// 180 days.
const LIFETIME: u64 = 15_552_000;

on_both_stores!(
    a_browser_that_signs_in_gets_the_refresh_token_as_a_cookie_only,
    a_refresh_by_cookie_sets_the_next_cookie,
    tabs_that_refresh_at_once_end_with_the_same_cookie,
    another_site_can_neither_refresh_nor_sign_in,
    without_any_sign_of_its_origin_a_refresh_by_cookie_is_refused,
    the_token_of_the_body_takes_precedence_over_the_cookie,
    a_sign_out_removes_the_cookie,
    a_late_refusal_leaves_the_cookie_of_a_newer_sign_in,
    a_store_that_is_down_leaves_the_cookie,
    no_byte_in_any_other_cookie_has_an_effect_on_ours,
    two_cookies_of_the_name_are_refused,
    a_cookie_is_not_looked_at_unless_it_is_configured,
);

async fn node(world: &World) -> Node {
    world.node_with(|builder| builder.refresh_cookie()).await
}

/// Signs in from a page of the application.
async fn sign_in(node: &Node) -> Answer {
    node.browser(Method::POST, "/browser/anna", "").await
}

/// The refresh token that a reply sets, and nothing else: every protection, exactly.
#[track_caller]
fn token_set_by(reply: &Answer) -> String {
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(&CACHE_CONTROL), Some("no-store"));
    let token = reply.cookie().strip_prefix(&refresh_cookie_of("")).unwrap().to_owned();
    let expected =
        refresh_cookie_of(&format!("{token}; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age={LIFETIME}"));
    assert_eq!(reply.set_cookies(), [expected]);
    let body = json!({
        "access_token": reply.member("access_token"),
        "token_type": "Bearer",
        "expires_in": 900,
    });
    assert_eq!(reply.json(), body);
    token
}

async fn a_browser_that_signs_in_gets_the_refresh_token_as_a_cookie_only(world: World) {
    let node = node(&world).await;
    let reply = sign_in(&node).await;
    let token = token_set_by(&reply);
    assert_eq!(Forged::from(&token).generation(), 0);
    assert!(reply.headers.get(SET_COOKIE).unwrap().is_sensitive());
    node.get("/me", &reply.member("access_token")).await.assert_text("anna, by jwt");
    // It is no session.
    let answer = node.get_by_cookie("/me", &reply.cookie()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    // A program's sign-in still gets its token in the body.
    assert!(node.login(anna()).await.refresh_token().is_some());
}

async fn a_refresh_by_cookie_sets_the_next_cookie(world: World) {
    let node = node(&world).await;
    let mut reply = sign_in(&node).await;
    for generation in 1..4 {
        reply = node.browser(Method::POST, "/auth/refresh", &reply.cookie()).await;
        assert_eq!(Forged::from(&token_set_by(&reply)).generation(), generation);
        assert_eq!(claims_of(&reply.member("access_token"))["gen"], json!([generation, 0]));
        node.get("/me", &reply.member("access_token")).await.assert_text("anna, by jwt");
        world.clock.advance(GRACE);
    }
}

async fn tabs_that_refresh_at_once_end_with_the_same_cookie(world: World) {
    let node = node(&world).await;
    let cookie = sign_in(&node).await.cookie();
    let refresh = || node.browser(Method::POST, "/auth/refresh", &cookie);
    let (one, two, three) = tokio::join!(refresh(), refresh(), refresh());
    let token = token_set_by(&one);
    assert_eq!((token_set_by(&two), token_set_by(&three)), (token.clone(), token));
}

async fn another_site_can_neither_refresh_nor_sign_in(world: World) {
    let node = node(&world).await;
    let cookie = sign_in(&node).await.cookie();
    let token = cookie.strip_prefix(&refresh_cookie_of("")).unwrap();
    let row = node.row(token).await;
    for (path, cookie) in [("/auth/refresh", cookie.as_str()), ("/browser/anna", "")] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let calls = node.store.all_calls();
            node.events.clear();
            node.send(Call::post(path).header(name, value).cookie(cookie)).await.assert_cross_site();
            assert_eq!(node.store.all_calls(), calls);
            let refused = AuditEvent::Refused { reason: RefusalReason::CrossSite };
            assert_eq!(node.events.take(), [refused], "{path} {name}: {value}");
        }
    }
    assert_eq!(node.row(token).await, row);
    assert_eq!(node.logins_of("anna").await.len(), 1);
    let call = Call::post("/auth/refresh").header(ORIGIN, "https://shop.example").cookie(&cookie);
    token_set_by(&node.send(call).await);
}

async fn without_any_sign_of_its_origin_a_refresh_by_cookie_is_refused(world: World) {
    let node = node(&world).await;
    let cookie = sign_in(&node).await.cookie();
    node.send(Call::post("/auth/refresh").cookie(&cookie)).await.assert_cross_site();
    // An `Authorization` header does not switch the check off.
    let call = Call::post("/auth/refresh").without(HOST).bearer("a.b.c").cookie(&cookie);
    node.send(call).await.assert_cross_site();
}

async fn the_token_of_the_body_takes_precedence_over_the_cookie(world: World) {
    let node = node(&world).await;
    let cookie = sign_in(&node).await.cookie();
    let program = refresh_of(&node.login(anna()).await);
    let reply = node.send(Call::refresh(&program).cookie(&cookie)).await;
    assert!(reply.set_cookies().is_empty());
    let next = Forged::from(&reply.member("refresh_token"));
    assert_eq!((next.login(), next.generation()), (Forged::from(&program).login(), 1));
    // A bad one does not fall back to the cookie.
    node.send(Call::refresh("junk").cookie(&cookie).same_origin()).await.assert_invalid_grant();
    let token = cookie.strip_prefix(&refresh_cookie_of("")).unwrap();
    assert_eq!(node.family(token).await.position.generation, 0);
}

async fn a_sign_out_removes_the_cookie(world: World) {
    let node = node(&world).await;
    let reply = sign_in(&node).await;
    let signed_out = node.bearer(Method::POST, "/auth/logout", &reply.member("access_token")).await;
    assert_eq!((signed_out.status, &*signed_out.body), (StatusCode::NO_CONTENT, ""));
    assert_eq!(signed_out.set_cookies(), [refresh_cookie_of(FORGET)]);
    assert_eq!(signed_out.header(&CACHE_CONTROL), Some("no-store"));
    node.browser(Method::POST, "/auth/refresh", &reply.cookie()).await.assert_invalid_grant();
    assert!(node.logins_of("anna").await.is_empty());
}

async fn a_late_refusal_leaves_the_cookie_of_a_newer_sign_in(world: World) {
    let node = node(&world).await;
    let first = sign_in(&node).await;
    let next = node.browser(Method::POST, "/auth/refresh", &first.cookie()).await;
    node.get("/me", &next.member("access_token")).await.assert_text("anna, by jwt");
    world.clock.advance(GRACE);
    let newer = sign_in(&node).await;
    for cookie in [first.cookie(), next.cookie(), refresh_cookie_of("junk")] {
        // Without `Set-Cookie`.
        node.browser(Method::POST, "/auth/refresh", &cookie).await.assert_invalid_grant();
    }
    assert_eq!(node.events.thefts(), 1);
    token_set_by(&node.browser(Method::POST, "/auth/refresh", &newer.cookie()).await);
}

async fn a_store_that_is_down_leaves_the_cookie(world: World) {
    let node = node(&world).await;
    let cookie = sign_in(&node).await.cookie();
    for fault in [Fault::Before, Fault::After] {
        node.store.next(Op::Rotate, fault);
        node.browser(Method::POST, "/auth/refresh", &cookie).await.assert_unavailable();
    }
    let reply = node.browser(Method::POST, "/auth/refresh", &cookie).await;
    assert_eq!(Forged::from(&token_set_by(&reply)).generation(), 1);
}

async fn no_byte_in_any_other_cookie_has_an_effect_on_ours(world: World) {
    let node = node(&world).await;
    let cookie = sign_in(&node).await.cookie();
    let of_a_header = |byte: &u8| !matches!(byte, 0x00..=0x08 | 0x0a..=0x1f | 0x7f | b';');
    let mut next = None;
    for byte in (0..=255).filter(of_a_header) {
        let other = [b"a", &[byte][..], b"=b", &[byte][..]].concat();
        for cookies in
            [[&other, &b"; "[..], cookie.as_bytes()].concat(), [cookie.as_bytes(), b"; ", &other].concat()]
        {
            let call = Call::post("/auth/refresh").same_origin().header(COOKIE, cookies);
            let token = token_set_by(&node.send(call).await);
            // Within the grace, the same successor again.
            assert_eq!(*next.get_or_insert_with(|| token.clone()), token, "{byte}");
        }
    }
}

/// Like two session cookies: 401, so that the browser signs in again and overwrites ours.
async fn two_cookies_of_the_name_are_refused(world: World) {
    let node = node(&world).await;
    let cookie = sign_in(&node).await.cookie();
    let token = cookie.strip_prefix(&refresh_cookie_of("")).unwrap();
    let lower = REFRESH_COOKIE.to_lowercase();
    for cookies in [
        format!("{cookie}; {cookie}"),
        format!("{cookie}; {}", refresh_cookie_of("planted")),
        format!("{}; {cookie}", refresh_cookie_of("planted")),
        format!("{cookie}; {lower}={token}"),
        format!("{lower}={token}"),
        format!("{cookie}; ={cookie}"),
        format!("={cookie}"),
    ] {
        let calls = node.store.all_calls();
        node.events.clear();
        node.browser(Method::POST, "/auth/refresh", &cookies).await.assert_invalid_grant();
        assert_eq!(node.store.all_calls(), calls, "{cookies}");
        assert_eq!(node.events.take(), [AuditEvent::Refused { reason: RefusalReason::RefreshToken }]);
    }
    let call = Call::from_page(Method::POST, "/auth/refresh", &cookie).cookie(&cookie);
    node.send(call).await.assert_invalid_grant();
    let crossing = Call::post("/auth/refresh").cookie(&cookie).cookie(&cookie);
    node.send(crossing).await.assert_cross_site();
    let others = format!("a=1; {cookie}; {REFRESH_COOKIE}2=x");
    token_set_by(&node.browser(Method::POST, "/auth/refresh", &others).await);
}

async fn a_cookie_is_not_looked_at_unless_it_is_configured(world: World) {
    let node = world.node().await;
    let token = refresh_of(&node.login(anna()).await);
    let cookie = refresh_cookie_of(&token);
    node.browser(Method::POST, "/auth/refresh", &cookie).await.assert_missing_grant();
    assert_eq!(node.family(&token).await.position.generation, 0);
    // Without a cookie to put it in, the token is in the body rather than nowhere.
    let reply = sign_in(&node).await;
    assert!(reply.set_cookies().is_empty());
    assert!(node.refresh(&reply.member("refresh_token")).await.is_ok());
}
