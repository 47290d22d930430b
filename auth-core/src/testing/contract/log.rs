//! Rules about the log, and the cursors of its readers.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::World;
use super::fixture::{MANY, RETENTION, Scene, anna, at_once, bert, most, seconds};
use crate::id::{KeyId, TokenId};
use crate::store::{Created, Cursor, EndReason, Limit, LogEntry, Logged, Renamed, Reset, Revoked};

fn key() -> KeyId {
    KeyId::new("\u{2603}'key").expect("a key id")
}

fn token(number: u8) -> TokenId {
    TokenId::from_bytes([number; 16])
}

async fn revoke(scene: &Scene, number: u8) -> Logged {
    let done = scene.store.revoke_token(&scene.realm, &anna(), token(number), RETENTION).await;
    done.expect("revoke_token").value
}

/// After a call that logs has returned, its entry is in the log as it was returned.
pub async fn every_call_that_logs_answers_its_entry(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let (store, realm) = (&scene.store, &scene.realm);
    let retention = RETENTION;
    scene.sign_in(1).await;
    scene.sign_in_session(2).await;
    let mut cursor = Cursor::start();
    for call in 0..8 {
        let (logged, revoked) = match call {
            0 => {
                let Some(logged) = scene.end(scene.id(1), EndReason::Stolen).await else { panic!("end") };
                (logged, Revoked::Login(scene.id(1), EndReason::Stolen))
            }
            1 => {
                let ended = scene.end_all(Some(scene.id(2))).await;
                let (below, spared) = (ended.epoch, Some(scene.id(2)));
                (ended.logged, Revoked::AllEnded { subject: anna(), below, spared })
            }
            2 => {
                let done = store.claims_changed(realm, &bert(), retention).await.expect("claims_changed");
                (done.value.1, Revoked::ClaimsChanged { subject: bert(), below: done.value.0 })
            }
            3 => {
                let new = scene.key(3).hash;
                let done = store.rename_session(realm, &scene.key(2), &new, retention).await;
                let done = done.expect("rename_session").value;
                let Renamed::Renamed(Some(logged)) = done else { panic!("{done:?}") };
                (logged, Revoked::Session(scene.key(2)))
            }
            4 => (revoke(&scene, 7).await, Revoked::Token(scene.key(1).partition, token(7))),
            5 => {
                let logged = store.revoke_key(realm, &key()).await.expect("revoke_key").value;
                assert_eq!(logged.expires_at, LogEntry::NEVER);
                (logged, Revoked::Key(key()))
            }
            6 => {
                let ticket = scene.ticket(&anna()).await;
                let limit = Some(Limit::EvictOldest(most(1)));
                let done = scene.create(&ticket, &scene.annas(4), None, limit).await.value;
                let Created::Made { evicted, .. } = done else { panic!("{done:?}") };
                let [(login, logged)] = evicted[..] else { panic!("{evicted:?}") };
                assert_eq!(login, scene.id(2));
                (logged, Revoked::Login(login, EndReason::Evicted))
            }
            _ => {
                let done = store.declare_restored(realm, None).await.expect("declare_restored").value;
                let (floor, logged) = done;
                assert_eq!(logged.expires_at, LogEntry::NEVER);
                (logged, Revoked::Floor(floor))
            }
        };
        let (entries, next) = scene.entries_after(&cursor).await;
        let expected = LogEntry { mark: logged.mark, revoked, expires_at: logged.expires_at };
        assert!(entries.contains(&expected), "call {call}: {expected:?} is not in {entries:?}");
        cursor = next;
    }
    assert_eq!(scene.log().await.iter().map(|entry| entry.mark).collect::<BTreeSet<_>>().len(), 8);
}

/// A revoked token is logged for the record's retention, because another node may have issued it, or the caller's,
/// whichever is longer.
pub async fn a_token_is_logged_for_the_longer_retention(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    let cases = [
        (anna(), RETENTION / 2, RETENTION),
        (anna(), RETENTION * 2, RETENTION * 2),
        (bert(), RETENTION, RETENTION),
    ];
    for ((subject, retention, expected), number) in cases.into_iter().zip(1..) {
        let done = scene.store.revoke_token(&scene.realm, &subject, token(number), retention).await;
        let done = done.expect("revoke_token");
        assert_eq!(done.value.expires_at, done.now.after(expected));
        let entry = scene.log().await.into_iter().find(|entry| entry.mark == done.value.mark);
        assert_eq!(entry.expect("it was logged").expires_at, done.value.expires_at);
    }
}

/// A page contains at most `most` entries of each partition, and says whether there are more. A reader that has read
/// everything does not get the same entries again and again.
pub async fn pages_are_bounded(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let page = scene.page(&Cursor::start(), 5).await;
    assert_eq!((page.entries.len(), page.has_more, page.reset), (0, false, None));
    let mut marks = BTreeSet::new();
    for number in 1..=10 {
        marks.insert(scene.end_all(None).await.logged.mark);
        assert_eq!(marks.len(), number, "a mark was used twice");
    }
    for size in [1, 3, 10, 50] {
        let (mut seen, mut cursor) = (BTreeSet::new(), Cursor::start());
        for round in 0.. {
            assert!(round <= 30, "the pages have no end");
            let page = scene.page(&cursor, size).await;
            assert!(
                page.entries.len() <= usize::try_from(size).expect("a small number"),
                "one partition is concerned"
            );
            assert_eq!(page.reset, None);
            seen.extend(page.entries.iter().map(|entry| entry.mark));
            cursor = page.next;
            if !page.has_more {
                break;
            }
        }
        assert_eq!(seen, marks, "pages of {size}");
        let page = scene.page(&cursor, size).await;
        assert!(!page.has_more && page.reset.is_none());
    }
}

/// While many writers append, a reader misses no entry, and a page has all entries that were acknowledged before its
/// request.
pub async fn a_reader_misses_no_entry(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let acknowledged = Arc::new(std::sync::Mutex::new(Vec::new()));
    let writers = tokio::spawn({
        let (scene, acknowledged) = (scene.clone(), Arc::clone(&acknowledged));
        async move {
            at_once(&scene, |scene, number| {
                let acknowledged = Arc::clone(&acknowledged);
                async move {
                    for part in 0..6 {
                        let subject = if (number + part) % 2 == 0 { anna() } else { bert() };
                        let done = scene.store.end_all(&scene.realm, &subject, None, RETENTION).await?;
                        acknowledged.lock().expect("no panic").push(done.value.logged.mark);
                        tokio::task::yield_now().await;
                    }
                    Ok(())
                }
            })
            .await
        }
    });
    let (mut seen, mut cursor) = (BTreeSet::new(), Cursor::start());
    loop {
        let is_last = writers.is_finished();
        let before = acknowledged.lock().expect("no panic").clone();
        loop {
            let page = scene.page(&cursor, 7).await;
            assert_eq!(page.reset, None);
            seen.extend(page.entries.iter().map(|entry| entry.mark));
            cursor = page.next;
            if !page.has_more {
                break;
            }
        }
        for mark in before {
            assert!(
                seen.contains(&mark),
                "an entry that was acknowledged before the page was asked for is missing"
            );
        }
        if is_last {
            break;
        }
        tokio::task::yield_now().await;
    }
    writers.await.expect("the writers");
    assert_eq!(seen.len(), usize::from(MANY) * 6);
}

/// With a cursor of another realm, a cut one, or arbitrary bytes, the page begins at the start of the log and says
/// why, and is not an error.
pub async fn a_cursor_that_is_not_of_this_log_begins_again(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for _ in 0..3 {
        scene.end_all(None).await;
    }
    let elsewhere = scene.elsewhere();
    elsewhere.end_all(None).await;
    let log = scene.log().await;
    let foreign = elsewhere.cursor().await;
    let page = scene.page(&foreign, 100).await;
    assert!(page.reset.is_some(), "the cursor of another realm was taken for one of this");
    assert_eq!(page.entries, log);
    for junk in [vec![0xff], vec![0xff; 7], vec![0xff; 5000], b"a cursor \0".to_vec()] {
        let page = scene.page(&Cursor::from_bytes(junk), 100).await;
        assert_eq!(page.reset, Some(Reset::Malformed));
        assert_eq!(page.entries, log);
        assert_eq!(scene.page(&page.next, 100).await.reset, None, "the next cursor is a good one");
    }
    let cursor = scene.cursor().await;
    for length in 1..cursor.as_bytes().len() {
        let cut = Cursor::from_bytes(cursor.as_bytes()[..length].to_vec());
        let page =
            scene.store.page(&scene.realm, &cut, most(100)).await.expect("a cut cursor is no error").value;
        assert!(page.reset.is_none() || page.entries == log);
    }
}

/// Entries are returned until ten minutes after their expiry, and a purge does not change that.
pub async fn entries_are_served_for_the_margin(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let entry = revoke(&scene, 1).await;
    scene.end_all(None).await;
    scene.advance(RETENTION + LogEntry::MARGIN - seconds(30));
    scene.purge().await;
    assert!(scene.log().await.iter().any(|one| one.mark == entry.mark), "it went too early");
}

/// Every call that logs wakes readers.
pub async fn every_entry_wakes_those_who_wait(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    let mut wake_ups = scene.store.wake_ups();
    for call in 0..3 {
        wake_ups.borrow_and_update();
        match call {
            0 => drop(scene.end_all(None).await),
            1 => drop(scene.claims_changed().await),
            _ => drop(revoke(&scene, 1).await),
        }
        let woken = tokio::time::timeout(seconds(5), wake_ups.changed()).await;
        woken.expect("nobody woke the waiting one").expect("the store is there");
    }
}
