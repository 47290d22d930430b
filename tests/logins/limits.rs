//! At most so many logins, exactly, however many sign in at once.

use std::num::NonZeroU32;
use std::sync::Arc;

use auth_core::audit::AuditEvent;
use auth_core::login::LoginError;
use auth_core::store::{EndReason, Limit};
use auth_core::web::LoginAttempt;
use auth_tests::shop::{assert_refused, login_of, refresh_of};
use auth_tests::{HOUR, Node, SECOND, World, anna, bert, in_time, joined, on_both_stores, subject};
use http::{Method, StatusCode};
use tokio::sync::Barrier;

const MOST: NonZeroU32 = NonZeroU32::new(3).unwrap();
const MANY: usize = 64;

on_both_stores!(
    the_oldest_login_ends_for_a_new_one,
    a_login_too_many_is_refused,
    expired_logins_do_not_count,
    a_login_that_is_replaced_does_not_count,
    each_subject_has_its_own_limit,
);

async fn node(world: &World, limit: Limit) -> Node {
    world.node_with(|builder| builder.max_logins(limit)).await
}

async fn the_oldest_login_ends_for_a_new_one(world: World) {
    let node = node(&world, Limit::EvictOldest(MOST)).await;
    let oldest = node.login(anna()).await;
    world.clock.advance(SECOND);
    let cookie = node.sign_in("anna", "").await;
    world.clock.advance(SECOND);
    let third = node.login(anna()).await;
    for tokens in [&oldest, &third] {
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
    world.clock.advance(SECOND);
    let fourth = node.login(anna()).await;
    node.get("/me", oldest.access_token()).await.assert_invalid_token();
    assert_refused(&node.refresh(&refresh_of(&oldest)).await);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    let newest = node.sign_in("anna", "").await;
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    node.get_by_cookie("/me", &newest).await.assert_text("anna, by session");
    for tokens in [&third, &fourth] {
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
    assert_eq!(node.logins_of("anna").await.len(), 3);
}

async fn a_login_too_many_is_refused(world: World) {
    let node = node(&world, Limit::Refuse(MOST)).await;
    let (first, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    drop(node.login(anna()).await);
    let logins = node.logins_of("anna").await;
    node.events.clear();
    let refused = in_time(node.auth.login_tokens(LoginAttempt::unknown(), anna())).await;
    assert!(matches!(refused, Err(LoginError::LimitReached)), "{refused:?}");
    let reply = node.browser(Method::POST, "/login/anna", "").await;
    reply.assert_problem(409, "Signed in on too many devices", &[]);
    assert!(reply.set_cookies().is_empty());
    let limit = AuditEvent::LimitReached { subject: subject("anna") };
    assert_eq!(node.events.take(), [limit.clone(), limit]);
    assert_eq!(node.logins_of("anna").await, logins);
    node.get("/me", first.access_token()).await.assert_text("anna, by jwt");
    // One place is free again.
    assert_eq!(node.browser(Method::POST, "/auth/logout", &cookie).await.status, StatusCode::NO_CONTENT);
    drop(node.login(anna()).await);
}

async fn expired_logins_do_not_count(world: World) {
    for limit in [Limit::EvictOldest(MOST), Limit::Refuse(MOST)] {
        let limited = world.node_with(|builder| builder.max_logins(limit).session_idle(HOUR)).await;
        for _ in 0..3 {
            drop(limited.sign_in("anna", "").await);
        }
        world.clock.advance(HOUR);
        limited.events.clear();
        for _ in 0..3 {
            drop(limited.sign_in("anna", "").await);
        }
        assert_eq!(limited.events.count(|event| matches!(event, AuditEvent::LoginStarted { .. })), 3);
        assert_eq!(limited.events.take().len(), 3);
        world.clock.advance(HOUR);
    }
}

async fn a_login_that_is_replaced_does_not_count(world: World) {
    for (name, limit) in [("anna", Limit::EvictOldest(MOST)), ("bert", Limit::Refuse(MOST))] {
        let node = node(&world, limit).await;
        let mut cookie = node.sign_in(name, "").await;
        let others = [node.sign_in(name, "").await, node.sign_in(name, "").await];
        for _ in 0..5 {
            world.clock.advance(SECOND);
            cookie = node.sign_in(name, &cookie).await;
        }
        let evicted = |event: &AuditEvent| {
            matches!(
                event,
                AuditEvent::LoginEnded { reason: EndReason::Evicted, .. } | AuditEvent::LimitReached { .. }
            )
        };
        assert_eq!(node.events.count(evicted), 0);
        for cookie in others.iter().chain([&cookie]) {
            node.get_by_cookie("/me", cookie).await.assert_text(&format!("{name}, by session"));
        }
    }
}

async fn each_subject_has_its_own_limit(world: World) {
    let node = node(&world, Limit::Refuse(MOST)).await;
    for _ in 0..3 {
        drop((node.login(anna()).await, node.login(bert()).await));
    }
    assert_eq!((node.logins_of("anna").await.len(), node.logins_of("bert").await.len()), (3, 3));
}

/// Signs in by a program or, every other time, by a browser, as soon as everybody is ready.
fn start(node: &Node, number: usize, barrier: &Arc<Barrier>) -> tokio::task::JoinHandle<StatusCode> {
    let (node, barrier) = (node.clone(), barrier.clone());
    tokio::spawn(async move {
        barrier.wait().await;
        if number % 4 < 2 {
            return node.browser(Method::POST, "/login/anna", "").await.status;
        }
        match in_time(node.auth.login_tokens(LoginAttempt::unknown(), anna())).await {
            Ok(_) => StatusCode::NO_CONTENT,
            Err(LoginError::LimitReached) => StatusCode::CONFLICT,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    })
}

/// 64 sign-ins at once, on two nodes. Returns how many were refused.
async fn sign_in_at_once(world: &World, limit: Limit) -> (usize, [Node; 2]) {
    let nodes = [node(world, limit).await, node(world, limit).await];
    let barrier = Arc::new(Barrier::new(MANY));
    let tasks: Vec<_> = (0..MANY)
        .map(|number| start(if number % 2 == 0 { &nodes[0] } else { &nodes[1] }, number, &barrier))
        .collect();
    let mut refused = 0;
    for task in tasks {
        match joined(task).await {
            StatusCode::NO_CONTENT => {}
            status => {
                assert_eq!(status, StatusCode::CONFLICT);
                refused += 1;
            }
        }
    }
    assert_eq!(nodes[0].logins_of("anna").await.len(), 3);
    (refused, nodes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_logins_at_once_the_newest_stay() {
    for world in [World::memory(), World::sqlite().await] {
        let (refused, nodes) = sign_in_at_once(&world, Limit::EvictOldest(MOST)).await;
        assert_eq!(refused, 0);
        let evicted =
            |event: &AuditEvent| matches!(event, AuditEvent::LoginEnded { reason: EndReason::Evicted, .. });
        assert_eq!(nodes.iter().map(|node| node.events.count(evicted)).sum::<usize>(), MANY - 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_logins_at_once_all_but_the_limit_are_refused() {
    for world in [World::memory(), World::sqlite().await] {
        let (refused, nodes) = sign_in_at_once(&world, Limit::Refuse(MOST)).await;
        assert_eq!(refused, MANY - 3);
        let reached = |event: &AuditEvent| matches!(event, AuditEvent::LimitReached { .. });
        assert_eq!(nodes.iter().map(|node| node.events.count(reached)).sum::<usize>(), MANY - 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_evicted_among_many_works_nowhere() {
    let world = World::memory();
    let nodes = [node(&world, Limit::EvictOldest(MOST)).await, node(&world, Limit::EvictOldest(MOST)).await];
    let tasks: Vec<_> = (0..MANY)
        .map(|number| {
            let node = nodes.get(number % 2).unwrap().clone();
            tokio::spawn(async move { node.login(anna()).await })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(joined(task).await);
    }
    let live = nodes[0].logins_of("anna").await;
    for node in &nodes {
        node.catch_up().await;
        for tokens in &all {
            let reply = node.get("/me", tokens.access_token()).await;
            if live.contains(&login_of(&refresh_of(tokens))) {
                reply.assert_text("anna, by jwt");
            } else {
                reply.assert_invalid_token();
            }
        }
    }
}
