//! The list, and the feed that fills it from the log.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::{KeyId, LoginId, TokenId};
use auth_core::revoke::{CredentialIds, Feed, LastCleared, RevocationList, Standing};
use auth_core::store::memory::MemoryStore;
use auth_core::store::{EndReason, LogEntry, RevocationStore as _, Revoked};
use auth_core::testing::ManualClock;
use auth_tests::{Fault, FaultyStore, HOUR, MILLISECOND, NOW, Op, SECOND, in_time, subject, watch_this_test};
use proptest::prelude::*;

fn login(number: u8) -> Revoked {
    Revoked::Login(LoginId::from_bytes([number; 16]), EndReason::SignedOut)
}

/// One thing of each kind.
fn things() -> [Revoked; 4] {
    [
        login(1),
        Revoked::Token(TokenId::from_bytes([2; 16])),
        Revoked::Key(KeyId::new("key").unwrap()),
        Revoked::SubjectBelow(subject("anna"), 3),
    ]
}

/// What the list says of a credential that has just this to be revoked by.
fn is_good(standing: Standing) -> bool {
    matches!(standing, Standing::Good(_))
}

fn standing(list: &RevocationList, thing: &Revoked) -> Standing {
    let nothing = CredentialIds::default();
    list.standing(&match thing {
        Revoked::Login(login, _) => CredentialIds { login: Some(*login), ..nothing },
        Revoked::Token(token) => CredentialIds { token: Some(*token), ..nothing },
        Revoked::Key(key) => CredentialIds { key: Some(key), ..nothing },
        Revoked::SubjectBelow(subject, epoch) => {
            CredentialIds { subject: Some((subject, epoch - 1)), ..nothing }
        }
        _ => nothing,
    })
}

fn is_known(list: &RevocationList, thing: &Revoked) -> bool {
    !is_good(standing(list, thing))
}

#[test]
fn an_entry_lives_to_the_last_moment_of_what_it_concerns() {
    for millis in [0, 1, 999] {
        let end = NOW.after(Duration::from_millis(millis));
        let list = RevocationList::new();
        things().iter().for_each(|thing| list.insert(thing, end));
        assert_eq!((list.len(), list.is_empty()), (4, false));
        assert_eq!(list.purge(end.before(MILLISECOND)), 0);
        assert!(things().iter().all(|thing| is_known(&list, thing)));
        // At most a second longer.
        assert_eq!(list.purge(end.after(SECOND)), 4);
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
    assert_eq!(list.len(), 4);
    assert_eq!(list.purge(NOW.after(HOUR - SECOND)), 0);
    assert!(things().iter().all(|thing| is_known(&list, thing)));
}

#[test]
fn only_what_is_below_the_epoch_is_outdated() {
    let list = RevocationList::new();
    let anna = subject("anna");
    let standing =
        |epoch| list.standing(&CredentialIds { subject: Some((&anna, epoch)), ..CredentialIds::default() });
    list.insert(&Revoked::SubjectBelow(anna.clone(), 3), NOW.after(HOUR));
    list.insert(&Revoked::SubjectBelow(anna.clone(), 2), NOW.after(HOUR));
    assert_eq!([1, 2].map(standing), [Standing::Outdated; 2]);
    assert!([3, 4].map(standing).into_iter().all(is_good));
}

#[test]
fn an_entry_that_never_expires_is_never_dropped() {
    let list = RevocationList::new();
    list.insert(&things()[2], Timestamp::from_millis(i64::MAX));
    assert_eq!(list.purge(NOW.after(50 * 365 * 24 * HOUR)), 0);
    assert_eq!(standing(&list, &things()[2]), Standing::Revoked);
}

#[test]
fn one_of_many_entries_is_found_and_others_are_not() {
    let list = RevocationList::new();
    let id = |number: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Revoked::Login(LoginId::from_bytes(bytes), EndReason::Evicted)
    };
    for number in 0..200_000 {
        list.insert(&id(number), NOW.after(Duration::from_secs(u64::from(number % 2))));
    }
    assert_eq!(list.len(), 200_000);
    assert!((0..200_000).step_by(997).all(|number| is_known(&list, &id(number))));
    assert!(!(200_000..201_000).any(|number| is_known(&list, &id(number))));
    assert_eq!(list.purge(NOW), 100_000);
    assert!((0..200_000).step_by(997).all(|number| is_known(&list, &id(number)) == (number % 2 == 1)));
}

fn entry() -> impl Strategy<Value = (Revoked, u64)> {
    let thing = prop_oneof![
        (0_u8..4).prop_map(login),
        (0_u8..4).prop_map(|number| Revoked::Token(TokenId::from_bytes([number; 16]))),
        ("[a-c]").prop_map(|text| Revoked::Key(KeyId::new(&text).unwrap())),
        ("[a-c]", 1_u64..5).prop_map(|(text, epoch)| Revoked::SubjectBelow(subject(&text), epoch)),
    ];
    (thing, 1_u64..20)
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
        prop_assert_eq!(straight.purge(expires(purged_at)), shuffled.purge(expires(purged_at)));
        let mut latest: HashMap<Revoked, u64> = HashMap::new();
        for (thing, seconds) in &entries {
            let known = latest.entry(thing.clone()).or_default();
            *known = (*known).max(*seconds);
            prop_assert_eq!(standing(&straight, thing), standing(&shuffled, thing));
        }
        for (thing, seconds) in latest {
            prop_assert!(is_known(&straight, &thing) || seconds <= purged_at);
        }
    }
}

#[test]
fn a_standing_that_is_remembered_gives_way_to_the_next_entry() {
    for thing in &things() {
        let (list, cleared) = (RevocationList::new(), LastCleared::default());
        let nothing = CredentialIds::default();
        let credential = match thing {
            Revoked::Login(login, _) => CredentialIds { login: Some(*login), ..nothing },
            Revoked::Token(token) => CredentialIds { token: Some(*token), ..nothing },
            Revoked::Key(key) => CredentialIds { key: Some(key), ..nothing },
            Revoked::SubjectBelow(subject, epoch) => {
                CredentialIds { subject: Some((subject, epoch - 1)), ..nothing }
            }
            _ => nothing,
        };
        for _ in 0..3 {
            assert!(is_good(list.standing_since(&credential, &cleared)));
        }
        list.insert(&login(9), NOW.after(HOUR));
        assert!(is_good(list.standing_since(&credential, &cleared)));
        list.insert(thing, NOW.after(HOUR));
        for _ in 0..3 {
            assert_eq!(list.standing_since(&credential, &cleared), list.standing(&credential));
            assert!(!is_good(list.standing_since(&credential, &cleared)));
        }
    }
}

/// Whoever is told after an entry was made is told of it, while others ask without end.
#[test]
fn a_standing_that_is_remembered_is_never_older_than_the_list() {
    watch_this_test();
    let (list, cleared) = (Arc::new(RevocationList::new()), Arc::new(LastCleared::default()));
    let asked = CredentialIds { login: Some(LoginId::from_bytes([1; 16])), ..CredentialIds::default() };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 10..13_u8 {
            let list = list.clone();
            scope.spawn(move || (0..20_000).for_each(|_| list.insert(&login(number), NOW.after(HOUR))));
        }
        for _ in 0..2 {
            let (list, cleared) = (list.clone(), cleared.clone());
            let (asked, is_over) = (&asked, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) && is_good(list.standing_since(asked, &cleared)) {}
            });
        }
        std::thread::yield_now();
        list.insert(&login(1), NOW.after(HOUR));
        let mut standings = (0..10_000).map(|_| list.standing_since(&asked, &cleared));
        let good = standings.position(|standing| standing != Standing::Revoked);
        // A thread that is told something else goes on asking until then.
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(good, None);
    });
}

fn feed(store: &FaultyStore, clock: &ManualClock) -> Feed {
    Feed::new(Arc::new(store.clone()), Arc::new(clock.clone()))
}

#[tokio::test(start_paused = true)]
async fn a_feed_reads_a_log_of_many_pages_to_its_end() {
    let store = MemoryStore::new();
    for number in 0..25_001_u32 {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        store.append(&Revoked::Token(TokenId::from_bytes(bytes)), NOW.after(HOUR), NOW).await.unwrap();
    }
    let store = FaultyStore::over(Arc::new(store));
    let feed = feed(&store, &ManualClock::new(NOW));
    in_time(feed.catch_up()).await.unwrap();
    assert_eq!(feed.list().len(), 25_001);
    assert_eq!(store.calls(Op::Page), 3);
    in_time(feed.catch_up()).await.unwrap();
    assert_eq!(store.calls(Op::Page), 4);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_fails_half_way_keeps_what_it_read_and_is_no_newer() {
    let (store, clock) = (FaultyStore::over(Arc::new(MemoryStore::new())), ManualClock::new(NOW));
    let feed = feed(&store, &clock);
    assert!(!feed.is_current(HOUR, NOW));
    in_time(feed.catch_up()).await.unwrap();
    assert!(feed.is_current(Duration::ZERO, NOW));
    store.append(&login(1), NOW.after(HOUR), NOW).await.unwrap();
    clock.advance(SECOND);
    store.next(Op::Page, Fault::Before);
    assert!(in_time(feed.catch_up()).await.is_err());
    assert!(!feed.is_current(Duration::ZERO, NOW.after(SECOND)));
    assert!(feed.is_current(SECOND, NOW.after(SECOND)));
    assert!(!feed.is_current(SECOND, NOW.after(SECOND + MILLISECOND)));
    // One that is from the future is not believed: the clock went back.
    assert!(!feed.is_current(HOUR, NOW.before(MILLISECOND)));
    in_time(feed.catch_up()).await.unwrap();
    assert!(is_known(feed.list(), &login(1)));
}

#[tokio::test(start_paused = true)]
async fn entries_that_come_twice_are_applied_once() {
    let store = FaultyStore::over(Arc::new(MemoryStore::new()));
    let feed = feed(&store, &ManualClock::new(NOW));
    for _ in 0..3 {
        store.append(&login(1), NOW.after(HOUR), NOW).await.unwrap();
        in_time(feed.catch_up()).await.unwrap();
        let entry = LogEntry { sequence: 1, revoked: login(1), expires_at: NOW.after(HOUR) };
        feed.list().apply(&[entry]);
    }
    assert_eq!(feed.list().len(), 1);
}
