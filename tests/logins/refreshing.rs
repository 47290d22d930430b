//! Refreshing when the answer takes long, when a node does not know the pepper yet, and when two parties share a login.

use std::num::NonZeroU32;

use auth_core::audit::AuditEvent;
use auth_core::login::{Builder, Tokens};
use auth_core::refresh::Peppers;
use auth_core::store::EndReason;
use auth_tests::forge::pepper;
use auth_tests::shop::{assert_refused, assert_works, refresh_of};
use auth_tests::{
    Directory, Fault, Forged, GRACE, Gate, HOUR, MILLISECOND, MINUTE, Node, Op, SECOND, User, World, anna,
    joined, on_both_stores,
};

on_both_stores!(
    a_claims_source_slower_than_the_grace_is_not_taken_for_theft,
    a_store_slower_than_the_grace_is_not_taken_for_theft,
    a_lost_answer_that_took_longer_than_the_grace_is_given_again,
    a_token_of_a_pepper_that_a_node_does_not_know_is_kept_for_one_that_does,
    a_successor_of_a_pepper_that_a_node_does_not_know_is_kept_for_one_that_does,
    sharing_is_counted_and_reported_and_ends_nothing_by_itself,
    sharing_in_a_row_ends_a_login_where_that_was_asked_for,
    sharing_that_stops_in_between_is_counted_from_the_start,
    a_retry_before_the_successor_was_used_is_not_sharing,
    an_end_is_remembered_for_as_long_as_any_node_that_answered_would,
);

fn events_of(node: &Node) -> Vec<AuditEvent> {
    let mut events = node.events.take();
    events.retain(|event| !matches!(event, AuditEvent::Rotated { .. } | AuditEvent::Replayed { .. }));
    events
}

async fn a_claims_source_slower_than_the_grace_is_not_taken_for_theft(world: World) {
    for slow in [9 * SECOND, GRACE, 2 * GRACE, 10 * GRACE] {
        let source = Directory::of([anna()]);
        let node = world.node_with_source(&source).await;
        let first = refresh_of(&node.login(anna()).await);
        node.events.clear();
        let gate = Gate::closed();
        source.stop_next_at(&gate);
        let answer = node.refreshing(&first);
        gate.reached().await;
        world.clock.advance(slow);
        gate.let_one_through();
        let tokens = joined(answer).await.unwrap();
        assert_whole_grace(&world, &node, &first, &tokens).await;
    }
}

async fn a_store_slower_than_the_grace_is_not_taken_for_theft(world: World) {
    for op in [Op::Rotate, Op::SaveClaims] {
        for stop in [Fault::StopBefore as fn(Gate) -> Fault, Fault::StopAfter] {
            for slow in [9 * SECOND, 3 * GRACE] {
                let source = Directory::of([anna()]);
                let node = world.node_with_source(&source).await;
                let first = refresh_of(&node.login(anna()).await);
                // So that they have to be saved.
                node.claims_changed("anna").await;
                node.events.clear();
                let (gate, answer) = node.refreshing_up_to(op, stop, &first).await;
                world.clock.advance(slow);
                gate.let_one_through();
                let tokens = joined(answer).await.unwrap();
                assert_whole_grace(&world, &node, &first, &tokens).await;
            }
        }
    }
}

/// One tab has its answer, and uses it; the other one sends the old token until the grace after that answer has passed.
async fn assert_whole_grace(world: &World, node: &Node, first: &str, tokens: &Tokens) {
    assert_works(node, tokens).await;
    node.flush().await;
    let mut passed = 0;
    // A tenth of the grace may have passed when an answer is sent.
    for millis in [0, 2000, 5000, 8999] {
        world.clock.advance(MILLISECOND * (millis - passed));
        passed = millis;
        let again = node.refresh(first).await.unwrap();
        assert_eq!(refresh_of(&again), refresh_of(tokens), "after {millis} ms");
        assert_works(node, &again).await;
    }
    let expected = |event: &AuditEvent| matches!(event, AuditEvent::Shared { streak: 1, .. });
    let events = events_of(node);
    assert!(events.iter().all(expected), "{events:?}");
    world.clock.advance(GRACE);
    let next = node.refresh(&refresh_of(tokens)).await.unwrap();
    assert_works(node, &next).await;
}

async fn a_lost_answer_that_took_longer_than_the_grace_is_given_again(world: World) {
    let source = Directory::of([anna()]);
    let node = world.node_with_source(&source).await;
    let mut token = refresh_of(&node.login(anna()).await);
    for lost in 0..4 {
        let gate = Gate::closed();
        source.stop_next_at(&gate);
        let answer = {
            let (node, token) = (node.clone(), token.clone());
            tokio::spawn(async move { node.auth.refresh(&token, None).await.map(drop) })
        };
        gate.reached().await;
        world.clock.advance(2 * GRACE);
        // The client disconnects, or the answer is lost.
        if lost % 2 == 0 {
            answer.abort();
        }
        gate.let_one_through();
        world.clock.advance(MINUTE);
        let next = node.refresh(&token).await.unwrap();
        assert_works(&node, &next).await;
        token = refresh_of(&next);
        world.clock.advance(MINUTE);
    }
    let theft =
        |event: &AuditEvent| matches!(event, AuditEvent::Theft { .. } | AuditEvent::LoginEnded { .. });
    assert_eq!(node.events.count(theft), 0);
}

/// One that uses the new pepper, and one that does not know it yet.
async fn newer_and_older(world: &World) -> [Node; 2] {
    let peppers = Peppers::new(1, &pepper(1)).unwrap().with_older(0, &pepper(0)).unwrap();
    [world.node_with(|builder| builder.peppers(peppers)).await, world.node().await]
}

async fn a_token_of_a_pepper_that_a_node_does_not_know_is_kept_for_one_that_does(world: World) {
    let [newer, older] = newer_and_older(&world).await;
    let token = refresh_of(&newer.login(anna()).await);
    assert_eq!(Forged::from(&token).pepper(), 1);
    world.clock.advance(HOUR);
    let before = newer.row(&token).await;
    let calls = older.store.all_calls();
    for _ in 0..3 {
        older.post_refresh(&token).await.assert_unavailable();
    }
    assert_eq!(older.store.calls(Op::Rotate), 0);
    assert!(older.store.all_calls() >= calls);
    assert_eq!(events_of(&older), []);
    assert_eq!(newer.row(&token).await, before);
    let next = newer.refresh(&token).await.unwrap();
    assert_works(&older, &next).await;
    // And after it was told.
    let told = newer_and_older(&world).await;
    world.clock.advance(HOUR);
    told[0].refresh(&refresh_of(&next)).await.unwrap();
}

async fn a_successor_of_a_pepper_that_a_node_does_not_know_is_kept_for_one_that_does(world: World) {
    let [newer, older] = newer_and_older(&world).await;
    let first = refresh_of(&older.login(anna()).await);
    let next = newer.refresh(&first).await.unwrap();
    assert_eq!(Forged::from(&refresh_of(&next)).pepper(), 1);
    older.events.clear();
    older.post_refresh(&first).await.assert_unavailable();
    older.post_refresh(&refresh_of(&next)).await.assert_unavailable();
    assert_eq!(events_of(&older), []);
    assert_eq!(refresh_of(&newer.refresh(&first).await.unwrap()), refresh_of(&next));
    world.clock.advance(GRACE);
    newer.refresh(&refresh_of(&next)).await.unwrap();
}

fn ends_after(streak: u32) -> impl FnOnce(Builder<User>) -> Builder<User> {
    move |builder| builder.end_shared_logins_after(NonZeroU32::new(streak).unwrap())
}

/// The owner refreshes and uses the new access token.
async fn refreshed(world: &World, node: &Node, token: &str) -> Tokens {
    world.clock.advance(10 * MINUTE);
    let next = node.refresh(token).await.unwrap();
    assert_works(node, &next).await;
    next
}

/// The events that say that a login was shared: how often in a row, and how long after the rotation.
fn shared(events: &[AuditEvent]) -> Vec<(u32, u64)> {
    let shared = events.iter().filter_map(|event| match event {
        AuditEvent::Shared { streak, age, .. } => Some((*streak, age.as_secs())),
        _ => None,
    });
    shared.collect()
}

async fn sharing_is_counted_and_reported_and_ends_nothing_by_itself(world: World) {
    let [node, thiefs] = [world.node().await, world.node().await];
    let login = node.login(anna()).await;
    let mut token = refresh_of(&login);
    for round in 1..=10 {
        let next = refreshed(&world, &node, &token).await;
        node.flush().await;
        world.clock.advance(3 * SECOND);
        thiefs.events.clear();
        for _ in 0..3 {
            let answer = thiefs.post_refresh(&token).await;
            assert_eq!(answer.member("refresh_token"), refresh_of(&next));
        }
        let events = events_of(&thiefs);
        assert_eq!(shared(&events), [(round, 3)], "once in a generation");
        assert_eq!(events.len(), 1, "{events:?}");
        let AuditEvent::Shared { login: shared, .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!(*shared, login.login_id());
        token = refresh_of(&next);
    }
    assert!(node.row(&token).await.is_some());
}

async fn sharing_in_a_row_ends_a_login_where_that_was_asked_for(world: World) {
    let node = world.node_with(ends_after(2)).await;
    let login = node.login(anna()).await;
    let mut token = refresh_of(&login);
    for round in 1..=2 {
        let next = refreshed(&world, &node, &token).await;
        world.clock.advance(SECOND);
        node.events.clear();
        let answer = node.post_refresh(&token).await;
        let events = events_of(&node);
        assert_eq!(shared(&events), [(round, 1)]);
        if round == 1 {
            assert_eq!(answer.member("refresh_token"), refresh_of(&next));
        } else {
            answer.assert_invalid_grant();
            let has = |wanted: &dyn Fn(&AuditEvent) -> bool| events.iter().any(wanted);
            let id = login.login_id();
            assert!(
                has(&|event| matches!(event, AuditEvent::Theft { login, .. } if *login == id)),
                "{events:?}"
            );
            assert!(
                has(&|event| matches!(
                    event,
                    AuditEvent::LoginEnded { login, reason: EndReason::Stolen, .. } if *login == id
                )),
                "{events:?}"
            );
            node.get("/me", next.access_token()).await.assert_invalid_token();
            assert_refused(&node.refresh(&refresh_of(&next)).await);
            assert_eq!(node.row(&token).await, None);
        }
        token = refresh_of(&next);
    }
    // On every node.
    let other = world.node().await;
    assert_refused(&other.refresh(&token).await);
}

async fn sharing_that_stops_in_between_is_counted_from_the_start(world: World) {
    let node = world.node_with(ends_after(2)).await;
    let mut token = refresh_of(&node.login(anna()).await);
    for round in 0..6 {
        let next = refreshed(&world, &node, &token).await;
        node.events.clear();
        if round % 2 == 0 {
            node.refresh(&token).await.unwrap();
            assert_eq!(shared(&events_of(&node)), [(1, 0)]);
        }
        token = refresh_of(&next);
    }
    assert!(node.row(&token).await.is_some());
}

async fn a_retry_before_the_successor_was_used_is_not_sharing(world: World) {
    let node = world.node_with(ends_after(1)).await;
    let mut token = refresh_of(&node.login(anna()).await);
    node.events.clear();
    for _ in 0..5 {
        world.clock.advance(10 * MINUTE);
        let next = node.refresh(&token).await.unwrap();
        for _ in 0..3 {
            assert_eq!(refresh_of(&node.refresh(&token).await.unwrap()), refresh_of(&next));
        }
        assert_works(&node, &next).await;
        token = refresh_of(&next);
    }
    assert_eq!(events_of(&node), []);
}

/// While an update is rolled out, nodes have different lifetimes.
async fn an_end_is_remembered_for_as_long_as_any_node_that_answered_would(world: World) {
    let short = world.node().await;
    for presented in
        ["the current token", "its predecessor", "the predecessor of a lost answer", "a new token"]
    {
        for more in [SECOND, 9 * HOUR] {
            let first = refresh_of(&short.login(anna()).await);
            let retention = short.row(&first).await.unwrap().retention + more;
            let long = world.node_with(|builder| builder.claims_max_age(retention)).await;
            let second = refresh_of(&short.refresh(&first).await.unwrap());
            let token = match presented {
                "the current token" => second,
                "its predecessor" => first,
                "the predecessor of a lost answer" => {
                    world.clock.advance(GRACE);
                    first
                }
                _ => {
                    world.clock.advance(GRACE);
                    second
                }
            };
            assert_works(&long, &long.refresh(&token).await.unwrap()).await;
            assert_eq!(short.row(&token).await.unwrap().retention, retention, "{presented}");
            short.refresh(&token).await.unwrap();
            assert_eq!(short.row(&token).await.unwrap().retention, retention, "{presented}");
        }
    }
}
