//! A store that was emptied, restored, or lost what it had acknowledged: nodes notice, keep what they knew, and give it back.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use auth_core::audit::{AuditEvent, ResetCause};
use auth_core::clock::Timestamp;
use auth_core::login::{LoginError, Tokens};
use auth_core::store::memory::{Incarnation, MemorySnapshot, MemoryStore};
use auth_core::store::sqlite::SqliteStore;
use auth_core::store::{Cursor, LogEntry, Mark, Page, Realm, Revoked, Store, StoreError, Timed};
use auth_core::web::Device;
use auth_tests::shop::{assert_refused, assert_try_again, key_id, login_of, open, realm, refresh_of};
use auth_tests::store::{Altered, Documents, Families, Log, Logins, Relay, Sessions};
use auth_tests::{
    DAY, Directory, Fault, FaultyStore, HOUR, MINUTE, NOW, Node, Op, SECOND, STALENESS, User, World, anna,
    bert, claims_of, in_time, on_both_stores, subject, whole,
};
use http::Method;
use tokio::sync::watch;

on_both_stores!(
    what_is_logged_right_after_a_store_was_emptied_is_heard_of,
    a_store_that_was_emptied_before_a_node_starts_lets_nothing_old_in,
    declaring_a_restore_ends_everything_while_nodes_run,
    an_entry_of_an_unknown_kind_makes_nodes_ask_the_store,
);

/// What all restores do, by the two ways of telling them.
macro_rules! on_restores {
    ($($name:ident),* $(,)?) => {
        mod by_marks {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    auth_tests::whole(super::$name(super::Incarnation::Same)).await;
                }
            )*
        }

        mod by_incarnation {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    auth_tests::whole(super::$name(super::Incarnation::New)).await;
                }
            )*
        }
    };
}

on_restores!(
    what_was_ended_stays_ended_after_an_older_copy_was_restored,
    a_store_that_grew_back_past_the_cursor_is_not_taken_for_the_old_one,
    what_could_not_be_written_back_is_written_back_later,
    what_was_changed_stays_changed_after_an_older_copy_was_restored,
    a_login_that_was_spared_is_spared_after_an_older_copy_was_restored,
    a_restored_store_keeps_no_node_busy,
);

const MOST: NonZeroU32 = NonZeroU32::MAX;

/// A world in memory that can lose what was written.
fn fragile() -> (World, MemoryStore) {
    let world = World::memory();
    let store = MemoryStore::with_clock(world.clock.clone());
    (world.with_store(Arc::new(store.clone())), store)
}

/// Loses everything since then, a second later.
fn restore(world: &World, store: &MemoryStore, copy: &MemorySnapshot, incarnation: Incarnation) {
    world.clock.advance(SECOND);
    store.restore(copy, incarnation);
    world.clock.advance(SECOND);
}

fn cause(incarnation: Incarnation) -> ResetCause {
    match incarnation {
        Incarnation::Same => ResetCause::UnknownMark,
        Incarnation::New => ResetCause::Incarnation,
    }
}

/// How often the node said that the log was reset, and how many entries it gave back in all.
fn resets(node: &Node, expected: ResetCause) -> (usize, usize) {
    let events = node.events.take().into_iter().filter_map(|event| match event {
        AuditEvent::LogReset { cause, written_back } => {
            assert_eq!(cause, expected);
            Some(written_back)
        }
        _ => None,
    });
    events.fold((0, 0), |(count, all), written_back| (count + 1, all + written_back))
}

/// How many writes the node said were lost, and how many entries it gave back.
fn losses(node: &Node) -> Vec<(usize, usize)> {
    let events = node.events.take().into_iter().filter_map(|event| match event {
        AuditEvent::WritesLost { lost, written_back } => Some((lost, written_back)),
        _ => None,
    });
    events.collect()
}

async fn assert_works(node: &Node, tokens: &Tokens) {
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
}

/// Neither token is good, nor is there a row.
async fn assert_ended(node: &Node, tokens: &Tokens) {
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    assert_refused(&node.refresh(&refresh_of(tokens)).await);
    assert_eq!(node.row(&refresh_of(tokens)).await, None);
}

/// Another store of the same kind and time, with nothing in it.
async fn empty_store(world: &World) -> Arc<dyn Store> {
    match world.store.is_durable() {
        true => Arc::new(open(world.path().with_file_name("other.db"), &world.clock).await),
        false => Arc::new(MemoryStore::with_clock(world.clock.clone())),
    }
}

async fn what_is_logged_right_after_a_store_was_emptied_is_heard_of(world: World) {
    let [here, there] = [world.node().await, world.node().await];
    let (old, session) = (here.login(anna()).await, here.sign_in("anna", "").await);
    // Enough that the new log is shorter than the old one.
    for _ in 0..3 {
        let ended = here.login(bert()).await;
        here.end(&refresh_of(&ended)).await;
    }
    for node in [&here, &there] {
        node.catch_up().await;
        assert_works(node, &old).await;
        node.get_by_cookie("/me", &session).await.assert_text("anna, by session");
        node.store.drop_wake_ups();
    }
    world.clock.advance(SECOND);
    let empty = empty_store(&world).await;
    for node in [&here, &there] {
        node.events.clear();
        node.store.swap(empty.clone());
    }

    let new = here.login(anna()).await;
    here.end(&refresh_of(&new)).await;
    there.catch_up().await;
    assert_ended(&there, &new).await;
    let again = there.login(anna()).await;
    here.catch_up().await;
    let world = world.with_store(empty);
    let fresh = world.node().await;
    for node in [&here, &there, &fresh] {
        // Whoever signs in anew is in at once, everywhere.
        assert_works(node, &again).await;
        let own = node.login(anna()).await;
        assert_works(&here, &own).await;
        assert_works(&there, &own).await;
        node.refresh(&refresh_of(&own)).await.unwrap();
        let cookie = node.sign_in("anna", "").await;
        here.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        // What is from before is over.
        assert_ended(node, &old).await;
        assert_ended(node, &new).await;
        node.get_by_cookie("/me", &session).await.assert_invalid_session();
    }
    for node in [&here, &there] {
        let (count, _) = resets(node, ResetCause::Incarnation);
        assert_eq!(count, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_logged_right_after_everything_was_deleted_is_heard_of() {
    whole(async {
        let (world, store) = fragile();
        let [here, there] = [world.node().await, world.node().await];
        let (old, bad) = (here.login(anna()).await, here.login(anna()).await);
        here.end(&refresh_of(&bad)).await;
        here.catch_up().await;
        there.catch_up().await;
        world.clock.advance(SECOND);
        store.empty();
        let new = here.login(anna()).await;
        here.end(&refresh_of(&new)).await;
        there.catch_up().await;
        here.catch_up().await;
        for node in [&here, &there] {
            assert_ended(node, &new).await;
            assert_ended(node, &old).await;
            assert_ended(node, &bad).await;
            assert_works(&here, &node.login(anna()).await).await;
            assert_eq!(resets(node, ResetCause::UnknownMark).0, 1);
        }
    })
    .await;
}

async fn a_store_that_was_emptied_before_a_node_starts_lets_nothing_old_in(world: World) {
    let node = world.node().await;
    let (old, session) = (node.login(anna()).await, node.sign_in("anna", "").await);
    let signed_out = node.login(anna()).await;
    node.end(&refresh_of(&signed_out)).await;
    drop(node);
    world.clock.advance(SECOND);
    let empty = empty_store(&world).await;
    let world = world.with_store(empty);
    let node = world.node().await;
    for tokens in [&old, &signed_out] {
        assert_ended(&node, tokens).await;
    }
    node.get_by_cookie("/me", &session).await.assert_invalid_session();
    assert_works(&node, &node.login(anna()).await).await;
    // Nor does a node that could not read the log when it started.
    let blind = FaultyStore::over(world.store.clone());
    blind.always(Op::Page, Fault::Before);
    let blind = world.node_over(blind, |builder| builder).await;
    blind.get("/me", signed_out.access_token()).await.assert_invalid_token();
    blind.get("/me", old.access_token()).await.assert_invalid_token();
    blind.store.set_down(true);
    blind.get("/me", signed_out.access_token()).await.assert_unavailable();
}

async fn what_was_ended_stays_ended_after_an_older_copy_was_restored(incarnation: Incarnation) {
    let (world, store) = fragile();
    let [here, there] = [world.node().await, world.node().await];
    let [ended, token_alone, going_on] =
        [here.login(anna()).await, here.login(anna()).await, here.login(anna()).await];
    let all = here.login(bert()).await;
    let [out, goes_on] = [here.sign_in("anna", "").await, here.sign_in("anna", "").await];
    let before = here.login(anna()).await;
    here.end(&refresh_of(&before)).await;
    let copy = store.snapshot();
    world.clock.advance(SECOND);
    here.end(&refresh_of(&ended)).await;
    in_time(here.auth.end_all_logins(&subject("bert"))).await.unwrap();
    here.browser(Method::POST, "/auth/logout", &out).await;
    let jti = claims_of(token_alone.access_token())["jti"].as_str().unwrap().parse().unwrap();
    in_time(here.auth.revoke_token(&subject("anna"), jti)).await.unwrap();
    let lost = here.login(anna()).await;
    for node in [&here, &there] {
        node.catch_up().await;
        node.events.clear();
    }
    restore(&world, &store, &copy, incarnation);
    here.catch_up().await;
    there.catch_up().await;
    let (by_here, by_there) = (resets(&here, cause(incarnation)), resets(&there, cause(incarnation)));
    assert_eq!((by_here.0, by_there.0), (1, 1));
    assert_eq!(by_here.1 + by_there.1, 4, "one of them gave everything back");

    let third = world.node().await;
    for node in [&here, &there, &third] {
        assert_ended(node, &ended).await;
        assert_ended(node, &all).await;
        assert_ended(node, &before).await;
        node.get_by_cookie("/me", &out).await.assert_invalid_session();
        node.get("/me", token_alone.access_token()).await.assert_invalid_token();
        // What was not ended goes on, but for what the store has lost.
        assert_works(node, &going_on).await;
        node.refresh(&refresh_of(&going_on)).await.unwrap();
        node.get_by_cookie("/me", &goes_on).await.assert_text("anna, by session");
        assert_refused(&node.refresh(&refresh_of(&lost)).await);
        node.login(bert()).await;
        assert_works(node, &node.login(anna()).await).await;
    }
    // Nobody says it again.
    for node in [&here, &there] {
        node.catch_up().await;
        assert_eq!(resets(node, cause(incarnation)), (0, 0));
        assert_eq!(losses(node), []);
    }
}

async fn what_was_changed_stays_changed_after_an_older_copy_was_restored(incarnation: Incarnation) {
    let (world, store) = fragile();
    let source = Directory::of([anna()]);
    let sourced = |builder: auth_core::login::Builder<User>| builder.claims_source(source.clone());
    let [here, there] = [world.node_with(sourced).await, world.node_with(sourced).await];
    let old = here.login(anna()).await;
    here.end(&refresh_of(&here.login(bert_of(&source)).await)).await;
    let copy = store.snapshot();
    world.clock.advance(SECOND);
    here.claims_changed("anna").await;
    in_time(here.auth.revoke_key(&key_id(9))).await.unwrap();
    here.catch_up().await;
    there.catch_up().await;
    restore(&world, &store, &copy, incarnation);
    here.catch_up().await;
    there.catch_up().await;
    let third = world.node_with(sourced).await;
    for node in [&here, &there, &third] {
        node.get("/me", old.access_token()).await.assert_invalid_token();
        world.clock.advance(MINUTE);
        node.catch_up().await;
        let again = node.login(anna()).await;
        assert_works(node, &again).await;
    }
    let next = third.refresh(&refresh_of(&old)).await.unwrap();
    for node in [&here, &there, &third] {
        assert_works(node, &next).await;
    }
    // The key too: no node starts that would sign with it.
    let ring = auth_core::jwt::KeyRing::new(auth_tests::shop::signing_key(9)).unwrap();
    let builder = auth_core::Authenticator::<User>::builder().keys(ring).clock(world.clock.clone());
    let built = builder.shared_store(world.store.clone()).build().await;
    assert!(built.is_err());
}

/// Somebody else, whom the directory knows from now on.
fn bert_of(source: &Directory) -> User {
    source.put(bert());
    bert()
}

async fn a_login_that_was_spared_is_spared_after_an_older_copy_was_restored(incarnation: Incarnation) {
    let (world, store) = fragile();
    let [here, there] = [world.node().await, world.node().await];
    let [own, other] = [here.login(anna()).await, here.login(anna()).await];
    let cookie = here.sign_in("anna", "").await;
    here.end(&refresh_of(&here.login(bert()).await)).await;
    let copy = store.snapshot();
    world.clock.advance(SECOND);
    here.bearer(Method::DELETE, "/auth/logins", own.access_token()).await.assert_empty(204);
    here.catch_up().await;
    there.catch_up().await;
    restore(&world, &store, &copy, incarnation);
    here.catch_up().await;
    there.catch_up().await;
    let third = world.node().await;
    for node in [&here, &there, &third] {
        assert_ended(node, &other).await;
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_works(node, &own).await;
        let next = node.refresh(&refresh_of(&own)).await.unwrap();
        assert_works(node, &next).await;
    }
}

async fn a_store_that_grew_back_past_the_cursor_is_not_taken_for_the_old_one(incarnation: Incarnation) {
    let (world, store) = fragile();
    let [here, there] = [world.node().await, world.node().await];
    let [ended, victim] = [here.login(anna()).await, here.login(anna()).await];
    let copy = store.snapshot();
    here.end(&refresh_of(&ended)).await;
    for node in [&here, &there] {
        node.catch_up().await;
        node.events.clear();
        node.store.always(Op::Page, Fault::Before);
    }
    restore(&world, &store, &copy, incarnation);
    // A node that knows nothing of it ends others, until the log is longer than it was.
    let third = world.node().await;
    third.end(&refresh_of(&victim)).await;
    for _ in 0..5 {
        third.end(&refresh_of(&third.login(bert()).await)).await;
    }
    assert_works(&third, &third.refresh(&refresh_of(&ended)).await.unwrap()).await;
    let next = third.login(anna()).await;
    for node in [&here, &there] {
        node.store.heal(Op::Page);
        node.catch_up().await;
        assert_eq!(resets(node, cause(incarnation)).0, 1);
    }
    third.catch_up().await;
    for node in [&here, &there, &third] {
        assert_ended(node, &victim).await;
        assert_ended(node, &ended).await;
        assert_works(node, &next).await;
    }
}

async fn what_could_not_be_written_back_is_written_back_later(incarnation: Incarnation) {
    // At which call after the page that tells: the log is read again from its start, then written to.
    for (op, skipped) in [(Op::Page, 1), (Op::WriteBack, 0)] {
        for fault in [Fault::Before, Fault::After] {
            let (world, store) = fragile();
            let node = world.node().await;
            let (ended, before) = (node.login(anna()).await, node.login(anna()).await);
            node.end(&refresh_of(&before)).await;
            let copy = store.snapshot();
            node.end(&refresh_of(&ended)).await;
            node.catch_up().await;
            node.events.clear();
            restore(&world, &store, &copy, incarnation);
            node.store.skip(op, skipped);
            node.store.next(op, fault.clone());
            assert!(in_time(node.auth.catch_up()).await.is_err());
            node.catch_up().await;
            assert_eq!(resets(&node, cause(incarnation)).0, 1, "{op:?} {fault:?}");
            let fresh = world.node().await;
            for node in [&node, &fresh] {
                assert_ended(node, &ended).await;
            }
        }
    }
}

/// A failover to a replica that had not heard of the last writes: the store is the same, and they are not there.
#[tokio::test(start_paused = true)]
async fn acknowledged_writes_that_a_failover_lost_are_noticed_and_written_back() {
    whole(async {
        let (world, store) = fragile();
        let [here, there] = [world.node().await, world.node().await];
        let [first, second, third] =
            [here.login(anna()).await, here.login(anna()).await, here.login(anna()).await];
        let [all, session] = [here.sign_in("bert", "").await, here.sign_in("anna", "").await];
        here.end(&refresh_of(&first)).await;
        here.catch_up().await;
        there.catch_up().await;
        let replica = store.snapshot();
        for node in [&here, &there] {
            node.store.always(Op::Page, Fault::Before);
        }
        world.clock.advance(SECOND);
        here.end(&refresh_of(&second)).await;
        here.browser(Method::POST, "/auth/logout", &session).await;
        in_time(here.auth.end_all_logins(&subject("bert"))).await.unwrap();
        there.end(&refresh_of(&third)).await;
        for node in [&here, &there] {
            node.events.clear();
        }
        restore(&world, &store, &replica, Incarnation::Same);
        for node in [&here, &there] {
            node.store.heal(Op::Page);
            node.catch_up().await;
        }
        assert_eq!(losses(&here), [(3, 3)]);
        assert_eq!(losses(&there), [(1, 1)]);
        here.catch_up().await;
        let fresh = world.node().await;
        for node in [&here, &there, &fresh] {
            for tokens in [&first, &second, &third] {
                assert_ended(node, tokens).await;
            }
            for cookie in [&all, &session] {
                node.get_by_cookie("/me", cookie).await.assert_invalid_session();
            }
            assert_works(node, &node.login(anna()).await).await;
        }
        for node in [&here, &there] {
            node.catch_up().await;
            assert_eq!(losses(node), []);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lost_writes_that_could_not_be_written_back_are_written_back_later() {
    whole(async {
        for fault in [Fault::Before, Fault::After] {
            let (world, store) = fragile();
            let node = world.node().await;
            let (ended, before) = (node.login(anna()).await, node.login(anna()).await);
            node.end(&refresh_of(&before)).await;
            node.catch_up().await;
            node.store.always(Op::Page, Fault::Before);
            let replica = store.snapshot();
            node.end(&refresh_of(&ended)).await;
            node.events.clear();
            restore(&world, &store, &replica, Incarnation::Same);
            node.store.heal(Op::Page);
            node.store.next(Op::WriteBack, fault);
            assert!(in_time(node.auth.catch_up()).await.is_err());
            node.catch_up().await;
            let losses = losses(&node);
            assert!(matches!(losses[..], [(1, _)]), "{losses:?}");
            assert_ended(&world.node().await, &ended).await;
        }
    })
    .await;
}

/// Nothing is taken for lost that only came in an unusual order.
#[tokio::test(start_paused = true)]
async fn no_write_is_taken_for_lost_while_nothing_was() {
    whole(async {
        let (world, _) = fragile();
        let nodes = [world.node().await, world.node().await];
        for round in 0..100 {
            let node = &nodes[round % 2];
            let tokens = node.login(anna()).await;
            let token = refresh_of(&tokens);
            let gate = auth_tests::Gate::closed();
            node.store.next(Op::End, Fault::StopAfter(gate.clone()));
            let ending = {
                let node = node.clone();
                tokio::spawn(async move { node.end(&token).await })
            };
            gate.reached().await;
            // Read before it was acknowledged.
            for node in &nodes {
                node.catch_up().await;
            }
            gate.let_one_through();
            auth_tests::joined(ending).await;
            for node in &nodes {
                node.catch_up().await;
                node.get("/me", tokens.access_token()).await.assert_invalid_token();
            }
        }
        for node in &nodes {
            let is_alarm = |event: &AuditEvent| {
                matches!(event, AuditEvent::LogReset { .. } | AuditEvent::WritesLost { .. })
            };
            assert_eq!(node.events.count(is_alarm), 0);
        }
    })
    .await;
}

async fn declaring_a_restore_ends_everything_while_nodes_run(world: World) {
    for until in [None, Some(NOW.after(HOUR))] {
        let [here, there] = [world.node().await, world.node().await];
        let (tokens, cookie) = (here.login(anna()).await, here.sign_in("bert", "").await);
        let ticket = in_time(here.auth.begin(&subject("anna"))).await.unwrap();
        for node in [&here, &there] {
            assert_works(node, &tokens).await;
            node.get_by_cookie("/me", &cookie).await.assert_text("bert, by session");
        }
        world.clock.advance(SECOND);
        in_time(here.auth.declare_restored(until)).await.unwrap();
        here.get("/me", tokens.access_token()).await.assert_invalid_token();
        there.catch_up().await;
        let fresh = world.node().await;
        for node in [&here, &there, &fresh] {
            assert_ended(node, &tokens).await;
            node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
            let result = in_time(node.auth.login_tokens_with(&ticket, Device::unknown(), anna())).await;
            assert!(matches!(result, Err(LoginError::Changed)), "{result:?}");
        }
        for node in [&here, &there, &fresh] {
            let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
            for node in [&here, &there, &fresh] {
                assert_works(node, &tokens).await;
                node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
            }
            node.refresh(&refresh_of(&tokens)).await.unwrap();
            // Ending goes on working above the floor.
            assert!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap() >= 2);
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
        }
        in_time(here.auth.end_all_logins(&subject("bert"))).await.unwrap();
        world.clock.advance(DAY);
    }
}

/// In front of a store whose log has an entry of a later version.
#[derive(Clone, Debug)]
struct Later {
    behind: Arc<dyn Store>,
    expires_at: Timestamp,
}

impl Altered for Later {
    fn behind(&self) -> Arc<dyn Store> {
        self.behind.clone()
    }
}

impl Logins for Later {}
impl Families for Later {}
impl Sessions for Later {}
impl Documents for Later {}

#[async_trait::async_trait]
impl Log for Later {
    async fn page(
        &self,
        realm: &Realm,
        cursor: &Cursor,
        most: NonZeroU32,
    ) -> Result<Timed<Page>, StoreError> {
        let mut page = self.behind.page(realm, cursor, most).await?;
        let entry = LogEntry {
            mark: Mark::from_bytes([7; 16]),
            revoked: Revoked::Unknown,
            expires_at: self.expires_at,
        };
        page.value.entries.push(entry);
        Ok(page)
    }
}

async fn an_entry_of_an_unknown_kind_makes_nodes_ask_the_store(world: World) {
    let expires_at = NOW.after(HOUR);
    let later: Arc<dyn Store> = Arc::new(Relay(Later { behind: world.store.clone(), expires_at }));
    let node = world.node_over(FaultyStore::over(later), |builder| builder).await;
    let other = world.node().await;
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    for expected in 1..4 {
        assert_works(&node, &tokens).await;
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        assert_eq!(node.store.calls(Op::Standing), 2 * expected);
    }
    // What it does not know is asked for; what it knows is not.
    node.store.always(Op::Page, Fault::Before);
    other.end(&refresh_of(&tokens)).await;
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    node.store.always(Op::Standing, Fault::Before);
    node.get_by_cookie("/me", &cookie).await.assert_unavailable();
    node.get_by_cookie("/lax", &cookie).await.assert_unavailable();
    node.store.heal(Op::Standing);
    node.store.heal(Op::Page);
    // Until it is over for everybody.
    world.clock.advance(HOUR + 10 * MINUTE);
    node.catch_up().await;
    let asked = node.store.calls(Op::Standing);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    assert_eq!(node.store.calls(Op::Standing), asked);
    // It is not an entry that was lost, nor one that could be given back.
    assert_eq!(losses(&node), []);
    assert_eq!(node.store.calls(Op::WriteBack), 0);
}

/// What can happen to the file of a running node.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    Deleted,
    Renamed,
    Replaced,
    LogDeleted,
}

#[tokio::test]
async fn a_file_that_went_away_under_a_running_node_acknowledges_nothing_more() {
    whole(async {
        for mishap in [Mishap::Deleted, Mishap::Renamed, Mishap::Replaced, Mishap::LogDeleted] {
            let world = World::sqlite().await;
            let node = world.node().await;
            let [tokens, other] = [node.login(anna()).await, node.login(anna()).await];
            let cookie = node.sign_in("anna", "").await;
            assert_works(&node, &tokens).await;
            node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
            befall(&world, mishap).await;

            // Whatever would have to be written is not acknowledged.
            let out = node.bearer(Method::POST, "/auth/logout", tokens.access_token()).await;
            out.assert_unavailable();
            node.browser(Method::POST, "/auth/logout", &cookie).await.assert_unavailable();
            node.bearer(Method::DELETE, "/auth/logins", tokens.access_token()).await.assert_unavailable();
            let answer = node.browser(Method::POST, "/login/anna", "").await;
            answer.assert_unavailable();
            assert_try_again(&node.refresh(&refresh_of(&other)).await);
            assert!(in_time(node.auth.claims_changed(&subject("anna"))).await.is_err());
            assert!(in_time(node.auth.revoke_key(&key_id(0))).await.is_err());
            assert!(in_time(node.auth.end_all_logins(&subject("anna"))).await.is_err());
            assert!(in_time(node.auth.catch_up()).await.is_err());
            // And when the list is too old to be believed, nobody is let in.
            world.clock.advance(STALENESS + SECOND);
            node.get("/me", tokens.access_token()).await.assert_unavailable();
            node.get_by_cookie("/me", &cookie).await.assert_unavailable();
            node.get("/lax", tokens.access_token()).await.assert_text("anna, by jwt");

            // It stays so until the file is opened anew, by everybody.
            if matches!(mishap, Mishap::LogDeleted) {
                continue;
            }
            let again = SqliteStore::builder(world.path()).clock(world.clock.clone()).open().await.unwrap();
            node.get("/me", tokens.access_token()).await.assert_unavailable();
            let world = world.with_store(Arc::new(again));
            let fresh = world.node().await;
            fresh.get("/me", tokens.access_token()).await.assert_invalid_token();
            assert_works(&fresh, &fresh.login(anna()).await).await;
        }
    })
    .await;
}

async fn befall(world: &World, mishap: Mishap) {
    let path = world.path();
    let beside = |suffix: &str| {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        std::path::PathBuf::from(name)
    };
    match mishap {
        Mishap::Deleted => {
            for suffix in ["", "-wal", "-shm"] {
                std::fs::remove_file(beside(suffix)).unwrap();
            }
        }
        Mishap::Renamed => {
            for suffix in ["", "-wal", "-shm"] {
                let to = world.path().with_file_name(format!("elsewhere.db{suffix}"));
                std::fs::rename(beside(suffix), to).unwrap();
            }
        }
        Mishap::Replaced => {
            let copy = world.path().with_file_name("copy.db");
            drop(open(copy.clone(), &world.clock).await);
            std::fs::rename(copy, &path).unwrap();
            for suffix in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(beside(suffix));
            }
        }
        Mishap::LogDeleted => std::fs::remove_file(beside("-wal")).unwrap(),
    }
    world.clock.advance(SECOND);
}

#[tokio::test]
async fn a_file_that_was_emptied_before_the_start_lets_nothing_old_in() {
    whole(async {
        let folder = tempfile::TempDir::new().unwrap();
        let (tokens, cookie) = {
            let world = World::in_folder(folder.path()).await;
            let node = world.node().await;
            let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
            let signed_out = node.bearer(Method::POST, "/auth/logout", tokens.access_token()).await;
            signed_out.assert_empty(204);
            (tokens, cookie)
        };
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("auth.db{suffix}")));
        }
        std::fs::write(folder.path().join("auth.db"), "").unwrap();
        let world = World::in_folder(folder.path()).await;
        world.clock.advance(SECOND);
        let node = world.node().await;
        assert_ended(&node, &tokens).await;
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_works(&node, &node.login(anna()).await).await;
    })
    .await;
}

/// In front of a store that wakes nodes without end.
#[derive(Clone, Debug)]
struct Restless(Arc<dyn Store>);

impl Altered for Restless {
    fn behind(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
}

impl Logins for Restless {}
impl Families for Restless {}
impl Sessions for Restless {}
impl Documents for Restless {}

impl Log for Restless {
    fn wake_ups(&self) -> watch::Receiver<u64> {
        let (wake, wake_ups) = watch::channel(0);
        tokio::spawn(async move {
            while !wake.is_closed() {
                wake.send_modify(|count| *count += 1);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        wake_ups
    }
}

/// The pages that are asked for in so many seconds, by the clock of the test.
async fn pages_in(node: &Node, time: Duration) -> usize {
    let before = node.store.calls(Op::Page);
    tokio::time::sleep(time).await;
    node.store.calls(Op::Page) - before
}

#[tokio::test(start_paused = true)]
async fn a_store_that_wakes_without_end_keeps_no_node_busy() {
    whole(async {
        let world = World::memory();
        let restless = Restless(world.store.clone());
        // The wake-ups of what stands in front must be those of the one behind.
        let store = FaultyStore::over(Arc::new(Relay(restless)));
        let node = world.node_over(store, |builder| builder).await;
        let woken = pages_in(&node, 10 * SECOND).await;
        assert!((100..=501).contains(&woken), "{woken}");
        node.store.always(Op::Page, Fault::Before);
        let failing = pages_in(&node, 10 * SECOND).await;
        assert!((5..=11).contains(&failing), "{failing}");
    })
    .await;
}

async fn a_restored_store_keeps_no_node_busy(incarnation: Incarnation) {
    let (world, store) = fragile();
    let nodes = [world.node().await, world.node().await, world.node().await];
    let quiet = pages_in(&nodes[0], 10 * SECOND).await;
    assert!((5..=11).contains(&quiet), "{quiet}");
    let copy = store.snapshot();
    for _ in 0..5 {
        let tokens = nodes[0].login(anna()).await;
        nodes[0].end(&refresh_of(&tokens)).await;
    }
    for node in &nodes {
        node.catch_up().await;
    }
    restore(&world, &store, &copy, incarnation);
    let after = pages_in(&nodes[0], 10 * SECOND).await;
    assert!(after <= 30, "{after}");
    let quiet = pages_in(&nodes[0], 10 * SECOND).await;
    assert!((5..=11).contains(&quiet), "{quiet}");
    for node in &nodes {
        assert!(node.store.calls(Op::WriteBack) <= 1);
    }
}

/// Others may have followed the entry at which a node stands, and a purge may then have removed it.
#[tokio::test(start_paused = true)]
async fn what_follows_an_entry_that_was_purged_at_the_cursor_is_heard_of() {
    whole(async {
        let (world, _) = fragile();
        let [node, other] = [world.node().await, world.node().await];
        node.end(&refresh_of(&node.login(anna()).await)).await;
        node.catch_up().await;
        node.store.always(Op::Page, Fault::Before);
        world.clock.advance(DAY);
        let ended = other.login(anna()).await;
        other.end(&refresh_of(&ended)).await;
        world.store.purge().await.unwrap();
        node.store.heal(Op::Page);
        node.catch_up().await;
        assert_ended(&node, &ended).await;
        assert_eq!(losses(&node), []);
        // There is nothing to give back.
        assert_eq!(node.store.calls(Op::WriteBack), 0);
        let log = in_time(world.store.page(&realm::<User>(), &Cursor::start(), MOST)).await.unwrap();
        let [entry] = &log.value.entries[..] else { panic!("{log:?}") };
        assert!(matches!(entry.revoked, Revoked::Login(id, _) if id == login_of(&refresh_of(&ended))));
    })
    .await;
}
