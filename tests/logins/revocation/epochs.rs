//! Claims that change: a number tells what is older, because a second is too long.

use auth_core::audit::{AuditEvent, RefusalReason};
use auth_core::login::LoginError;
use auth_core::store::EndReason;
use auth_core::web::LoginAttempt;
use auth_tests::shop::{assert_refused, refresh_of};
use auth_tests::{
    DAY, Directory, Gate, HOUR, LEEWAY, MINUTE, SECOND, World, admin, anna, bert, claims_of, in_time, joined,
    on_both_stores, subject,
};
use http::Method;
use serde_json::json;
use std::time::Duration;

on_both_stores!(
    a_role_change_a_refresh_and_a_request_within_one_second_come_out_right,
    a_role_that_was_taken_away_is_gone_within_the_same_second,
    two_changes_within_one_second_count_as_two,
    a_change_is_heard_of_by_the_other_node,
    a_change_between_loading_and_issuing_is_not_lost,
    a_change_during_a_sign_in_is_not_lost,
    a_disabled_user_loses_the_session_at_the_next_request,
    a_session_loads_its_claims_once_after_a_change,
    other_subjects_are_not_concerned,
    an_access_token_from_before_the_change_is_refused_to_its_last_moment,
    without_a_source_a_change_ends_the_logins,
    without_a_source_a_change_ends_even_what_was_not_used_for_days,
);

/// The epoch under which the claims of a token were loaded.
fn epoch_of(access_token: &str) -> u64 {
    claims_of(access_token)["epoch"].as_u64().unwrap()
}

async fn a_role_change_a_refresh_and_a_request_within_one_second_come_out_right(world: World) {
    let directory = Directory::of([anna()]);
    let node = world.node_with_source(&directory).await;
    let (first, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    node.get("/admin", first.access_token()).await.assert_insufficient();
    node.get("/me", first.access_token()).await.assert_text("anna, by jwt");
    node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    node.events.clear();

    directory.put(admin());
    node.claims_changed("anna").await;
    let epoch = epoch_of(first.access_token()) + 1;
    assert_eq!(node.events.take(), [AuditEvent::ClaimsChanged { subject: subject("anna"), epoch }]);
    node.get("/me", first.access_token()).await.assert_invalid_token();
    assert_eq!(node.events.take(), [AuditEvent::Refused { reason: RefusalReason::Outdated }]);

    let next = node.refresh(&refresh_of(&first)).await.unwrap();
    assert_eq!(claims_of(next.access_token())["iat"], claims_of(first.access_token())["iat"]);
    assert_eq!(epoch_of(next.access_token()), epoch);
    node.get("/admin", next.access_token()).await.assert_text("anna, by jwt");
    node.get_by_cookie("/admin", &cookie).await.assert_text("anna, by session");
    node.get("/me", first.access_token()).await.assert_invalid_token();
}

async fn a_role_that_was_taken_away_is_gone_within_the_same_second(world: World) {
    let directory = Directory::of([admin()]);
    let node = world.node_with_source(&directory).await;
    let (first, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    node.get("/admin", first.access_token()).await.assert_text("anna, by jwt");
    node.get_by_cookie("/admin", &cookie).await.assert_text("anna, by session");
    directory.put(anna());
    node.claims_changed("anna").await;
    node.get("/admin", first.access_token()).await.assert_invalid_token();
    node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    let next = node.refresh(&refresh_of(&first)).await.unwrap();
    node.get("/admin", next.access_token()).await.assert_insufficient();
    node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
}

async fn two_changes_within_one_second_count_as_two(world: World) {
    let directory = Directory::of([anna()]);
    let node = world.node_with_source(&directory).await;
    let mut tokens = node.login(anna()).await;
    let begun_under = epoch_of(tokens.access_token());
    for nth in 1..4 {
        node.claims_changed("anna").await;
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
        tokens = node.refresh(&refresh_of(&tokens)).await.unwrap();
        assert_eq!(epoch_of(tokens.access_token()), begun_under + nth);
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
}

async fn a_change_is_heard_of_by_the_other_node(world: World) {
    let directory = Directory::of([anna()]);
    let (here, there) = (world.node_with_source(&directory).await, world.node_with_source(&directory).await);
    let (first, cookie) = (here.login(anna()).await, here.sign_in("anna", "").await);
    there.get("/me", first.access_token()).await.assert_text("anna, by jwt");
    there.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    directory.put(admin());
    here.claims_changed("anna").await;
    there.catch_up().await;
    there.get("/me", first.access_token()).await.assert_invalid_token();
    there.get_by_cookie("/admin", &cookie).await.assert_text("anna, by session");
    here.get_by_cookie("/admin", &cookie).await.assert_text("anna, by session");
    let next = there.refresh(&refresh_of(&first)).await.unwrap();
    here.get("/admin", next.access_token()).await.assert_text("anna, by jwt");
}

/// A refresh has read the old claims when they change. Its token is made under the old epoch, and refused.
async fn a_change_between_loading_and_issuing_is_not_lost(world: World) {
    let directory = Directory::of([admin()]);
    let node = world.node_with_source(&directory).await;
    let (first, cookie) = (refresh_of(&node.login(anna()).await), node.sign_in("anna", "").await);
    let gate = Gate::closed();
    directory.stop_next_at(&gate);
    let refreshing = node.refreshing(&first);
    gate.reached().await;
    directory.put(anna());
    node.claims_changed("anna").await;
    gate.open();
    let outdated = joined(refreshing).await.unwrap();
    assert_eq!(claims_of(outdated.access_token())["roles"], json!(["admin"]));
    node.get("/me", outdated.access_token()).await.assert_invalid_token();
    let next = node.refresh(&refresh_of(&outdated)).await.unwrap();
    node.get("/admin", next.access_token()).await.assert_insufficient();

    // The same for a session.
    directory.put(admin());
    node.claims_changed("anna").await;
    let gate = Gate::closed();
    directory.stop_next_at(&gate);
    let asking = {
        let (node, cookie) = (node.clone(), cookie.clone());
        tokio::spawn(async move { node.get_by_cookie("/admin", &cookie).await })
    };
    gate.reached().await;
    directory.put(anna());
    node.claims_changed("anna").await;
    gate.open();
    joined(asking).await.assert_insufficient();
    node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
}

async fn a_change_during_a_sign_in_is_not_lost(world: World) {
    let directory = Directory::of([admin()]);
    let node = world.node_with_source(&directory).await;
    for ends_all in [false, true] {
        let gate = Gate::closed();
        directory.stop_next_at(&gate);
        let login = {
            let node = node.clone();
            tokio::spawn(
                async move { in_time(node.auth.login_tokens(LoginAttempt::unknown(), anna())).await },
            )
        };
        gate.reached().await;
        directory.put(anna());
        if ends_all {
            assert_eq!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap(), 0);
        } else {
            node.claims_changed("anna").await;
        }
        gate.open();
        let answer = joined(login).await;
        assert!(matches!(answer, Err(LoginError::Changed)), "{answer:?}");
        assert!(node.logins_of("anna").await.is_empty());
        let started = |event: &AuditEvent| matches!(event, AuditEvent::LoginStarted { .. });
        assert_eq!(node.events.count(started), 0);
    }
    let again = node.login(anna()).await;
    node.get("/me", again.access_token()).await.assert_text("anna, by jwt");
    // The answer to a browser is to try again.
    let gate = Gate::closed();
    directory.stop_next_at(&gate);
    let login = {
        let node = node.clone();
        tokio::spawn(async move { node.browser(Method::POST, "/login/anna", "").await })
    };
    gate.reached().await;
    node.claims_changed("anna").await;
    gate.open();
    joined(login).await.assert_unavailable();
}

async fn a_disabled_user_loses_the_session_at_the_next_request(world: World) {
    let directory = Directory::of([anna(), bert()]);
    let node = world.node_with_source(&directory).await;
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    directory.remove("anna");
    node.claims_changed("anna").await;
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    assert_refused(&node.refresh(&refresh_of(&tokens)).await);
    assert!(node.logins_of("anna").await.is_empty());
}

async fn a_session_loads_its_claims_once_after_a_change(world: World) {
    let directory = Directory::of([anna()]);
    let node = world.node_with_source(&directory).await;
    let cookie = node.sign_in("anna", "").await;
    let loads = directory.loads();
    node.claims_changed("anna").await;
    for _ in 0..5 {
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    assert_eq!(directory.loads(), loads + 1);
}

async fn other_subjects_are_not_concerned(world: World) {
    let directory = Directory::of([anna(), bert()]);
    let node = world.node_with_source(&directory).await;
    let (tokens, cookie) = (node.login(bert()).await, node.sign_in("bert", "").await);
    let loads = directory.loads();
    node.claims_changed("anna").await;
    node.get("/me", tokens.access_token()).await.assert_text("bert, by jwt");
    node.get_by_cookie("/me", &cookie).await.assert_text("bert, by session");
    assert_eq!(directory.loads(), loads);
}

async fn an_access_token_from_before_the_change_is_refused_to_its_last_moment(world: World) {
    let directory = Directory::of([anna(), bert()]);
    let long = world
        .node_with(|builder| builder.claims_source(directory.clone()).access_ttl(HOUR).token_idle(DAY))
        .await;
    let (annas, berts) = (long.login(anna()).await, long.login(bert()).await);
    long.claims_changed("anna").await;
    world.clock.advance(HOUR + LEEWAY - Duration::from_millis(1));
    world.store.purge().await.unwrap();
    for node in [&long, &world.node_with_source(&directory).await] {
        node.catch_up().await;
        node.get("/me", berts.access_token()).await.assert_text("bert, by jwt");
        node.get("/me", annas.access_token()).await.assert_invalid_token();
    }
}

async fn without_a_source_a_change_ends_the_logins(world: World) {
    let (here, there) = (world.node().await, world.node().await);
    let (tokens, cookie) = (here.login(anna()).await, here.sign_in("anna", "").await);
    there.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    here.events.clear();
    here.claims_changed("anna").await;
    there.catch_up().await;
    for node in [&here, &there] {
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_refused(&node.refresh(&refresh_of(&tokens)).await);
    }
    let (spared, reason) = (None, EndReason::ClaimsChanged);
    let ended = AuditEvent::LoginsEnded { subject: subject("anna"), count: 2, spared, reason };
    assert_eq!(here.events.count(|event| *event == ended), 1);
}

/// Entries of the log are gone by then; the old claims must not come back to life.
async fn without_a_source_a_change_ends_even_what_was_not_used_for_days(world: World) {
    let node = world.node().await;
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    node.claims_changed("anna").await;
    world.clock.advance(5 * HOUR);
    world.store.purge().await.unwrap();
    for node in [&node, &world.node().await] {
        node.catch_up().await;
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_refused(&node.refresh(&refresh_of(&tokens)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_with_outdated_claims_is_not_served_when_the_source_is_down() {
    let world = World::memory();
    let directory = Directory::of([admin()]);
    let node = world.node_with_source(&directory).await;
    let cookie = node.sign_in("anna", "").await;
    node.get_by_cookie("/admin", &cookie).await.assert_text("anna, by session");
    directory.set_down(true);
    node.claims_changed("anna").await;
    for _ in 0..3 {
        node.get_by_cookie("/admin", &cookie).await.assert_unavailable();
        world.clock.advance(MINUTE);
        tokio::time::sleep(2 * SECOND).await;
    }
    directory.set_down(false);
    directory.put(anna());
    node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
}
