//! Where claims come from: at the sign-in, and for sessions when they are older than the bound.

use std::time::Duration;

use auth_core::audit::{AuditEvent, RefusalReason};
use auth_core::login::LoginError;
use auth_core::store::EndReason;
use auth_core::web::LoginAttempt;
use auth_tests::shop::{realm, refresh_of};
use auth_tests::{
    DAY, Directory, Gate, HOUR, MILLISECOND, MINUTE, NOW, Node, SECOND, User, World, admin, anna, bert,
    claims_of, in_time, joined, on_both_stores, subject,
};
use http::{Method, StatusCode};
use serde_json::json;

const MAX_AGE: Duration = Duration::from_secs(5 * 60);

on_both_stores!(
    a_sign_in_takes_the_claims_of_the_source,
    a_sign_in_of_a_user_unknown_to_the_source_is_refused,
    a_sign_in_while_the_source_is_down_is_unavailable,
    a_sign_in_does_not_get_the_claims_of_another_user,
    a_session_has_claims_no_older_than_the_bound,
    claims_are_loaded_once_in_the_bound,
    nodes_share_what_one_of_them_loaded,
    a_session_that_is_due_is_unavailable_while_the_source_is_down,
    a_session_of_a_deleted_user_ends_when_its_claims_are_reloaded,
    without_a_source_a_session_keeps_its_claims,
    claims_of_another_type_are_refused_and_nothing_ends,
    claims_of_another_type_are_loaded_anew,
    claims_are_reloaded_after_the_clock_went_back,
    an_access_token_is_not_concerned_until_it_is_refreshed,
);

async fn node(world: &World, directory: &Directory) -> Node {
    world
        .node_with(|builder| {
            builder.claims_source(directory.clone()).claims_max_age(MAX_AGE).session_idle(30 * DAY)
        })
        .await
}

async fn a_sign_in_takes_the_claims_of_the_source(world: World) {
    let directory = Directory::of([admin()]);
    let node = node(&world, &directory).await;
    let tokens = node.login(anna()).await;
    assert_eq!(claims_of(tokens.access_token())["roles"], json!(["admin"]));
    let cookie = node.sign_in("anna", "").await;
    node.get_by_cookie("/admin", &cookie).await.assert_text("anna, by session");
    assert_eq!(directory.loads(), 2);
}

async fn a_sign_in_of_a_user_unknown_to_the_source_is_refused(world: World) {
    let node = node(&world, &Directory::of([bert()])).await;
    let refused = in_time(node.auth.login_tokens(LoginAttempt::unknown(), anna())).await;
    assert!(matches!(refused, Err(LoginError::Gone)), "{refused:?}");
    let reply = node.browser(Method::POST, "/login/anna", "").await;
    reply.assert_problem(401, "Signing in failed", &[]);
    assert!(reply.set_cookies().is_empty());
    assert!(node.logins_of("anna").await.is_empty());
}

async fn a_sign_in_while_the_source_is_down_is_unavailable(world: World) {
    let directory = Directory::of([anna()]);
    let node = node(&world, &directory).await;
    directory.set_down(true);
    let failed = in_time(node.auth.login_tokens(LoginAttempt::unknown(), anna())).await;
    assert!(matches!(failed, Err(LoginError::Source(_))), "{failed:?}");
    node.browser(Method::POST, "/login/anna", "").await.assert_unavailable();
    node.browser(Method::POST, "/browser/anna", "").await.assert_unavailable();
    assert!(node.logins_of("anna").await.is_empty());
}

async fn a_sign_in_does_not_get_the_claims_of_another_user(world: World) {
    let directory = Directory::default();
    directory.put_as("anna", User { name: "bert".to_owned(), ..admin() });
    let node = node(&world, &directory).await;
    node.browser(Method::POST, "/login/anna", "").await.assert_unavailable();
    assert!(node.logins_of("anna").await.is_empty() && node.logins_of("bert").await.is_empty());
}

async fn a_session_has_claims_no_older_than_the_bound(world: World) {
    let directory = Directory::of([anna()]);
    let (here, there) = (node(&world, &directory).await, node(&world, &directory).await);
    let cookie = here.sign_in("anna", "").await;
    for node in [&here, &there] {
        node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    }
    directory.put(admin());
    world.clock.advance(MAX_AGE - MILLISECOND);
    for node in [&here, &there] {
        node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    }
    world.clock.advance(MILLISECOND);
    for node in [&here, &there] {
        node.get_by_cookie("/admin", &cookie).await.assert_text("anna, by session");
    }
    directory.put(anna());
    world.clock.advance(MAX_AGE);
    for node in [&there, &here] {
        node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    }
}

async fn claims_are_loaded_once_in_the_bound(world: World) {
    let directory = Directory::of([anna()]);
    let node = node(&world, &directory).await;
    let cookie = node.sign_in("anna", "").await;
    let before = directory.loads();
    for _ in 0..60 {
        world.clock.advance(10 * SECOND);
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    assert_eq!(directory.loads() - before, 2);
}

async fn nodes_share_what_one_of_them_loaded(world: World) {
    let directory = Directory::of([anna()]);
    let nodes =
        [node(&world, &directory).await, node(&world, &directory).await, node(&world, &directory).await];
    let cookie = nodes[0].sign_in("anna", "").await;
    world.clock.advance(MAX_AGE);
    let before = directory.loads();
    for node in &nodes {
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    assert_eq!(directory.loads() - before, 1);
}

async fn a_session_that_is_due_is_unavailable_while_the_source_is_down(world: World) {
    let directory = Directory::of([anna()]);
    let node = node(&world, &directory).await;
    let cookie = node.sign_in("anna", "").await;
    directory.set_down(true);
    world.clock.advance(MAX_AGE - MILLISECOND);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    world.clock.advance(MILLISECOND);
    for _ in 0..3 {
        node.get_by_cookie("/me", &cookie).await.assert_unavailable();
        world.clock.advance(HOUR);
    }
    assert_eq!(node.logins_of("anna").await.len(), 1);
    directory.set_down(false);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
}

async fn a_session_of_a_deleted_user_ends_when_its_claims_are_reloaded(world: World) {
    let directory = Directory::of([anna(), bert()]);
    let node = node(&world, &directory).await;
    let (cookie, other) = (node.sign_in("anna", "").await, node.sign_in("anna", "").await);
    let (tokens, stranger) = (node.login(anna()).await, node.sign_in("bert", "").await);
    directory.remove("anna");
    node.events.clear();
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    world.clock.advance(MAX_AGE);
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    let (spared, reason) = (None, EndReason::SubjectEnded);
    let ended = AuditEvent::LoginsEnded { subject: subject("anna"), count: 3, spared, reason };
    assert_eq!(node.events.count(|event| *event == ended), 1);
    node.get_by_cookie("/me", &other).await.assert_invalid_session();
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    node.post_refresh(&refresh_of(&tokens)).await.assert_invalid_grant();
    node.get_by_cookie("/me", &stranger).await.assert_text("bert, by session");
}

async fn without_a_source_a_session_keeps_its_claims(world: World) {
    let node = world.node_with(|builder| builder.session_idle(30 * DAY)).await;
    let cookie = node.sign_in("anna", "").await;
    for _ in 0..10 {
        world.clock.advance(DAY);
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    }
}

/// As a version of the application with another claims type left them.
async fn store_other_claims(node: &Node) {
    let realm = realm::<User>();
    let login = *node.logins_of("anna").await.first().unwrap();
    let row = node.behind().login(&realm, login).await.unwrap().value.unwrap().row;
    let claims = br#"{"sub":"anna","rank":"boss"}"#;
    assert!(node.behind().save_claims(&realm, login, claims, row.epoch).await.unwrap().value);
}

async fn claims_of_another_type_are_refused_and_nothing_ends(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    store_other_claims(&node).await;
    node.events.clear();
    for _ in 0..2 {
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_eq!(node.events.take(), [AuditEvent::Refused { reason: RefusalReason::StoredClaims }]);
    }
    assert_eq!(node.logins_of("anna").await.len(), 1);
}

async fn claims_of_another_type_are_loaded_anew(world: World) {
    let directory = Directory::of([anna()]);
    let node = node(&world, &directory).await;
    let cookie = node.sign_in("anna", "").await;
    store_other_claims(&node).await;
    directory.set_down(true);
    node.get_by_cookie("/me", &cookie).await.assert_unavailable();
    directory.set_down(false);
    let loads = directory.loads();
    for _ in 0..2 {
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    assert_eq!(directory.loads(), loads + 1);
    assert_eq!(node.logins_of("anna").await.len(), 1);
}

async fn claims_are_reloaded_after_the_clock_went_back(world: World) {
    let directory = Directory::of([anna()]);
    let node = node(&world, &directory).await;
    let cookie = node.sign_in("anna", "").await;
    node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    directory.put(admin());
    world.clock.set(NOW.before(HOUR));
    node.get_by_cookie("/admin", &cookie).await.assert_text("anna, by session");
}

async fn an_access_token_is_not_concerned_until_it_is_refreshed(world: World) {
    let directory = Directory::of([anna()]);
    let node = node(&world, &directory).await;
    let tokens = node.login(anna()).await;
    directory.put(admin());
    let before = directory.loads();
    world.clock.advance(MAX_AGE + MINUTE);
    node.get("/admin", tokens.access_token()).await.assert_insufficient();
    assert_eq!(directory.loads(), before);
    let next = node.refresh(&refresh_of(&tokens)).await.unwrap();
    node.get("/admin", next.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(directory.loads(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_its_claims_are_loaded_is_refused() {
    let world = World::memory();
    let directory = Directory::of([anna()]);
    let node = node(&world, &directory).await;
    let cookie = node.sign_in("anna", "").await;
    world.clock.advance(MAX_AGE);
    let gate = Gate::closed();
    directory.stop_next_at(&gate);
    let asking = {
        let (node, cookie) = (node.clone(), cookie.clone());
        tokio::spawn(async move { node.get_by_cookie("/me", &cookie).await })
    };
    gate.reached().await;
    let reply = node.browser(Method::POST, "/auth/logout", &cookie).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    gate.open();
    joined(asking).await.assert_invalid_session();
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    assert!(node.logins_of("anna").await.is_empty());
}
