//! The numbered log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::fixture::{MANY, NOW, add, after, anna, at_once, kept, log, login_id, token_login};
use crate::id::{KeyId, TokenId};
use crate::store::{EndReason, LogEntry, Revoked, Store};

fn token(number: u8) -> Revoked {
    Revoked::Token(TokenId::from_bytes([number; 16]))
}

/// Every kind of entry, every reason, and one for the same thing again.
pub async fn entries_come_back_as_they_were_appended(store: Arc<dyn Store>) {
    let reasons = [
        EndReason::SignedOut,
        EndReason::EndedRemotely,
        EndReason::SubjectEnded,
        EndReason::Evicted,
        EndReason::Replaced,
        EndReason::Stolen,
        EndReason::ClaimsChanged,
    ];
    let mut things: Vec<_> = reasons.into_iter().map(|reason| Revoked::Login(login_id(1), reason)).collect();
    things.extend([token(1), Revoked::SubjectBelow(anna(), 0), Revoked::SubjectBelow(anna(), 1 << 40)]);
    things.extend([Revoked::Key(KeyId::new("\u{2603}'key").expect("a key id")), token(1)]);
    let mut expected = Vec::new();
    for (index, revoked) in things.into_iter().enumerate() {
        let expires_at = kept().before(Duration::from_millis(1));
        let sequence = store.append(&revoked, expires_at, NOW).await.expect("append");
        assert_eq!(usize::try_from(sequence).expect("a small number"), index + 1);
        expected.push(LogEntry { sequence, revoked, expires_at });
    }
    assert_eq!(log(&store).await, expected);
}

/// An empty log ends at zero; a reader that is ahead of the log learns where it ends.
pub async fn a_page_has_the_oldest_entries_and_the_last_number(store: Arc<dyn Store>) {
    let page = async |after, most| {
        let page = store.entries(after, most, NOW).await.expect("entries");
        (page.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), page.last)
    };
    assert_eq!(page(0, 9).await, (vec![], 0));
    assert_eq!(page(7, 9).await, (vec![], 0));
    for number in 1..=5 {
        store.append(&token(number), kept(), NOW).await.expect("append");
    }
    assert_eq!(page(0, 2).await, (vec![1, 2], 5));
    assert_eq!(page(2, 2).await, (vec![3, 4], 5));
    assert_eq!(page(4, 2).await, (vec![5], 5));
    assert_eq!(page(5, 2).await, (vec![], 5));
    assert_eq!(page(99, 2).await, (vec![], 5));
    assert_eq!(page(u64::MAX, 2).await, (vec![], 5));
    assert_eq!(page(0, 0).await, (vec![], 5));
}

/// From the instant of its expiry on; its number still counts.
pub async fn an_entry_is_gone_when_it_expires(store: Arc<dyn Store>) {
    for (number, expires_at) in [(1, after(10)), (2, kept()), (3, after(10))] {
        store.append(&token(number), expires_at, NOW).await.expect("append");
    }
    let before = store.entries(0, 99, after(10).before(Duration::from_millis(1))).await.expect("entries");
    assert_eq!(before.entries.len(), 3);
    let page = store.entries(0, 99, after(10)).await.expect("entries");
    assert_eq!(page.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [2]);
    assert_eq!(page.last, 3);
    let page = store.entries(0, 1, after(10)).await.expect("entries");
    assert_eq!(page.entries.len(), 1, "expired entries take no room on a page");
}

/// While many append, a reader that goes on from where it was sees every entry, once, in order.
pub async fn a_reader_misses_no_entry(store: Arc<dyn Store>) {
    let writers = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let numbers = at_once(&store, |store, number| async move {
                let mut numbers = Vec::new();
                for part in 0..4 {
                    let thing =
                        Revoked::Login(login_id(number), [EndReason::Stolen, EndReason::Evicted][part % 2]);
                    numbers.push(store.append(&thing, kept(), NOW).await?);
                }
                Ok(numbers)
            });
            numbers.await.into_iter().flatten().collect::<BTreeSet<_>>()
        }
    });
    let (mut seen, mut position) = (BTreeSet::new(), 0);
    loop {
        let is_last = writers.is_finished();
        let page = store.entries(position, 7, NOW).await.expect("entries");
        let is_full = page.entries.len() == 7;
        for entry in page.entries {
            assert!(entry.sequence > position, "an entry came after one with a higher number");
            position = entry.sequence;
            seen.insert(position);
        }
        if !is_full {
            assert!(page.last >= position, "the last number is lower than an entry's");
            position = page.last;
        }
        if is_last && !is_full {
            break;
        }
        tokio::task::yield_now().await;
    }
    let numbers = writers.await.expect("the writers");
    assert_eq!(numbers.len(), usize::from(MANY) * 4, "a number was given twice");
    assert_eq!(seen, numbers);
}

/// Whatever appends; also when the waiting begins only after it.
pub async fn every_append_wakes_those_who_wait(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    for after in 0..3 {
        let waiting = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.changed(after).await }
        });
        tokio::task::yield_now().await;
        match after {
            0 => drop(store.append(&token(1), kept(), NOW).await.expect("append")),
            1 => drop(store.raise_epoch(&anna(), kept(), NOW).await.expect("raise_epoch")),
            _ => {
                let ended = store.end_login(&anna(), login_id(1), EndReason::SignedOut, kept(), NOW).await;
                assert!(ended.expect("end_login"));
            }
        }
        let woken = tokio::time::timeout(Duration::from_secs(5), waiting).await;
        woken.expect("nobody woke the waiting one").expect("a task");
        let late = tokio::time::timeout(Duration::from_secs(5), store.changed(after)).await;
        late.expect("waiting for what was there already");
    }
}
