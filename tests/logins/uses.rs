//! What counts as a use of a login, whose data a request gets, and the effects of a request that fails.

use auth_core::audit::{AuditEvent, RefusalReason};
use auth_core::route::post;
use auth_core::session::Session;
use auth_core::{Auth, ProtectedRouter, require_auth};
use auth_tests::forge::peppers;
use auth_tests::shop::{assert_refused, refresh_of, routes};
use auth_tests::{
    Call, Directory, Fault, Gate, MILLISECOND, MINUTE, Op, Recorder, SECOND, Shop, ShopUser, World, anna,
    on_both_stores, problem, within,
};
use http::{Method, StatusCode};

on_both_stores!(
    refused_requests_for_an_hour_do_not_keep_a_session_alive,
    refused_requests_are_no_use_of_a_token,
    good_requests_for_an_hour_keep_a_session_alive,
    a_bearer_of_one_user_and_a_cookie_of_another_are_kept_apart,
    data_of_a_request_with_a_bearer_make_no_session,
    signing_out_a_session_that_has_ended_in_the_store_succeeds,
    a_change_of_the_id_that_fails_restores_no_ended_id,
    a_change_of_the_id_that_is_dropped_restores_no_ended_id,
    a_new_id_that_fails_loses_no_data,
    stored_claims_of_another_type_are_refused_and_nothing_ends,
    stored_claims_of_another_type_are_loaded_anew_where_they_can_be,
);

/// The shop of those who are known by number, with sessions that last ten minutes unused.
async fn shop(world: &World) -> Shop {
    let events = Recorder::default();
    let observer = events.clone();
    let mut shop = Shop::on(world.store.clone(), &world.clock, world.keys.clone(), |builder| {
        builder.peppers(peppers()).session_idle(10 * MINUTE).observer(move |event| observer.hear(event))
    })
    .await;
    let more = ProtectedRouter::new()
        .route("/new-id", post(new_id))
        .route("/new-id-with-data", post(new_id_with_data))
        .layer(shop.auth.session_data_layer());
    shop.app = routes(&shop.auth).merge(more).with_state(shop.auth.clone());
    shop.events = events;
    shop
}

#[require_auth(session)]
async fn new_id(_user: Auth<ShopUser>, session: Session) -> Result<&'static str, StatusCode> {
    session.cycle_id().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok("done")
}

#[require_auth(session)]
async fn new_id_with_data(_user: Auth<ShopUser>, session: Session) -> Result<&'static str, StatusCode> {
    session.cycle_id().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    session.insert("cart", "pears").await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok("done")
}

/// Requests that are refused although their caller is known.
fn refused() -> [(Call, StatusCode); 5] {
    let from_elsewhere = Call::post("/me").header("sec-fetch-site", "cross-site");
    [
        (Call::get("/admin"), StatusCode::FORBIDDEN),
        (Call::get("/write"), StatusCode::FORBIDDEN),
        (Call::get("/orders/80"), StatusCode::FORBIDDEN),
        (Call::get("/orders/666"), StatusCode::NOT_FOUND),
        (from_elsewhere, StatusCode::FORBIDDEN),
    ]
}

async fn refused_requests_for_an_hour_do_not_keep_a_session_alive(world: World) {
    let shop = shop(&world).await;
    let cookie = shop.sign_in(7).await;
    shop.flush().await;
    for minute in 0..60 {
        for (call, status) in refused() {
            let answer = call.cookie(&cookie).send(&shop.app).await;
            let expected = if minute < 10 { status } else { StatusCode::UNAUTHORIZED };
            assert_eq!(answer.status, expected, "after {minute} minutes: {answer:?}");
        }
        if (6..10).contains(&minute) {
            let stale = Call::get("/fresh").cookie(&cookie).send(&shop.app).await;
            stale.assert_is(&problem::stale(), "signed in too long ago");
        }
        shop.flush().await;
        world.clock.advance(MINUTE);
    }
    assert_eq!(shop.store.calls(Op::Touch), 0);
    shop.me_by_cookie(&cookie).await.assert_is(&problem::invalid_cookie(), "idle for an hour");
}

/// They do not say that the rotation arrived, either.
async fn refused_requests_are_no_use_of_a_token(world: World) {
    let shop = shop(&world).await;
    let (_, first) = shop.tokens(7).await;
    world.clock.advance(MINUTE);
    let next = shop.refresh(&first).await.unwrap();
    let before = shop.row(&first).await.unwrap();
    for minute in 0..10 {
        world.clock.advance(MINUTE);
        // A request without a cookie is from no other site.
        for (call, status) in refused().into_iter().take(4) {
            let answer = call.bearer(next.access_token()).send(&shop.app).await;
            assert_eq!(answer.status, status, "after {minute} minutes");
        }
        shop.flush().await;
    }
    assert_eq!(shop.row(&first).await.unwrap(), before);
    assert!(!before.family.unwrap().confirmed);
    shop.me(next.access_token()).await.assert_ok("7 by jwt", "a use");
    shop.flush().await;
    assert!(shop.family(&first).await.confirmed);
}

async fn good_requests_for_an_hour_keep_a_session_alive(world: World) {
    let shop = shop(&world).await;
    let cookie = shop.sign_in(7).await;
    for _ in 0..7 {
        world.clock.advance(9 * MINUTE);
        shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "a use");
        shop.flush().await;
    }
    for (call, _) in refused() {
        call.cookie(&cookie).send(&shop.app).await;
    }
    world.clock.advance(10 * MINUTE - MILLISECOND);
    let other = self::shop(&world).await;
    other.me_by_cookie(&cookie).await.assert_ok("7 by session", "the last moment");
    world.clock.advance(MILLISECOND);
    shop.me_by_cookie(&cookie).await.assert_is(&problem::invalid_cookie(), "idle");
}

fn both(method: Method, path: &str, bearer: &str, cookie: &str) -> Call {
    Call::from_page(method, path, cookie).bearer(bearer)
}

async fn a_bearer_of_one_user_and_a_cookie_of_another_are_kept_apart(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    let bert = node.sign_in("bert", "").await;
    node.browser(Method::POST, "/cart/secrets", &bert).await.assert_empty(204);
    let access = tokens.access_token();
    node.send(both(Method::GET, "/me", access, &bert)).await.assert_text("anna, by jwt");
    node.send(both(Method::GET, "/cart", access, &bert)).await.assert_text("empty");
    node.send(both(Method::POST, "/cart/poison", access, &bert)).await;
    let gate = node.gate.clone();
    gate.open();
    node.send(both(Method::POST, "/slow-cart/poison", access, &bert)).await;
    node.get_by_cookie("/cart", &bert).await.assert_text("secrets");
    // Whatever stands in `Authorization`, also nonsense.
    for value in ["Bearer nonsense", "Basic Ym9iOmJvYg==", ""] {
        let call = Call::from_page(Method::GET, "/cart", &bert).header("authorization", value);
        node.send(call).await.assert_text("empty");
        let call = Call::from_page(Method::GET, "/me", &bert).header("authorization", value);
        assert_ne!(node.send(call).await.status, StatusCode::OK);
    }
    // Signing out ends the bearer's login, not that of the cookie.
    let answer = node.send(both(Method::POST, "/auth/logout", access, &bert)).await;
    answer.assert_empty(204);
    assert_eq!(answer.set_cookies(), [""; 0]);
    node.get("/me", access).await.assert_invalid_token();
    node.get_by_cookie("/me", &bert).await.assert_text("bert, by session");
}

/// A cookie of a new session would take the place of the one that the browser is signed in with.
async fn data_of_a_request_with_a_bearer_make_no_session(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.gate.open();
    for cookie in [node.sign_in("anna", "").await, node.sign_in("bert", "").await, String::new()] {
        for path in ["/cart/apples", "/slow-cart/apples"] {
            let answer = node.send(both(Method::POST, path, tokens.access_token(), &cookie)).await;
            assert_eq!(answer.set_cookies(), [""; 0], "{answer:?}");
        }
    }
    assert_eq!(node.store.calls(Op::CreateSession), 0);
}

async fn signing_out_a_session_that_has_ended_in_the_store_succeeds(world: World) {
    let shop = shop(&world).await;
    let cookie = shop.sign_in(7).await;
    let (access, _) = shop.tokens(7).await;
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "cached");
    world.clock.advance(10 * MINUTE - SECOND);
    shop.catch_up().await;
    // Its use is not written down, and in the store it idles out.
    shop.store.always(Op::Touch, Fault::Before);
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "a use");
    world.clock.advance(2 * SECOND);
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "this node knows of the use");
    let answer = Call::post("/auth/logout").cookie(&cookie).same_origin().send(&shop.app).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::NO_CONTENT, ""), "{answer:?}");
    for _ in 0..3 {
        shop.me_by_cookie(&cookie).await.assert_is(&problem::invalid_cookie(), "signed out");
        shop.store.heal(Op::Touch);
        shop.flush().await;
        shop.catch_up().await;
        world.clock.advance(MINUTE);
    }
    shop.me(&access).await.assert_ok("7 by jwt", "another login");
}

fn change(path: &str, cookie: &str) -> Call {
    Call::post(path).cookie(cookie).same_origin()
}

/// A user who is signed in and has a cart of apples, in this node's cache.
async fn with_apples(shop: &Shop) -> String {
    let cookie = shop.sign_in(7).await;
    change("/cart?goods=apples", &cookie).send(&shop.app).await.assert_ok("filled", "apples");
    shop.me_by_cookie(&cookie).await.assert_ok("7 by session", "cached");
    cookie
}

async fn cart(shop: &Shop, cookie: &str) -> String {
    Call::get("/cart").cookie(cookie).send(&shop.app).await.body
}

/// Whether the id is accepted. If it is refused, every node refuses it for as long as the login could last.
async fn lives_for_good(world: &World, shop: &Shop, cookie: &str) -> bool {
    shop.catch_up().await;
    let lives = shop.me_by_cookie(cookie).await.status == StatusCode::OK;
    let other = self::shop(world).await;
    for _ in 0..9 {
        world.clock.advance(9 * MINUTE);
        for shop in [shop, &other] {
            shop.catch_up().await;
            let answer = shop.me_by_cookie(cookie).await;
            assert_eq!(answer.status == StatusCode::OK, lives, "{answer:?}");
            shop.flush().await;
        }
    }
    lives
}

const STEPS: [Op; 3] = [Op::Session, Op::SaveSession, Op::RenameSession];

async fn a_change_of_the_id_that_fails_restores_no_ended_id(world: World) {
    for path in ["/new-id", "/new-id-with-data"] {
        for (op, nth) in STEPS.into_iter().flat_map(|op| [(op, 0), (op, 1)]) {
            for fault in [Fault::Before, Fault::After] {
                let shop = shop(&world).await;
                let old = with_apples(&shop).await;
                shop.store.skip(op, nth);
                shop.store.next(op, fault.clone());
                let answer = change(path, &old).send(&shop.app).await;
                let what = format!("{path} {op:?} {nth} {fault:?}: {answer:?}");
                match answer.status {
                    StatusCode::OK => {
                        let new = answer.cookie();
                        assert!(!lives_for_good(&world, &shop, &old).await, "{what}");
                        shop.me_by_cookie(&new).await;
                    }
                    _ => {
                        assert_eq!(answer.set_cookies(), [""; 0], "{what}");
                        let is_renamed = op == Op::RenameSession && matches!(fault, Fault::After);
                        let lives = lives_for_good(&world, &shop, &old).await;
                        assert!(!(lives && is_renamed), "{what}");
                    }
                }
            }
        }
    }
}

async fn a_change_of_the_id_that_is_dropped_restores_no_ended_id(world: World) {
    for (op, nth) in STEPS.into_iter().flat_map(|op| [(op, 0), (op, 1)]) {
        for stop in [Fault::StopBefore as fn(Gate) -> Fault, Fault::StopAfter] {
            let shop = shop(&world).await;
            let old = with_apples(&shop).await;
            let gate = Gate::closed();
            shop.store.skip(op, nth);
            shop.store.next(op, stop(gate.clone()));
            let request = tokio::spawn(change("/new-id", &old).send(&shop.app));
            let reached = tokio::time::timeout(5 * SECOND, gate.reached());
            let gone = async {
                while !request.is_finished() {
                    tokio::time::sleep(MILLISECOND).await;
                }
            };
            tokio::select! {
                _ = reached => {}
                () = gone => {}
            }
            request.abort();
            gate.open();
            // Once begun, it runs to its end.
            let is_renamed = shop.store.calls(Op::RenameSession) > 0;
            within("the end of the old id", async {
                while is_renamed && shop.me_by_cookie(&old).await.status == StatusCode::OK {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            let lives = lives_for_good(&world, &shop, &old).await;
            assert_eq!(lives, !is_renamed, "{op:?} {nth}");
        }
    }
}

/// As a whole, or not at all.
async fn a_new_id_that_fails_loses_no_data(world: World) {
    for (op, nth) in STEPS.into_iter().flat_map(|op| [(op, 0), (op, 1)]) {
        let shop = shop(&world).await;
        let old = with_apples(&shop).await;
        shop.store.skip(op, nth);
        shop.store.next(op, Fault::Before);
        let answer = change("/new-id", &old).send(&shop.app).await;
        let cookie = match answer.status {
            StatusCode::OK => answer.cookie(),
            _ => old,
        };
        if shop.me_by_cookie(&cookie).await.status == StatusCode::OK {
            assert_eq!(cart(&shop, &cookie).await, "apples", "{op:?} {nth}");
        }
    }
}

#[track_caller]
fn assert_only_refused(events: &Recorder, reason: RefusalReason) {
    let events = events.take();
    let is_like = |event: &AuditEvent| *event == AuditEvent::Refused { reason };
    assert!(!events.is_empty() && events.iter().all(is_like), "{events:?}");
}

/// Two versions of one application: the names of one are no numbers to the other.
async fn stored_claims_of_another_type_are_refused_and_nothing_ends(world: World) {
    let (shop, node) = (shop(&world).await, world.node().await);
    let (cookie, tokens) = (node.sign_in("anna", "").await, node.login(anna()).await);
    shop.events.clear();
    for _ in 0..3 {
        shop.me_by_cookie(&cookie).await.assert_is(&problem::invalid_cookie(), "another type");
        assert_only_refused(&shop.events, RefusalReason::StoredClaims);
        let logout = change("/auth/logout", &cookie).send(&shop.app).await;
        logout.assert_is(&problem::invalid_cookie(), "another type");
        assert_only_refused(&shop.events, RefusalReason::StoredClaims);
        assert_refused(&shop.refresh(&refresh_of(&tokens)).await);
        let events = shop.events.take();
        assert!(events.contains(&AuditEvent::Refused { reason: RefusalReason::StoredClaims }), "{events:?}");
        assert!(
            !events
                .iter()
                .any(|event| matches!(event, AuditEvent::LoginEnded { .. } | AuditEvent::LoginsEnded { .. })),
            "{events:?}"
        );
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        node.refresh(&refresh_of(&tokens)).await.unwrap();
        world.clock.advance(SECOND);
    }
    assert_eq!([Op::End, Op::EndAll].map(|op| shop.store.calls(op)), [0, 0]);
    assert_eq!(node.logins_of("anna").await.len(), 2);
}

async fn stored_claims_of_another_type_are_loaded_anew_where_they_can_be(world: World) {
    let shop = shop(&world).await;
    let cookie = shop.sign_in(7).await;
    let (_, refresh) = shop.tokens(7).await;
    let source = Directory::default();
    let seven = auth_tests::User { name: "7".to_owned(), ..anna() };
    source.put(seven);
    let node = world.node_with_source(&source).await;
    node.get_by_cookie("/me", &cookie).await.assert_text("7, by session");
    let tokens = node.refresh(&refresh).await.unwrap();
    node.get("/me", tokens.access_token()).await.assert_text("7, by jwt");
    let none =
        |event: &AuditEvent| matches!(event, AuditEvent::Refused { .. } | AuditEvent::LoginEnded { .. });
    assert_eq!(node.events.count(none), 0);
}
