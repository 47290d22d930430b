//! The list, and how a node fills it from the log.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_core::__private::revocation::{Cleared, LastCleared, RevocationList};
use auth_core::id::{KeyId, LoginId, Subject, TokenId};
use auth_core::store::{EndReason, Ids, LogEntry, Mark, Partition, Revoked, SecretHash, SessionKey};
use auth_tests::shop::realm;
use auth_tests::{
    Fault, FaultyStore, HOUR, MILLISECOND, NOW, Op, SECOND, STALENESS, User, World, anna, in_time, subject,
    token_id_of, watch_this_test,
};
use proptest::prelude::*;

fn login_id(number: u8) -> LoginId {
    LoginId::from_bytes([number; 16])
}

fn login(number: u8) -> Revoked {
    Revoked::Login(login_id(number), EndReason::SignedOut)
}

fn token(number: u32) -> TokenId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    TokenId::from_bytes(bytes)
}

fn session(number: u8) -> SessionKey {
    SessionKey { partition: Partition::new(7), hash: SecretHash::from_bytes([number; 32]) }
}

/// One thing of each kind that is forgotten after a while.
fn things() -> [Revoked; 6] {
    [
        login(1),
        Revoked::Token(Partition::REALM, token(2)),
        Revoked::Key(KeyId::new("key").unwrap()),
        Revoked::Session(session(3)),
        Revoked::AllEnded { subject: subject("anna"), below: 3, spared: None },
        Revoked::ClaimsChanged { subject: subject("bert"), below: 3 },
    ]
}

/// A credential that has just this to be revoked by.
fn revoked_by(thing: &Revoked) -> Ids<'_> {
    let nothing = Ids::default();
    match thing {
        Revoked::Login(login, _) => Ids { login: Some(*login), ..nothing },
        Revoked::Token(_, token) => Ids { token: Some(*token), ..nothing },
        Revoked::Key(key) => Ids { key: Some(key), ..nothing },
        Revoked::Session(key) => Ids { session: Some(*key), ..nothing },
        Revoked::AllEnded { subject, below, .. } | Revoked::ClaimsChanged { subject, below } => {
            Ids { subject: Some((subject, below - 1)), ..nothing }
        }
        _ => nothing,
    }
}

fn is_good(cleared: Cleared) -> bool {
    matches!(cleared, Cleared::Good(_))
}

fn is_known(list: &RevocationList, thing: &Revoked) -> bool {
    !is_good(list.check(&revoked_by(thing)))
}

#[test]
fn an_entry_is_kept_as_long_as_the_credential_it_concerns() {
    for millis in [0, 1, 999] {
        let end = NOW.after(Duration::from_millis(millis));
        let list = RevocationList::new();
        things().iter().for_each(|thing| list.insert(thing, end));
        assert_eq!((list.len(), list.is_empty()), (6, false));
        assert_eq!(list.purge(end.after(LogEntry::MARGIN).before(MILLISECOND)), 0);
        assert!(things().iter().all(|thing| is_known(&list, thing)));
        // At most a second longer.
        assert_eq!(list.purge(end.after(LogEntry::MARGIN + SECOND)), 6);
        assert!(!things().iter().any(|thing| is_known(&list, thing)));
        assert_eq!((list.len(), list.is_empty()), (0, true));
    }
}

#[test]
fn a_second_entry_never_shortens_the_life_of_the_first() {
    let list = RevocationList::new();
    for thing in &things() {
        list.insert(thing, NOW.after(HOUR));
        list.insert(thing, NOW.after(SECOND));
    }
    assert_eq!(list.len(), 6);
    assert_eq!(list.purge(NOW.after(HOUR + LogEntry::MARGIN - SECOND)), 0);
    assert!(things().iter().all(|thing| is_known(&list, thing)));
}

#[test]
fn only_what_is_below_the_epoch_is_outdated() {
    let list = RevocationList::new();
    let anna = subject("anna");
    let check = |epoch| list.check(&Ids { subject: Some((&anna, epoch)), ..Ids::default() });
    for below in [3, 2] {
        list.insert(&Revoked::ClaimsChanged { subject: anna.clone(), below }, NOW.after(HOUR));
    }
    assert_eq!([1, 2].map(check), [Cleared::Outdated; 2]);
    assert!([3, 4].map(check).into_iter().all(is_good));
}

#[test]
fn only_what_began_below_the_epoch_is_gone() {
    let list = RevocationList::new();
    let anna = subject("anna");
    let check = |begun_under, epoch| {
        list.check(&Ids { subject: Some((&anna, epoch)), begun_under, ..Ids::default() })
    };
    for below in [5, 4] {
        list.insert(&Revoked::AllEnded { subject: anna.clone(), below, spared: None }, NOW.after(HOUR));
    }
    // A token does not say under what its login began: the epoch of its claims stands for it.
    assert_eq!([3, 4].map(|epoch| check(None, epoch)), [Cleared::Gone; 2]);
    assert!([5, 6].map(|epoch| check(None, epoch)).into_iter().all(is_good));
    // A session whose claims were loaded anew began when it did.
    assert_eq!([4, 5, 6].map(|epoch| check(Some(4), epoch)), [Cleared::Gone; 3]);
    assert!(is_good(check(Some(5), 5)));
}

#[test]
fn the_spared_login_goes_on_until_the_next_ending() {
    let list = RevocationList::new();
    let anna = subject("anna");
    let check = |login| {
        let login = Some(login_id(login));
        list.check(&Ids { login, subject: Some((&anna, 1)), ..Ids::default() })
    };
    let ended = |below, spared: Option<u8>| {
        let spared = spared.map(login_id);
        list.insert(&Revoked::AllEnded { subject: anna.clone(), below, spared }, NOW.after(HOUR));
    };
    ended(3, Some(1));
    ended(2, None);
    assert!(is_good(check(1)));
    assert_eq!(check(2), Cleared::Gone);
    list.insert(&Revoked::ClaimsChanged { subject: anna.clone(), below: 3 }, NOW.after(HOUR));
    assert_eq!([1, 2].map(check), [Cleared::Outdated, Cleared::Gone]);
    ended(4, Some(2));
    ended(3, Some(1));
    assert_eq!([1, 2].map(check), [Cleared::Gone, Cleared::Outdated]);
    ended(5, None);
    assert_eq!([1, 2].map(check), [Cleared::Gone; 2]);
}

#[test]
fn everything_below_the_floor_is_gone_for_ever() {
    let (list, last) = (RevocationList::new(), LastCleared::default());
    let anna = subject("anna");
    let check = |begun_under, epoch| {
        list.check(&Ids { subject: Some((&anna, epoch)), begun_under, ..Ids::default() })
    };
    assert!(is_good(list.check_since(&Ids { subject: Some((&anna, 1)), ..Ids::default() }, &last)));
    list.raise_floor(3);
    list.insert(&Revoked::Floor(2), NOW);
    assert_eq!([1, 2].map(|epoch| check(None, epoch)), [Cleared::Gone; 2]);
    assert_eq!(check(Some(2), 7), Cleared::Gone);
    assert!(is_good(check(None, 3)));
    assert_eq!(list.check_since(&Ids { subject: Some((&anna, 1)), ..Ids::default() }, &last), Cleared::Gone);
    list.insert(&Revoked::Floor(4), LogEntry::NEVER);
    assert_eq!(check(None, 3), Cleared::Gone);
    list.purge(NOW.after(50 * 365 * 24 * HOUR));
    assert_eq!(check(None, 3), Cleared::Gone);
}

#[test]
fn an_entry_that_is_not_understood_makes_the_list_incomplete_until_it_expires() {
    let list = RevocationList::new();
    assert!(list.is_complete(NOW));
    list.insert(&Revoked::Unknown, NOW.after(HOUR));
    list.insert(&Revoked::Unknown, NOW);
    let end = NOW.after(HOUR + LogEntry::MARGIN);
    assert!(!list.is_complete(NOW) && !list.is_complete(end.before(MILLISECOND)));
    assert!(list.is_complete(end));
    list.insert(&Revoked::Unknown, LogEntry::NEVER);
    assert!(!list.is_complete(NOW.after(50 * 365 * 24 * HOUR)));
}

#[test]
fn an_entry_that_never_expires_is_never_dropped() {
    let list = RevocationList::new();
    list.insert(&things()[2], LogEntry::NEVER);
    assert_eq!(list.purge(NOW.after(50 * 365 * 24 * HOUR)), 0);
    assert_eq!(list.check(&revoked_by(&things()[2])), Cleared::Gone);
}

#[test]
fn one_of_many_entries_is_found_and_others_are_not() {
    let list = RevocationList::new();
    let id = |number| Revoked::Login(LoginId::from_bytes(*token(number).as_bytes()), EndReason::Evicted);
    for number in 0..200_000 {
        list.insert(&id(number), NOW.after(Duration::from_secs(u64::from(number % 2))));
    }
    assert_eq!(list.len(), 200_000);
    assert!((0..200_000).step_by(997).all(|number| is_known(&list, &id(number))));
    assert!(!(200_000..201_000).any(|number| is_known(&list, &id(number))));
    assert_eq!(list.purge(NOW.after(LogEntry::MARGIN)), 100_000);
    assert!((0..200_000).step_by(997).all(|number| is_known(&list, &id(number)) == (number % 2 == 1)));
}

/// An epoch belongs to one ending, which spared one login or none.
fn all_ended(subject: Subject, below: u64) -> Revoked {
    let spared = below.is_multiple_of(2).then(|| login_id(4));
    Revoked::AllEnded { subject, below, spared }
}

fn entry() -> impl Strategy<Value = (Revoked, u64)> {
    let thing = prop_oneof![
        (0_u8..4).prop_map(login),
        (0_u32..4).prop_map(|number| Revoked::Token(Partition::REALM, token(number))),
        (0_u8..4).prop_map(|number| Revoked::Session(session(number))),
        ("[a-c]").prop_map(|text| Revoked::Key(KeyId::new(&text).unwrap())),
        ("[a-c]", 1_u64..5)
            .prop_map(|(text, below)| Revoked::ClaimsChanged { subject: subject(&text), below }),
        ("[a-c]", 1_u64..5).prop_map(|(text, below)| all_ended(subject(&text), below)),
    ];
    (thing, 1_u64..20)
}

/// What the list says of the credentials that an entry is about, and of those of the login that may be spared.
fn answers(list: &RevocationList, thing: &Revoked) -> [Cleared; 2] {
    let ids = revoked_by(thing);
    [list.check(&ids), list.check(&Ids { login: ids.login.or(Some(login_id(4))), ..ids })]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Twice, out of order, with purges in between: in the end the list says the same.
    #[test]
    fn entries_may_come_twice_and_in_any_order(
        entries in prop::collection::vec(entry(), 0..30),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        purged_at in 0_u64..20,
    ) {
        let expires = |seconds: u64| NOW.after(Duration::from_secs(seconds));
        let (straight, shuffled) = (RevocationList::new(), RevocationList::new());
        entries.iter().for_each(|(thing, seconds)| straight.insert(thing, expires(*seconds)));
        for index in order.iter().filter(|_| !entries.is_empty()) {
            let (thing, seconds) = index.get(&entries);
            shuffled.insert(thing, expires(*seconds));
        }
        entries.iter().rev().for_each(|(thing, seconds)| shuffled.insert(thing, expires(*seconds)));
        prop_assert_eq!(straight.len(), shuffled.len());
        let purged = expires(purged_at).after(LogEntry::MARGIN);
        prop_assert_eq!(straight.purge(purged), shuffled.purge(purged));
        let mut latest: HashMap<Revoked, u64> = HashMap::new();
        for (thing, seconds) in &entries {
            let known = latest.entry(thing.clone()).or_default();
            *known = (*known).max(*seconds);
            prop_assert_eq!(answers(&straight, thing), answers(&shuffled, thing));
        }
        for (thing, seconds) in latest {
            prop_assert!(is_known(&straight, &thing) || seconds <= purged_at);
        }
    }
}

#[test]
fn a_standing_that_is_remembered_gives_way_to_the_next_entry() {
    for thing in &things() {
        let (list, last) = (RevocationList::new(), LastCleared::default());
        let credential = revoked_by(thing);
        for _ in 0..3 {
            assert!(is_good(list.check_since(&credential, &last)));
        }
        list.insert(&login(9), NOW.after(HOUR));
        assert!(is_good(list.check_since(&credential, &last)));
        list.insert(thing, NOW.after(HOUR));
        for _ in 0..3 {
            assert_eq!(list.check_since(&credential, &last), list.check(&credential));
            assert!(!is_good(list.check_since(&credential, &last)));
        }
    }
}

/// A look-up after an entry was made finds it, while other threads look up continuously.
#[test]
fn a_standing_that_is_remembered_is_never_older_than_the_list() {
    watch_this_test();
    let (list, last) = (Arc::new(RevocationList::new()), Arc::new(LastCleared::default()));
    let asked = Ids { login: Some(login_id(1)), ..Ids::default() };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 10..13_u8 {
            let list = list.clone();
            scope.spawn(move || (0..20_000).for_each(|_| list.insert(&login(number), NOW.after(HOUR))));
        }
        for _ in 0..2 {
            let (list, last) = (list.clone(), last.clone());
            let (asked, is_over) = (&asked, &is_over);
            scope.spawn(
                move || {
                    while !is_over.load(Ordering::Relaxed) && is_good(list.check_since(asked, &last)) {}
                },
            );
        }
        std::thread::yield_now();
        list.insert(&login(1), NOW.after(HOUR));
        let mut answers = (0..10_000).map(|_| list.check_since(&asked, &last));
        let good = answers.position(|answer| answer != Cleared::Gone);
        // A thread that is told something else goes on asking until then.
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(good, None);
    });
}

#[test]
fn entries_that_come_twice_are_applied_once() {
    let list = RevocationList::new();
    let entry = |mark| LogEntry {
        mark: Mark::from_bytes([mark; 16]),
        revoked: login(1),
        expires_at: NOW.after(HOUR),
    };
    for _ in 0..3 {
        list.apply(&[entry(1), entry(2), entry(1)]);
    }
    assert_eq!(list.len(), 1);
    assert_eq!(list.purge(NOW.after(HOUR + LogEntry::MARGIN)), 1);
    assert!(!is_known(&list, &login(1)));
}

/// Revokes tokens that nobody has.
async fn revoke_many(world: &World, many: u32) {
    for number in 0..many {
        let (realm, nobody) = (realm::<User>(), subject("nobody"));
        world.store.revoke_token(&realm, &nobody, token(number), HOUR).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_feed_reads_a_log_of_many_pages_to_its_end() {
    let world = World::memory();
    let tokens = world.node().await.login(anna()).await;
    revoke_many(&world, 25_000).await;
    let revoked = token_id_of(tokens.access_token());
    world.store.revoke_token(&realm::<User>(), &subject("anna"), revoked, HOUR).await.unwrap();
    let store = FaultyStore::over(world.store.clone());
    let node = world.node_over(store, |builder| builder).await;
    assert_eq!(node.store.calls(Op::Page), 3);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    assert_eq!(node.store.calls(Op::Standing), 0);
    node.catch_up().await;
    assert_eq!(node.store.calls(Op::Page), 4);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_fails_during_a_read_keeps_the_entries_but_not_the_new_age() {
    let world = World::memory();
    let node = world.node().await;
    node.store.drop_wake_ups();
    let (revoked, other) = (node.login(anna()).await, node.login(anna()).await);
    let id = token_id_of(revoked.access_token());
    world.store.revoke_token(&realm::<User>(), &subject("anna"), id, HOUR).await.unwrap();
    revoke_many(&world, 10_000).await;
    world.clock.advance(SECOND);
    node.get("/me", revoked.access_token()).await.assert_text("anna, by jwt");
    node.store.skip(Op::Page, 1);
    node.store.always(Op::Page, Fault::Before);
    assert!(in_time(node.auth.catch_up()).await.is_err());
    node.get("/me", revoked.access_token()).await.assert_invalid_token();
    assert_eq!(node.store.calls(Op::Standing), 0);
    // It is as old as what was read to the end before.
    world.clock.advance(STALENESS - SECOND);
    node.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(node.store.calls(Op::Standing), 0);
    world.clock.advance(MILLISECOND);
    node.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(node.store.calls(Op::Standing), 1);
    node.store.heal(Op::Page);
    node.catch_up().await;
    node.get("/me", other.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(node.store.calls(Op::Standing), 1);
}

/// The monotonic clock may have stood still, the time of day may have been set: the one that says more counts.
#[tokio::test(start_paused = true)]
async fn the_age_of_a_list_is_the_larger_one_of_both_clocks() {
    let world = World::memory();
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.store.always(Op::Page, Fault::Before);
    let asks = async || {
        let before = node.store.calls(Op::Standing);
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        node.store.calls(Op::Standing) > before
    };
    assert!(!asks().await);
    world.clock.set_wall(NOW.after(STALENESS));
    assert!(!asks().await);
    world.clock.set_wall(NOW.after(STALENESS + MILLISECOND));
    assert!(asks().await);
    // A time of day that was set back makes no old list new.
    world.clock.set_wall(NOW.before(SECOND));
    assert!(!asks().await);
    world.clock.advance(STALENESS + MILLISECOND);
    world.clock.set_wall(NOW.before(SECOND));
    assert!(asks().await);
}
