//! A store or an observer that panics: the loops of a node go on and say so, and nobody is believed meanwhile who should not
//! be.

use auth_core::audit::AuditEvent;
use auth_tests::shop::refresh_of;
use auth_tests::{
    Fault, MINUTE, NOW, Node, Op, Recorder, SECOND, STALENESS, World, anna, claims_of, in_time,
    on_both_stores, subject, within,
};
use http::{Method, StatusCode};

on_both_stores!(
    the_log_is_followed_after_a_panic,
    uses_are_written_after_a_panic,
    confirmations_are_written_after_a_panic,
    what_has_expired_is_deleted_after_a_panic,
    an_observer_that_panics_harms_no_request,
    an_observer_that_panics_harms_no_loop,
);

fn panicked(task: &'static str, in_a_row: u32) -> AuditEvent {
    AuditEvent::TaskPanicked { task, in_a_row }
}

/// Waits until the node said so.
async fn said(events: &Recorder, event: &AuditEvent) {
    within("the event of a panic", async {
        while events.count(|seen| seen == event) == 0 {
            tokio::time::sleep(SECOND / 50).await;
        }
    })
    .await;
}

async fn the_log_is_followed_after_a_panic(world: World) {
    let (here, there) = (world.node().await, world.node().await);
    let tokens = here.login(anna()).await;
    there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    there.store.next(Op::Page, Fault::Panic);
    said(&there.events, &panicked("follow_log", 1)).await;
    here.end(&refresh_of(&tokens)).await;
    within("the news", async {
        while there.get("/me", tokens.access_token()).await.status != StatusCode::UNAUTHORIZED {
            tokio::time::sleep(SECOND / 50).await;
        }
    })
    .await;
    assert_eq!(there.store.calls(Op::Standing), 0, "the node heard of it by itself");
    assert_eq!(there.events.count(|event| matches!(event, AuditEvent::TaskPanicked { .. })), 1);
}

/// Waits until the call was made so often.
async fn called(node: &Node, op: Op, times: usize) {
    within("a call of the store", async {
        while node.store.calls(op) < times {
            tokio::time::sleep(SECOND / 50).await;
        }
    })
    .await;
}

async fn uses_are_written_after_a_panic(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.store.next(Op::Touch, Fault::Panic);
    world.clock.advance(2 * MINUTE);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    said(&node.events, &panicked("write_uses", 1)).await;
    called(&node, Op::Touch, 2).await;
    within("the use in the store", async {
        while node.row(&refresh_of(&tokens)).await.unwrap().last_seen_at != NOW.after(2 * MINUTE) {
            tokio::time::sleep(SECOND / 50).await;
        }
    })
    .await;
}

async fn confirmations_are_written_after_a_panic(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let next = node.refresh(&first).await.unwrap();
    node.store.next(Op::Confirm, Fault::Panic);
    node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    said(&node.events, &panicked("write_uses", 1)).await;
    within("the confirmation in the store", async {
        while !node.family(&first).await.confirmed {
            tokio::time::sleep(SECOND / 50).await;
        }
    })
    .await;
}

async fn what_has_expired_is_deleted_after_a_panic(world: World) {
    let node = world.node().await;
    called(&node, Op::Purge, 1).await;
    let store = auth_tests::FaultyStore::over(world.store.clone());
    store.next(Op::Purge, Fault::Panic);
    let node = world.node_over(store, |builder| builder).await;
    said(&node.events, &panicked("purge", 1)).await;
    called(&node, Op::Purge, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_follow_the_log_asks_the_store_and_answers_503_without_it() {
    let world = World::memory();
    let (here, there) = (world.node().await, world.node().await);
    let (ended, other) = (here.login(anna()).await, here.login(anna()).await);
    let session = here.sign_in("anna", "").await;
    for tokens in [&ended, &other] {
        there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    there.store.always(Op::Page, Fault::Panic);
    said(&there.events, &panicked("follow_log", 1)).await;
    here.end(&refresh_of(&ended)).await;
    in_time(here.auth.revoke_token(&subject("anna"), auth_tests::token_id_of(other.access_token())))
        .await
        .unwrap();

    world.clock.advance(STALENESS + SECOND);
    there.store.always(Op::Standing, Fault::Before);
    for _ in 0..3 {
        for tokens in [&ended, &other] {
            there.get("/me", tokens.access_token()).await.assert_unavailable();
        }
        there.get_by_cookie("/me", &session).await.assert_unavailable();
        tokio::time::sleep(MINUTE).await;
        world.clock.advance(MINUTE);
    }
    there.store.heal(Op::Standing);
    for tokens in [&ended, &other] {
        there.get("/me", tokens.access_token()).await.assert_invalid_token();
    }
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");

    there.store.heal(Op::Page);
    tokio::time::sleep(MINUTE).await;
    let calls = there.store.calls(Op::Standing);
    there.get("/me", ended.access_token()).await.assert_invalid_token();
    there.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    assert_eq!(there.store.calls(Op::Standing), calls, "the list is current again");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_without_end_is_asked_ever_less_often_and_counted() {
    let world = World::memory();
    let node = world.node().await;
    node.store.always(Op::Page, Fault::Panic);
    let before = node.store.calls(Op::Page);
    tokio::time::sleep(10 * MINUTE).await;
    let calls = node.store.calls(Op::Page) - before;
    // After 1, 2, 4, 8, 16 and then every 30 seconds, each a second later for want of a wake-up.
    assert!((20..=26).contains(&calls), "{calls}");
    let events = node.events.take();
    let counted = (1..).take(events.len()).map(|times| panicked("follow_log", times));
    assert_eq!(events, counted.collect::<Vec<_>>());
    assert_eq!(events.len(), calls);

    node.store.heal(Op::Page);
    tokio::time::sleep(MINUTE).await;
    node.store.next(Op::Page, Fault::Panic);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(node.events.take(), [panicked("follow_log", 1)], "it counts anew");
}

#[tokio::test(start_paused = true)]
async fn the_loops_of_an_authenticator_that_is_dropped_end() {
    let world = World::memory();
    let node = world.node().await;
    let store = node.store.clone();
    drop(node);
    tokio::time::sleep(SECOND).await;
    let calls = store.all_calls();
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(store.all_calls(), calls);
}

/// Panics at every event, after it was kept.
/// Records the events, and panics after each.
fn panicking(heard: &Recorder) -> impl Fn(&AuditEvent) + Send + Sync + 'static {
    let heard = heard.clone();
    move |event| {
        heard.hear(event);
        panic!("an observer that panics");
    }
}

async fn an_observer_that_panics_harms_no_request(world: World) {
    let heard = Recorder::default();
    let node = world.node_with(|builder| builder.observer(panicking(&heard))).await;
    let cookie = node.sign_in("anna", "").await;
    let bert = node.sign_in("bert", &cookie).await;
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    node.get_by_cookie("/me", &bert).await.assert_text("bert, by session");
    node.get("/me", "a.b.c").await.assert_invalid_token();
    let tokens = node.login(anna()).await;
    let next = node.refresh(&refresh_of(&tokens)).await.unwrap();
    assert_eq!(claims_of(next.access_token())["sub"], "anna");
    node.post_refresh("junk").await.assert_invalid_grant();
    node.bearer(Method::POST, "/auth/logout", next.access_token()).await.assert_empty(204);
    node.get("/me", next.access_token()).await.assert_invalid_token();
    assert_eq!(in_time(node.auth.end_all_logins(&subject("bert"))).await.unwrap(), 1);
    node.get_by_cookie("/me", &bert).await.assert_invalid_session();
    let names = heard.take().iter().map(|event| serde_json::to_value(event).unwrap()).collect::<Vec<_>>();
    let names = names.iter().map(|event| event["event"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        names,
        [
            "login_started",
            "login_started",
            "login_ended",
            "refused",
            "refused",
            "login_started",
            "rotated",
            "refused",
            "login_ended",
            "refused",
            "logins_ended",
            "refused",
        ],
    );
}

/// Not even when it hears of a panic.
async fn an_observer_that_panics_harms_no_loop(world: World) {
    let heard = Recorder::default();
    let node = world.node_with(|builder| builder.observer(panicking(&heard))).await;
    node.store.next(Op::Page, Fault::Panic);
    said(&heard, &panicked("follow_log", 1)).await;
    let calls = node.store.calls(Op::Page);
    called(&node, Op::Page, calls + 2).await;
}
