//! A node that has not heard of the store for too long asks it, and answers 503 when it cannot.

use auth_core::audit::AuditEvent;
use auth_tests::shop::{assert_try_again, key_id, login_of, refresh_of};
use auth_tests::{
    Fault, FaultyStore, Gate, MILLISECOND, MINUTE, NOW, Node, Op, SECOND, STALENESS, World, anna, in_time,
    subject, token_id_of,
};
use http::{Method, StatusCode};

/// A node where logins end, and one that hears of it by polling only.
async fn two_nodes(world: &World) -> (Node, Node) {
    let (here, there) = (world.node().await, world.node().await);
    there.store.drop_wake_ups();
    (here, there)
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_brings_the_news_at_once() {
    let world = World::memory();
    let (here, there) = (world.node().await, world.node().await);
    let tokens = here.login(anna()).await;
    there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    here.end(&refresh_of(&tokens)).await;
    here.get("/me", tokens.access_token()).await.assert_invalid_token();
    tokio::time::sleep(50 * MILLISECOND).await;
    there.get("/me", tokens.access_token()).await.assert_invalid_token();
}

#[tokio::test(start_paused = true)]
async fn a_lost_wake_up_is_made_good_by_the_poll() {
    let world = World::memory();
    let (here, there) = two_nodes(&world).await;
    let (tokens, session) = (here.login(anna()).await, here.sign_in("anna", "").await);
    there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    assert_eq!(in_time(here.auth.end_all_logins(&subject("anna"))).await.unwrap(), 2);
    tokio::time::sleep(SECOND + 100 * MILLISECOND).await;
    there.get("/me", tokens.access_token()).await.assert_invalid_token();
    there.get_by_cookie("/me", &session).await.assert_invalid_session();
    assert_eq!(there.store.calls(Op::Standing), 0);
}

#[tokio::test(start_paused = true)]
async fn a_list_older_than_the_bound_is_not_used() {
    let world = World::memory();
    let (here, there) = two_nodes(&world).await;
    let (ended, other) = (here.login(anna()).await, here.login(anna()).await);
    there.store.always(Op::Page, Fault::Before);
    here.end(&refresh_of(&ended)).await;

    world.clock.advance(STALENESS);
    there.get("/me", ended.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(there.store.calls(Op::Standing), 0);
    world.clock.advance(MILLISECOND);
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    assert!(there.store.calls(Op::Standing) > 0);
    there.get("/me", other.access_token()).await.assert_text("anna, by jwt");

    there.store.heal(Op::Page);
    there.catch_up().await;
    let calls = there.store.calls(Op::Standing);
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    there.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(there.store.calls(Op::Standing), calls);
}

#[tokio::test(start_paused = true)]
async fn everything_that_can_be_revoked_is_asked_for() {
    let world = World::memory();
    let (here, there) = two_nodes(&world).await;
    there.store.always(Op::Page, Fault::Before);
    world.clock.advance(MINUTE);
    let (one, two) = (here.login(anna()).await, here.login(anna()).await);
    let session = here.sign_in("anna", "").await;
    for tokens in [&one, &two] {
        there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");

    in_time(here.auth.revoke_token(&subject("anna"), token_id_of(one.access_token()))).await.unwrap();
    there.get("/me", one.access_token()).await.assert_invalid_token();
    there.get("/me", two.access_token()).await.assert_text("anna, by jwt");
    in_time(here.auth.revoke_key(&key_id(0))).await.unwrap();
    there.get("/me", two.access_token()).await.assert_invalid_token();
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    in_time(here.auth.end_all_logins(&subject("anna"))).await.unwrap();
    there.get_by_cookie("/me", &session).await.assert_invalid_session();
}

#[tokio::test(start_paused = true)]
async fn each_question_that_is_not_answered_makes_the_request_unavailable() {
    let world = World::memory();
    let node = world.node().await;
    let (tokens, session) = (node.login(anna()).await, node.sign_in("anna", "").await);
    node.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    node.store.always(Op::Page, Fault::Before);
    world.clock.advance(MINUTE);
    let before = node.store.calls(Op::Standing);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    let questions = node.store.calls(Op::Standing) - before;
    assert!(questions > 0);
    for nth in 0..questions {
        for fault in [Fault::Before, Fault::After] {
            node.store.skip(Op::Standing, nth);
            node.store.next(Op::Standing, fault.clone());
            node.get("/me", tokens.access_token()).await.assert_unavailable();
            node.store.skip(Op::Standing, nth);
            node.store.next(Op::Standing, fault);
            node.get_by_cookie("/me", &session).await.assert_unavailable();
        }
    }
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
}

#[tokio::test(start_paused = true)]
async fn a_node_offline_for_ten_minutes_refuses_to_guess() {
    let world = World::memory();
    let (here, there) = two_nodes(&world).await;
    let (ended, other) = (here.login(anna()).await, here.login(anna()).await);
    let session = here.sign_in("anna", "").await;
    for tokens in [&ended, &other] {
        there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    there.store.set_down(true);
    here.end(&refresh_of(&ended)).await;

    world.clock.advance(STALENESS);
    there.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    for _ in 0..10 {
        world.clock.advance(MINUTE);
        for tokens in [&ended, &other] {
            there.get("/me", tokens.access_token()).await.assert_unavailable();
        }
        there.get_by_cookie("/me", &session).await.assert_unavailable();
        // What is no credential at all needs no store to be refused.
        there.get("/me", "a.b.c").await.assert_invalid_token();
    }
    there.store.set_down(false);
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    there.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    tokio::time::sleep(3 * SECOND).await;
    let calls = there.store.calls(Op::Standing);
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    assert_eq!(there.store.calls(Op::Standing), calls);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_to_have_ended_is_refused_while_the_store_is_down() {
    let world = World::memory();
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.end(&refresh_of(&tokens)).await;
    node.store.set_down(true);
    world.clock.advance(10 * MINUTE);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
}

#[tokio::test(start_paused = true)]
async fn requests_do_not_wait_for_a_log_that_does_not_answer() {
    let world = World::memory();
    let (here, there) = two_nodes(&world).await;
    let (ended, other) = (here.login(anna()).await, here.login(anna()).await);
    let gate = Gate::closed();
    there.store.always(Op::Page, Fault::StopBefore(gate.clone()));
    gate.reached().await;
    here.end(&refresh_of(&ended)).await;
    world.clock.advance(10 * MINUTE);
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    there.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    there.store.heal(Op::Page);
    gate.open();
    tokio::time::sleep(2 * SECOND).await;
    let calls = there.store.calls(Op::Standing);
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    assert_eq!(there.store.calls(Op::Standing), calls);
}

#[tokio::test(start_paused = true)]
async fn a_route_names_its_own_bound() {
    let world = World::memory();
    let (here, there) = two_nodes(&world).await;
    let ended = here.login(anna()).await;
    there.store.always(Op::Page, Fault::Before);
    here.end(&refresh_of(&ended)).await;
    let read = async |path: &str| there.get(path, ended.access_token()).await.status;
    let (good, refused) = (StatusCode::OK, StatusCode::UNAUTHORIZED);
    world.clock.advance(SECOND);
    assert_eq!([read("/lax").await, read("/me").await, read("/strict").await], [good, good, good]);
    world.clock.advance(MILLISECOND);
    assert_eq!([read("/lax").await, read("/me").await, read("/strict").await], [good, good, refused]);
    world.clock.advance(STALENESS);
    assert_eq!([read("/lax").await, read("/me").await, read("/strict").await], [good, refused, refused]);
    // The bound of a route is about the list; an expired token is refused nevertheless.
    world.clock.advance(20 * MINUTE);
    there.get("/lax", ended.access_token()).await.assert_invalid_token();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_a_strict_route_found_to_have_ended_is_refused_on_all_routes() {
    let world = World::memory();
    let (here, there) = two_nodes(&world).await;
    let session = here.sign_in("anna", "").await;
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    there.store.always(Op::Page, Fault::Before);
    in_time(here.auth.end_all_logins(&subject("anna"))).await.unwrap();
    world.clock.advance(2 * SECOND);
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    there.get_by_cookie("/lax", &session).await.assert_text("anna, by session");
    for path in ["/strict", "/me", "/lax"] {
        there.get_by_cookie(path, &session).await.assert_invalid_session();
    }
}

#[tokio::test(start_paused = true)]
async fn a_strict_route_is_unavailable_where_others_still_answer() {
    let world = World::memory();
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.store.set_down(true);
    world.clock.advance(2 * SECOND);
    node.get("/strict", tokens.access_token()).await.assert_unavailable();
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    world.clock.advance(STALENESS);
    node.get("/me", tokens.access_token()).await.assert_unavailable();
    node.get("/lax", tokens.access_token()).await.assert_text("anna, by jwt");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_goes_back_makes_the_list_doubtful() {
    let world = World::memory();
    let (here, there) = two_nodes(&world).await;
    let (ended, other) = (here.login(anna()).await, here.login(anna()).await);
    there.store.always(Op::Page, Fault::Before);
    here.end(&refresh_of(&ended)).await;
    world.clock.set(NOW.before(SECOND));
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    there.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    there.store.always(Op::Standing, Fault::Before);
    there.get("/me", other.access_token()).await.assert_unavailable();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_starts_while_the_store_is_down_answers_503_and_recovers() {
    let world = World::memory();
    let here = world.node().await;
    let (ended, other) = (here.login(anna()).await, here.login(anna()).await);
    let session = here.sign_in("anna", "").await;
    here.end(&refresh_of(&ended)).await;

    let store = FaultyStore::over(world.store.clone());
    store.set_down(true);
    let there = world.node_over(store, |builder| builder).await;
    for tokens in [&ended, &other] {
        there.get("/me", tokens.access_token()).await.assert_unavailable();
        there.get("/lax", tokens.access_token()).await.assert_unavailable();
        assert_try_again(&there.refresh(&refresh_of(tokens)).await);
    }
    there.get_by_cookie("/me", &session).await.assert_unavailable();
    there.browser(Method::POST, "/login/anna", "").await.assert_unavailable();
    there.bearer(Method::GET, "/auth/logins", other.access_token()).await.assert_unavailable();
    there.bearer(Method::POST, "/auth/logout", other.access_token()).await.assert_unavailable();
    assert_eq!(there.events.count(|event| matches!(event, AuditEvent::Refused { .. })), 0);

    there.store.set_down(false);
    tokio::time::sleep(3 * SECOND).await;
    let calls = there.store.calls(Op::Standing);
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    there.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    assert_eq!(there.store.calls(Op::Standing), calls);
    assert!(there.refresh(&refresh_of(&other)).await.is_ok());
    there.browser(Method::POST, "/login/anna", "").await.cookie();
}

#[tokio::test(start_paused = true)]
async fn trouble_with_the_store_is_never_401() {
    let world = World::memory();
    let node = world.node().await;
    let (tokens, session) = (node.login(anna()).await, node.sign_in("anna", "").await);
    node.store.set_down(true);
    // A session that is not in the cache, and everything that writes.
    node.get_by_cookie("/me", &session).await.assert_unavailable();
    node.bearer(Method::GET, "/auth/logins", tokens.access_token()).await.assert_unavailable();
    node.bearer(Method::DELETE, "/auth/logins", tokens.access_token()).await.assert_unavailable();
    let path = format!("/auth/logins/{}", login_of(&refresh_of(&tokens)));
    node.bearer(Method::DELETE, &path, tokens.access_token()).await.assert_unavailable();
    node.bearer(Method::POST, "/auth/logout", tokens.access_token()).await.assert_unavailable();
    node.post_refresh(&refresh_of(&tokens)).await.assert_unavailable();
    // Nothing of it happened.
    node.store.set_down(false);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    node.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    assert_eq!(node.logins_of("anna").await.len(), 2);
    assert_eq!(node.events.count(|event| matches!(event, AuditEvent::Refused { .. })), 0);
}
