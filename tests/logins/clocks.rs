//! The store's clock decides. What a node's time of day says, and what becomes of it, changes nothing.

use std::sync::Arc;
use std::time::Duration;

use auth_core::audit::AuditEvent;
use auth_core::clock::Timestamp;
use auth_core::store::Store;
use auth_core::store::memory::MemoryStore;
use auth_core::testing::ManualClock;
use auth_core::web::LoginAttempt;
use auth_tests::shop::{assert_refused, open, refresh_of};
use auth_tests::{
    DAY, Fault, GRACE, Gate, HOUR, LEEWAY, MILLISECOND, MINUTE, NOW, Node, Op, SECOND, STALENESS, TTL, World,
    anna, claims_of, in_time, joined, on_both_stores, subject,
};
use http::Method;

/// The longest life of an access token that the claims type allows.
const MAX_TTL: Duration = Duration::from_secs(4 * 60 * 60);

on_both_stores!(
    tokens_have_the_time_of_the_store_whatever_the_system_time_is,
    a_system_time_that_steps_is_not_taken_for_theft,
    a_login_ends_when_the_store_says_so,
    what_was_ended_is_refused_on_a_node_whose_system_time_was_ahead,
    a_list_grows_old_though_the_time_of_day_stands_still,
    a_list_is_not_used_after_the_system_time_jumped_ahead,
    a_time_of_day_that_goes_back_makes_a_list_no_younger,
    a_store_whose_clock_steps_back_lets_everybody_go_on,
    a_store_whose_clock_steps_back_forgets_no_end,
    a_store_whose_clock_steps_ahead_and_back_forgets_no_end,
    a_sign_in_under_way_while_the_store_steps_back_is_still_overtaken,
    a_reply_that_was_long_under_way_sets_no_clock_back,
    a_reply_from_before_a_step_that_arrives_after_it_sets_no_clock,
    the_reply_to_a_refresh_sets_the_clock_though_uses_were_written_first,
    a_large_step_of_the_stores_clock_is_an_event,
    a_token_that_expired_while_the_node_was_suspended_is_refused,
);

/// Times of day that a node may take for right.
fn wrong_times() -> [Timestamp; 5] {
    let years = 365 * DAY;
    [
        NOW.after(2 * HOUR),
        NOW.before(2 * HOUR),
        NOW.after(100 * years),
        NOW.before(20 * years),
        Timestamp::UNIX_EPOCH,
    ]
}

/// The same store, keys and peppers, for nodes with a clock of their own, which shows that time of day from the start.
fn elsewhere(world: &World, wall: Timestamp) -> World {
    let elsewhere = World::memory().with_store(world.store.clone());
    elsewhere.clock.set_wall(wall);
    elsewhere
}

/// Time passes everywhere.
fn pass(worlds: &[&World], duration: Duration) {
    worlds.iter().for_each(|world| world.clock.advance(duration));
}

/// A store with a clock of its own, which can step while those of the nodes go on.
async fn apart(world: World) -> (World, ManualClock) {
    let clock = ManualClock::new(NOW);
    let store: Arc<dyn Store> = match world.store.is_durable() {
        true => Arc::new(open(world.path(), &clock).await),
        false => Arc::new(MemoryStore::with_clock(clock.clone())),
    };
    (world.with_store(store), clock)
}

fn dates(access_token: &str) -> (i64, i64, i64) {
    let claims = claims_of(access_token);
    let [iat, exp, auth_time] = ["iat", "exp", "auth_time"].map(|name| claims[name].as_i64().unwrap());
    (iat, exp, auth_time)
}

fn dated(at: Timestamp, authenticated_at: Timestamp) -> (i64, i64, i64) {
    (at.seconds(), at.after(TTL).seconds(), authenticated_at.seconds())
}

#[track_caller]
fn assert_no_theft(node: &Node) {
    let is_theft = |event: &AuditEvent| {
        matches!(
            event,
            AuditEvent::Theft { .. } | AuditEvent::LoginEnded { .. } | AuditEvent::StoreBehind { .. }
        )
    };
    assert_eq!(node.events.count(is_theft), 0, "{:?}", node.events.take());
}

async fn tokens_have_the_time_of_the_store_whatever_the_system_time_is(world: World) {
    let right = world.node().await;
    let mut start = NOW;
    for wall in wrong_times() {
        let wrong_world = elsewhere(&world, wall);
        let wrong = wrong_world.node().await;
        let tokens = wrong.login(anna()).await;
        assert_eq!(dates(tokens.access_token()), dated(start, start), "{wall}");
        let cookie = wrong.sign_in("anna", "").await;
        for node in [&wrong, &right] {
            node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
            node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        }
        // It says something else again.
        wrong_world.clock.set_wall(wall.after(DAY));
        pass(&[&world, &wrong_world], 10 * MINUTE);
        let next = wrong.refresh(&refresh_of(&tokens)).await.unwrap();
        assert_eq!(dates(next.access_token()), dated(start.after(10 * MINUTE), start), "{wall}");
        let theirs = right.login(anna()).await;
        for node in [&wrong, &right] {
            for tokens in [&tokens, &next, &theirs] {
                node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
            }
        }
        // Both refuse it at the same moment.
        pass(&[&world, &wrong_world], TTL - 10 * MINUTE + LEEWAY - MILLISECOND);
        for node in [&wrong, &right] {
            node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        }
        pass(&[&world, &wrong_world], MILLISECOND);
        for node in [&wrong, &right] {
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
            node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        }
        start = start.after(TTL + LEEWAY);
    }
}

async fn a_system_time_that_steps_is_not_taken_for_theft(world: World) {
    let right = world.node().await;
    for wall in wrong_times() {
        let wrong_world = elsewhere(&world, wall);
        let wrong = wrong_world.node().await;
        let first = refresh_of(&right.login(anna()).await);
        pass(&[&world, &wrong_world], MINUTE);
        let second = refresh_of(&wrong.refresh(&first).await.unwrap());
        pass(&[&world, &wrong_world], GRACE - MILLISECOND);
        wrong_world.clock.set_wall(wall.after(3 * HOUR));
        // The predecessor within the grace, on both.
        for node in [&right, &wrong] {
            assert_eq!(refresh_of(&node.refresh(&first).await.unwrap()), second);
        }
        // The grace began anew with this answer, because its token was not used.
        pass(&[&world, &wrong_world], GRACE);
        wrong_world.clock.set_wall(wall.before(3 * HOUR));
        // Out of the grace the response was lost, on whichever node.
        let third = refresh_of(&wrong.refresh(&first).await.unwrap());
        assert_ne!(third, second);
        let fourth = refresh_of(&right.refresh(&third).await.unwrap());
        assert_eq!(fourth, third);
        pass(&[&world, &wrong_world], GRACE);
        wrong.refresh(&third).await.unwrap();
        for node in [&right, &wrong] {
            assert_no_theft(node);
        }
    }
}

async fn a_login_ends_when_the_store_says_so(world: World) {
    let wall = NOW.before(2 * HOUR);
    let wrong_world = elsewhere(&world, wall);
    let short = |builder: auth_core::login::Builder<auth_tests::User>| {
        builder.session_idle(10 * MINUTE).session_lifetime(30 * MINUTE)
    };
    let [right, wrong] = [world.node_with(short).await, wrong_world.node_with(short).await];
    let cookie = wrong.sign_in("anna", "").await;
    for _ in 0..3 {
        pass(&[&world, &wrong_world], 9 * MINUTE);
        wrong.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        wrong.flush().await;
    }
    pass(&[&world, &wrong_world], 3 * MINUTE - MILLISECOND);
    for node in [&right, &wrong] {
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    pass(&[&world, &wrong_world], MILLISECOND);
    for node in [&wrong, &right] {
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    }
}

/// A node must not skip entries that look expired to it, nor drop them.
async fn what_was_ended_is_refused_on_a_node_whose_system_time_was_ahead(world: World) {
    let wrong_world = elsewhere(&world, NOW.after(MAX_TTL + DAY));
    let long = |builder: auth_core::login::Builder<auth_tests::User>| builder.access_ttl(MAX_TTL);
    let [right, wrong] = [world.node_with(long).await, wrong_world.node_with(long).await];
    let [ended, all, late] =
        [right.login(anna()).await, right.login(auth_tests::bert()).await, wrong.login(anna()).await];
    right.end(&refresh_of(&ended)).await;
    in_time(right.auth.end_all_logins(&subject("bert"))).await.unwrap();
    wrong.catch_up().await;
    // Longer than it takes a node to delete what has expired; by the clock of the test in memory, where it stands.
    if !world.store.is_durable() {
        tokio::time::sleep(3 * MINUTE).await;
    }
    wrong_world.clock.set_wall(NOW);
    wrong.end(&refresh_of(&late)).await;
    right.catch_up().await;
    for passed in [Duration::ZERO, 2 * HOUR, 2 * HOUR + LEEWAY - MILLISECOND] {
        pass(&[&world, &wrong_world], passed);
        for node in [&wrong, &right] {
            node.catch_up().await;
            for tokens in [&ended, &all, &late] {
                node.get("/me", tokens.access_token()).await.assert_invalid_token();
            }
        }
    }
    let revoked = |event: &AuditEvent| {
        let reason = auth_core::audit::RefusalReason::Revoked;
        *event == AuditEvent::Refused { reason }
    };
    assert_eq!(wrong.events.count(revoked), 9, "refused because they were ended, not for their age");
}

async fn a_list_grows_old_though_the_time_of_day_stands_still(world: World) {
    let node_world = elsewhere(&world, NOW);
    let node = node_world.node().await;
    let other = world.node().await;
    let tokens = other.login(anna()).await;
    node.catch_up().await;
    node.store.always(Op::Page, Fault::Before);
    other.end(&refresh_of(&tokens)).await;
    pass(&[&world, &node_world], STALENESS);
    node_world.clock.set_wall(NOW);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(node.store.calls(Op::Standing), 0);
    pass(&[&world, &node_world], MILLISECOND);
    node_world.clock.set_wall(NOW);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    assert_eq!(node.store.calls(Op::Standing), 1);
}

/// As after a machine was suspended: the monotonic clock stood still.
async fn a_list_is_not_used_after_the_system_time_jumped_ahead(world: World) {
    let node_world = elsewhere(&world, NOW);
    let node = node_world.node().await;
    let other = world.node().await;
    let [ended, tokens] = [other.login(anna()).await, other.login(anna()).await];
    let cookie = other.sign_in("anna", "").await;
    node.catch_up().await;
    node.store.always(Op::Page, Fault::Before);
    other.end(&refresh_of(&ended)).await;
    node_world.clock.set_wall(NOW.after(STALENESS));
    node.get("/me", ended.access_token()).await.assert_text("anna, by jwt");
    node_world.clock.set_wall(NOW.after(STALENESS + MILLISECOND));
    node.get("/me", ended.access_token()).await.assert_invalid_token();
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    // A route with a larger bound uses it.
    let asked = node.store.calls(Op::Standing);
    assert_eq!(asked, 3);
    node.get("/lax", ended.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(node.store.calls(Op::Standing), asked);

    node.store.set_down(true);
    node.get("/me", tokens.access_token()).await.assert_unavailable();
    node.get_by_cookie("/me", &cookie).await.assert_unavailable();
    node.store.set_down(false);
    node.store.heal(Op::Page);
    node.catch_up().await;
    let asked = node.store.calls(Op::Standing);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    node.get("/lax", ended.access_token()).await.assert_invalid_token();
    assert_eq!(node.store.calls(Op::Standing), asked);
}

async fn a_time_of_day_that_goes_back_makes_a_list_no_younger(world: World) {
    let node_world = elsewhere(&world, NOW);
    let node = node_world.node().await;
    let other = world.node().await;
    let tokens = other.login(anna()).await;
    node.catch_up().await;
    node.store.always(Op::Page, Fault::Before);
    other.end(&refresh_of(&tokens)).await;
    node_world.clock.set_wall(NOW.before(2 * HOUR));
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    pass(&[&world, &node_world], STALENESS + MILLISECOND);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
}

async fn a_store_whose_clock_steps_back_lets_everybody_go_on(world: World) {
    let (world, clock) = apart(world).await;
    let node = world.node().await;
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    world.clock.advance(MINUTE);
    clock.advance(MINUTE);
    let second = refresh_of(&node.refresh(&refresh_of(&tokens)).await.unwrap());
    let back = NOW.before(2 * HOUR);
    clock.set(back);
    node.catch_up().await;

    // The rotation is in the future: its tokens are within the grace, and there is no theft.
    for token in [&refresh_of(&tokens), &second, &refresh_of(&tokens)] {
        let again = node.refresh(token).await.unwrap();
        assert_eq!(refresh_of(&again), second);
        assert_eq!(dates(again.access_token()), dated(back, NOW));
        node.get("/me", again.access_token()).await.assert_text("anna, by jwt");
    }
    // The first answer brought the grace back to the present.
    clock.advance(GRACE);
    world.clock.advance(GRACE);
    let third = node.refresh(&second).await.unwrap();
    assert_ne!(refresh_of(&third), second);
    node.get("/me", third.access_token()).await.assert_text("anna, by jwt");
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    node.browser(Method::POST, "/cart/apples", &cookie).await.assert_empty(204);
    // From the future: refused until it has come, or the client refreshes.
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    // Signing in anew, too.
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    assert_no_theft(&node);
}

async fn a_store_whose_clock_steps_back_forgets_no_end(world: World) {
    let (world, clock) = apart(world).await;
    let [here, there] = [world.node().await, world.node().await];
    let (before, cookie) = (here.login(anna()).await, here.sign_in("anna", "").await);
    in_time(here.auth.end_all_logins(&subject("anna"))).await.unwrap();
    clock.set(NOW.before(2 * HOUR));
    let (new, session) = (here.login(anna()).await, here.sign_in("anna", "").await);
    here.get("/me", new.access_token()).await.assert_text("anna, by jwt");
    // What ends now is not below what ended in the future.
    assert_eq!(in_time(here.auth.end_all_logins(&subject("anna"))).await.unwrap(), 2);
    let last = here.login(anna()).await;
    there.catch_up().await;
    let fresh = world.node().await;
    clock.set(NOW);
    for node in [&here, &there, &fresh] {
        node.catch_up().await;
        for tokens in [&before, &new] {
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
            assert_refused(&node.refresh(&refresh_of(tokens)).await);
        }
        for cookie in [&cookie, &session] {
            node.get_by_cookie("/me", cookie).await.assert_invalid_session();
        }
        node.refresh(&refresh_of(&last)).await.unwrap();
    }
}

/// By no more than the ten minutes that entries are kept beyond their expiry.
async fn a_store_whose_clock_steps_ahead_and_back_forgets_no_end(world: World) {
    let (world, clock) = apart(world).await;
    let long = |builder: auth_core::login::Builder<auth_tests::User>| builder.access_ttl(MAX_TTL);
    let [here, there] = [world.node_with(long).await, world.node_with(long).await];
    let [ended, all] = [here.login(anna()).await, here.login(auth_tests::bert()).await];
    here.end(&refresh_of(&ended)).await;
    in_time(here.auth.end_all_logins(&subject("bert"))).await.unwrap();
    // Something newer, so that none of the others is the newest entry, which is always kept.
    let newest = here.login(anna()).await;
    here.end(&refresh_of(&newest)).await;
    there.catch_up().await;

    clock.advance(MAX_TTL + 2 * LEEWAY + 10 * MINUTE - SECOND);
    for node in [&here, &there] {
        node.catch_up().await;
    }
    world.store.purge().await.unwrap();
    if !world.store.is_durable() {
        tokio::time::sleep(3 * MINUTE).await;
    }
    clock.set(NOW.after(SECOND));
    let fresh = world.node().await;
    for node in [&here, &there, &fresh] {
        node.catch_up().await;
        for tokens in [&ended, &all] {
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
        }
        let tokens = node.login(anna()).await;
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
}

async fn a_sign_in_under_way_while_the_store_steps_back_is_still_overtaken(world: World) {
    let (world, clock) = apart(world).await;
    let node = world.node().await;
    let ticket = in_time(node.auth.begin(&subject("anna"))).await.unwrap();
    clock.set(NOW.before(HOUR));
    in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap();
    let result = in_time(node.auth.login_tokens_with(&ticket, LoginAttempt::unknown(), anna())).await;
    assert!(matches!(result, Err(auth_core::login::LoginError::Changed)), "{result:?}");
    let ticket = in_time(node.auth.begin(&subject("anna"))).await.unwrap();
    clock.set(NOW.before(2 * HOUR));
    in_time(node.auth.login_tokens_with(&ticket, LoginAttempt::unknown(), anna())).await.unwrap();
}

/// Nothing that has ended by then becomes valid again.
async fn a_reply_that_was_long_under_way_sets_no_clock_back(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    let gate = Gate::closed();
    node.store.next(Op::Ticket, Fault::StopAfter(gate.clone()));
    let asking = {
        let node = node.clone();
        tokio::spawn(async move { node.auth.begin(&subject("anna")).await })
    };
    gate.reached().await;
    world.clock.advance(TTL + LEEWAY);
    node.catch_up().await;
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    gate.let_one_through();
    joined(asking).await.unwrap();
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    // Nor one that was asked before a longer wait, and answered after it, ahead.
    let tokens = node.login(anna()).await;
    node.store.next(Op::Ticket, Fault::StopBefore(gate.clone()));
    let asking = {
        let node = node.clone();
        tokio::spawn(async move { node.auth.begin(&subject("anna")).await })
    };
    gate.reached().await;
    world.clock.advance(TTL + LEEWAY - MILLISECOND);
    gate.let_one_through();
    joined(asking).await.unwrap();
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
}

/// In either direction. Both requests are sent in the same millisecond.
async fn a_reply_from_before_a_step_that_arrives_after_it_sets_no_clock(world: World) {
    let (world, clock) = apart(world).await;
    let node = world.node().await;
    for to in [NOW.after(9 * MINUTE), NOW.before(9 * MINUTE), NOW.before(2 * HOUR), NOW.after(HOUR)] {
        let gate = Gate::closed();
        node.store.next(Op::Ticket, Fault::StopAfter(gate.clone()));
        let asking = {
            let node = node.clone();
            tokio::spawn(async move { node.auth.begin(&subject("anna")).await })
        };
        gate.reached().await;
        clock.set(to);
        let tokens = node.login(anna()).await;
        assert_eq!(dates(tokens.access_token()), dated(to, to));
        gate.let_one_through();
        joined(asking).await.unwrap();
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
}

/// The reply to the write of the uses is from before the step, and the refresh was sent after it.
async fn the_reply_to_a_refresh_sets_the_clock_though_uses_were_written_first(world: World) {
    let (world, clock) = apart(world).await;
    let node = world.node().await;
    let first = node.login(anna()).await;
    world.clock.advance(GRACE);
    clock.advance(GRACE);
    let second = node.refresh(&refresh_of(&first)).await.unwrap();
    node.get("/me", second.access_token()).await.assert_text("anna, by jwt");
    world.clock.advance(GRACE);
    clock.advance(GRACE);
    let gate = Gate::closed();
    node.store.next(Op::Rotate, Fault::StopBefore(gate.clone()));
    let refreshing = {
        let (node, token) = (node.clone(), refresh_of(&second));
        tokio::spawn(async move { node.refresh(&token).await })
    };
    gate.reached().await;
    assert_eq!(node.store.calls(Op::Confirm), 1);
    clock.set(NOW.after(9 * MINUTE));
    gate.let_one_through();
    let third = joined(refreshing).await.unwrap();
    assert_eq!(dates(third.access_token()), dated(NOW.after(9 * MINUTE), NOW));
    node.get("/me", third.access_token()).await.assert_text("anna, by jwt");
}

/// The node's own clock stood still meanwhile: what time it is, it learns from the store, which it asks first.
async fn a_token_that_expired_while_the_node_was_suspended_is_refused(world: World) {
    let sleeper = elsewhere(&world, NOW);
    let node = sleeper.node().await;
    let (known, unknown) = (node.login(anna()).await, node.login(anna()).await);
    node.get("/me", known.access_token()).await.assert_text("anna, by jwt");
    // Nothing of this node runs: its monotonic clock does not count.
    world.clock.advance(TTL + MINUTE);
    sleeper.clock.set_wall(NOW.after(TTL + MINUTE));
    for tokens in [&known, &unknown] {
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
    }
}

/// Of more than ten minutes, within which nothing is forgotten, to either side; once.
async fn a_large_step_of_the_stores_clock_is_an_event(world: World) {
    let (world, clock) = apart(world).await;
    let node = world.node().await;
    let steps = async || {
        node.catch_up().await;
        let mut steps = node.events.take();
        steps.retain(|event| matches!(event, AuditEvent::ClockStepped { .. }));
        steps
    };
    assert_eq!(steps().await, []);
    for (by, is_large) in [(10 * MINUTE, false), (10 * MINUTE + SECOND, true), (9 * HOUR, true)] {
        let seconds = i64::try_from(by.as_secs()).unwrap();
        for seconds in [seconds, -seconds] {
            let now = auth_core::clock::Clock::now(&clock);
            clock.set(if seconds > 0 { now.after(by) } else { now.before(by) });
            let expected = is_large.then_some(AuditEvent::ClockStepped { seconds });
            assert_eq!(steps().await, Vec::from_iter(expected));
            assert_eq!(steps().await, []);
        }
    }
    // Time that passes is no step, however long the store was not heard of.
    node.store.set_down(true);
    pass(&[&world], DAY);
    clock.advance(DAY);
    assert!(in_time(node.auth.catch_up()).await.is_err());
    node.store.set_down(false);
    assert_eq!(steps().await, []);
}
