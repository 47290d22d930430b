//! A store that loses writes which it acknowledged: the nodes that know of them write them back.

use std::sync::Arc;

use auth_core::audit::{AuditEvent, ResetCause};
use auth_core::clock::Clock as _;
use auth_core::id::TokenId;
use auth_core::login::Tokens;
use auth_core::store::memory::{Incarnation, MemorySnapshot, MemoryStore};
use auth_core::store::{Ids, LoginStore as _, RevocationStore as _, Standing};
use auth_tests::shop::{assert_refused, key_id, realm, refresh_of, signing_key};
use auth_tests::{DAY, Fault, Node, Op, SECOND, User, World, anna, bert, claims_of, in_time, subject};

fn is_alarm(event: &AuditEvent) -> bool {
    matches!(
        event,
        AuditEvent::LogReset { .. } | AuditEvent::WritesLost { .. } | AuditEvent::ClockStepped { .. }
    )
}

/// A world whose store can be restored from a copy.
fn world() -> (World, MemoryStore) {
    let world = World::memory();
    let memory = MemoryStore::with_clock(world.clock.clone());
    (world.with_store(Arc::new(memory.clone())), memory)
}

/// A node that reads the log when it is told to.
async fn node(world: &World) -> Node {
    let node = world.node().await;
    node.store.drop_wake_ups();
    node
}

fn jti(tokens: &Tokens) -> TokenId {
    claims_of(tokens.access_token())["jti"].as_str().unwrap().parse().unwrap()
}

/// What was ended or revoked after a copy of the store was made, in every way there is.
struct Lost {
    copy: MemorySnapshot,
    ended: Tokens,
    revoked: Tokens,
    cookie: String,
    berts: Tokens,
    kept: Tokens,
}

/// How many entries that makes.
const LOST: usize = 3;

async fn lose(memory: &MemoryStore, node: &Node) -> Lost {
    // Something that the cursor names.
    node.end(&refresh_of(&node.login(anna()).await)).await;
    node.catch_up().await;
    let (ended, revoked, kept) =
        (node.login(anna()).await, node.login(anna()).await, node.login(anna()).await);
    let (berts, cookie) = (node.login(bert()).await, node.sign_in("bert", "").await);
    let copy = memory.snapshot();
    node.end(&refresh_of(&ended)).await;
    in_time(node.auth.revoke_token(&subject("anna"), jti(&revoked))).await.unwrap();
    assert_eq!(in_time(node.auth.end_all_logins(&subject("bert"))).await.unwrap(), 2);
    node.events.clear();
    Lost { copy, ended, revoked, cookie, berts, kept }
}

/// What was lost is over, and the rest goes on, on a node that knows the store alone.
async fn assert_nothing_came_back(world: &World, lost: &Lost) {
    let late = world.node().await;
    for tokens in [&lost.ended, &lost.revoked, &lost.berts] {
        late.get("/me", tokens.access_token()).await.assert_invalid_token();
    }
    for tokens in [&lost.ended, &lost.berts] {
        assert_refused(&late.refresh(&refresh_of(tokens)).await);
    }
    late.get_by_cookie("/me", &lost.cookie).await.assert_invalid_session();
    late.get("/me", lost.kept.access_token()).await.assert_text("anna, by jwt");
    assert!(late.logins_of("bert").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_restored_store_lost_is_written_back() {
    for (incarnation, cause) in
        [(Incarnation::New, ResetCause::Incarnation), (Incarnation::Same, ResetCause::UnknownMark)]
    {
        let (world, memory) = world();
        let (here, there) = (node(&world).await, node(&world).await);
        let lost = lose(&memory, &here).await;
        for node in [&here, &there] {
            node.catch_up().await;
            assert_eq!(node.events.take(), []);
        }
        memory.restore(&lost.copy, incarnation);
        there.catch_up().await;
        assert_eq!(there.events.take(), [AuditEvent::LogReset { cause, written_back: LOST }]);
        assert_nothing_came_back(&world, &lost).await;
        // The other one finds it done.
        here.catch_up().await;
        assert_eq!(here.events.take(), [AuditEvent::LogReset { cause, written_back: 0 }]);
        here.catch_up().await;
        assert_eq!(here.events.take(), []);
    }
}

/// The log goes on where it was, without what was acknowledged.
#[tokio::test(start_paused = true)]
async fn acknowledged_writes_that_never_came_are_written_back() {
    let (world, memory) = world();
    let here = node(&world).await;
    let lost = lose(&memory, &here).await;
    memory.restore(&lost.copy, Incarnation::Same);
    here.catch_up().await;
    assert_eq!(here.events.take(), [AuditEvent::WritesLost { lost: LOST, written_back: LOST }]);
    assert_nothing_came_back(&world, &lost).await;
    here.catch_up().await;
    assert_eq!(here.events.take(), []);
}

/// A write back that failed, and a log that could not be read to its end, are made good the next time.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_back_is_written_the_next_time() {
    let reset = AuditEvent::LogReset { cause: ResetCause::Incarnation, written_back: LOST };
    let never_came = AuditEvent::WritesLost { lost: LOST, written_back: LOST };
    for (incarnation, is_read, expected) in
        [(Incarnation::New, true, &reset), (Incarnation::Same, false, &never_came)]
    {
        for (op, skipped) in [(Op::WriteBack, 0), (Op::Page, 0), (Op::Page, 1)] {
            let (world, memory) = world();
            let here = node(&world).await;
            let lost = lose(&memory, &here).await;
            if is_read {
                here.catch_up().await;
            }
            memory.restore(&lost.copy, incarnation);
            here.store.skip(op, skipped);
            here.store.next(op, Fault::Before);
            assert!(in_time(here.auth.catch_up()).await.is_err());
            assert_eq!(here.events.take(), []);
            here.catch_up().await;
            assert_eq!(&here.events.take(), std::slice::from_ref(expected));
            assert_nothing_came_back(&world, &lost).await;
        }
    }
}

/// It is not known whether it happened: done twice, it does no harm.
#[tokio::test(start_paused = true)]
async fn a_write_back_whose_answer_was_lost_is_repeated() {
    let (world, memory) = world();
    let here = node(&world).await;
    let lost = lose(&memory, &here).await;
    here.catch_up().await;
    memory.restore(&lost.copy, Incarnation::New);
    here.store.next(Op::WriteBack, Fault::After);
    assert!(in_time(here.auth.catch_up()).await.is_err());
    assert_nothing_came_back(&world, &lost).await;
    here.catch_up().await;
    let cause = ResetCause::Incarnation;
    assert_eq!(here.events.take(), [AuditEvent::LogReset { cause, written_back: 0 }]);
    assert_nothing_came_back(&world, &lost).await;
}

/// A node that was away until the entry that it read last was over and purged.
#[tokio::test(start_paused = true)]
async fn an_entry_that_was_purged_is_no_alarm() {
    let (world, memory) = world();
    let (here, there) = (node(&world).await, node(&world).await);
    let kept = here.login(anna()).await;
    here.end(&refresh_of(&here.login(anna()).await)).await;
    for node in [&here, &there] {
        node.catch_up().await;
        node.events.clear();
    }
    world.clock.advance(DAY);
    let again = here.login(anna()).await;
    here.end(&refresh_of(&again)).await;
    in_time(memory.purge()).await.unwrap();
    for node in [&here, &there] {
        node.catch_up().await;
        node.events.take().iter().for_each(|event| assert!(!is_alarm(event), "{event:?}"));
        node.get("/me", again.access_token()).await.assert_invalid_token();
        assert!(node.refresh(&refresh_of(&kept)).await.is_ok());
    }
    assert_eq!([&here, &there].map(|node| node.store.calls(Op::WriteBack)), [0, 0]);
}

/// The entry that the cursor names was over, and what never ends is missing all the same.
#[tokio::test(start_paused = true)]
async fn what_was_lost_beside_an_entry_that_was_over_is_written_back() {
    let (world, memory) = world();
    let here = node(&world).await;
    let copy = memory.snapshot();
    world.keys.sign_with(signing_key(1)).unwrap();
    in_time(here.auth.revoke_key(&key_id(0))).await.unwrap();
    here.end(&refresh_of(&here.login(anna()).await)).await;
    here.catch_up().await;
    world.clock.advance(DAY);
    memory.restore(&copy, Incarnation::Same);
    here.events.clear();
    here.catch_up().await;
    let cause = ResetCause::UnknownMark;
    assert_eq!(here.events.take(), [AuditEvent::LogReset { cause, written_back: 1 }]);
    let ids = Ids { key: Some(&key_id(0)), ..Ids::default() };
    let standing = memory.standing(&realm::<User>(), &ids).await.unwrap();
    assert_eq!(standing.value, Standing::Gone);
}

/// They were acknowledged, and over before the log could be read again.
#[tokio::test(start_paused = true)]
async fn an_entry_that_expired_unread_is_not_taken_for_a_lost_one() {
    let (world, memory) = world();
    let here = node(&world).await;
    here.end(&refresh_of(&here.login(anna()).await)).await;
    here.catch_up().await;
    here.end(&refresh_of(&here.login(anna()).await)).await;
    let tokens = here.login(anna()).await;
    in_time(here.auth.revoke_token(&subject("anna"), jti(&tokens))).await.unwrap();
    in_time(here.auth.end_all_logins(&subject("bert"))).await.unwrap();
    here.events.clear();
    world.clock.advance(DAY);
    in_time(memory.purge()).await.unwrap();
    here.catch_up().await;
    here.catch_up().await;
    assert_eq!(here.events.take(), []);
    assert_eq!(here.store.calls(Op::WriteBack), 0);
}

/// The key is not trusted by a node that starts afterwards either.
#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_written_back() {
    let (world, memory) = world();
    let here = node(&world).await;
    let tokens = here.login(anna()).await;
    world.keys.sign_with(signing_key(1)).unwrap();
    let copy = memory.snapshot();
    in_time(here.auth.revoke_key(&key_id(0))).await.unwrap();
    memory.restore(&copy, Incarnation::Same);
    here.catch_up().await;
    world.node().await.get("/me", tokens.access_token()).await.assert_invalid_token();
}

#[tokio::test(start_paused = true)]
async fn after_a_restore_that_was_declared_everybody_signs_in_again() {
    let (world, memory) = world();
    let (here, there) = (world.node().await, node(&world).await);
    let (tokens, cookie) = (here.login(anna()).await, here.sign_in("anna", "").await);
    let copy = memory.snapshot();
    here.end(&refresh_of(&tokens)).await;
    world.clock.advance(SECOND);
    memory.restore(&copy, Incarnation::New);
    in_time(here.auth.declare_restored(None)).await.unwrap();
    there.catch_up().await;
    for node in [&here, &there, &world.node().await] {
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_refused(&node.refresh(&refresh_of(&tokens)).await);
        assert!(node.logins_of("anna").await.is_empty());
    }
    let again = there.login(anna()).await;
    here.get("/me", again.access_token()).await.assert_text("anna, by jwt");
}

/// Nobody else knows of it, and the log goes on where it was.
#[tokio::test(start_paused = true)]
async fn a_declared_restore_that_was_acknowledged_and_never_came_is_written_back() {
    let (world, memory) = world();
    let here = node(&world).await;
    here.end(&refresh_of(&here.login(anna()).await)).await;
    let tokens = here.login(anna()).await;
    here.catch_up().await;
    let copy = memory.snapshot();
    world.clock.advance(SECOND);
    in_time(here.auth.declare_restored(None)).await.unwrap();
    memory.restore(&copy, Incarnation::Same);
    here.events.clear();
    here.catch_up().await;
    assert_eq!(here.events.take(), [AuditEvent::WritesLost { lost: 1, written_back: 1 }]);
    let late = world.node().await;
    late.get("/me", tokens.access_token()).await.assert_invalid_token();
    assert_refused(&late.refresh(&refresh_of(&tokens)).await);
}

/// The floor is written back like everything else.
#[tokio::test(start_paused = true)]
async fn a_declared_restore_that_was_lost_still_holds() {
    let (world, memory) = world();
    let (here, there) = (node(&world).await, node(&world).await);
    let (tokens, cookie) = (here.login(anna()).await, here.sign_in("anna", "").await);
    let copy = memory.snapshot();
    world.clock.advance(SECOND);
    in_time(here.auth.declare_restored(Some(world.clock.now()))).await.unwrap();
    there.catch_up().await;
    memory.restore(&copy, Incarnation::New);
    there.catch_up().await;
    let late = world.node().await;
    late.get("/me", tokens.access_token()).await.assert_invalid_token();
    late.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    assert_refused(&late.refresh(&refresh_of(&tokens)).await);
    let again = late.login(anna()).await;
    for node in [&here, &there, &late] {
        node.catch_up().await;
        node.get("/me", again.access_token()).await.assert_text("anna, by jwt");
    }
}
