//! Rules about purging.

use std::sync::Arc;

use super::World;
use super::fixture::{IDLE, LIFETIME, RETENTION, Scene, anna, seconds};
use crate::id::{LoginId, TokenId};
use crate::store::{Created, Ids, LogEntry, NewLogin, NewSession, Reset, Standing};

/// Expired and ended logins and sessions of every realm are deleted. Live ones do not change.
pub async fn a_purge_deletes_only_what_is_not_live(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let other = scene.elsewhere();
    scene.sign_in(1).await;
    scene.sign_in_session(2).await;
    scene.end_all(Some(scene.id(2))).await;
    scene.sign_in_as(&NewLogin { lifetime: seconds(5), ..scene.annas(3) }, None).await;
    scene.sign_in_as(&NewLogin { idle: seconds(5), ..scene.annas(4) }, None).await;
    other.sign_in_as(&NewLogin { idle: seconds(5), ..other.annas(5) }, None).await;
    let kept = scene.sign_in(6).await;
    let short = NewSession { lifetime: seconds(5), ..scene.new_session(7) };
    for session in [&short, &scene.new_session(8)] {
        assert!(scene.store.create_session(&scene.realm, session).await.expect("create_session").value);
    }
    scene.advance(seconds(5));
    let log = scene.log().await;
    assert_eq!(scene.purge().await, 4);
    assert_eq!(scene.purge().await, 0);
    assert!(scene.row(scene.id(6)).await == kept);
    assert_eq!(scene.listed().await, [6, 2].map(|number| scene.id(number)));
    assert!(scene.session(&scene.key(2)).await.is_some_and(|(_, login)| login.is_some()));
    assert!(scene.session(&scene.key(8)).await.is_some());
    assert_eq!(scene.log().await, log);
    let free = scene.store.create_session(&scene.realm, &short).await.expect("create_session");
    assert!(free.value, "the hash of an expired session is free");
}

/// The id of an ended login is taken until the purge, and free afterwards.
pub async fn an_id_is_free_after_the_purge(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in_session(1).await;
    scene.end_all(None).await;
    let ticket = scene.ticket(&anna()).await;
    let login = scene.annas_session(1);
    assert_eq!(scene.create(&ticket, &login, None, None).await.value, Created::IdTaken);
    assert!(!scene.is_live(scene.id(1)).await);
    assert_eq!(scene.purge().await, 1);
    let done = scene.create(&ticket, &login, None, None).await.value;
    assert!(matches!(done, Created::Made { .. }), "{done:?}");
    assert!(scene.session(&scene.key(1)).await.is_none(), "the session of the old login came back");
}

/// Records are not purged, because they make old tickets and credentials invalid.
pub async fn records_are_never_purged(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let epoch = scene.end_all(None).await.epoch;
    scene.advance(LIFETIME * 100);
    scene.purge().await;
    assert_eq!(scene.ticket(&anna()).await.epoch, epoch);
    let subject = anna();
    let ids = Ids { subject: Some((&subject, row.epoch)), ..Ids::default() };
    assert_eq!(scene.standing(ids).await, Standing::Gone);
}

/// Entries are purged ten minutes after their expiry, except the newest of a partition, whose mark is in cursors.
pub async fn entries_are_purged_but_the_newest(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let mut marks = Vec::new();
    for number in 1..=3 {
        let token = TokenId::from_bytes([number; 16]);
        let done = scene.store.revoke_token(&scene.realm, &anna(), token, RETENTION).await;
        marks.push(done.expect("revoke_token").value.mark);
    }
    let cursor = scene.cursor().await;
    scene.advance(RETENTION + LogEntry::MARGIN);
    scene.purge().await;
    let page = scene.page(&cursor, 9).await;
    assert_eq!((page.reset, page.has_more), (None, false), "the cursor of a reader that had seen everything");
    let next = scene.end_all(None).await.logged.mark;
    let page = scene.page(&cursor, 9).await;
    assert_eq!(page.reset, None);
    assert!(page.entries.iter().any(|entry| entry.mark == next));
    scene.purge().await;
    let left: Vec<_> = scene.log().await.into_iter().map(|entry| entry.mark).collect();
    assert_eq!(left, [next]);
}

/// A reader whose entry was purged is not told that the store lost it: `reset` is `None` or [`Reset::Purged`].
pub async fn a_purged_entry_is_not_taken_for_a_lost_one(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let revoked = async |number| {
        let token = TokenId::from_bytes([number; 16]);
        let done = scene.store.revoke_token(&scene.realm, &anna(), token, RETENTION).await;
        done.expect("revoke_token").value.mark
    };
    revoked(1).await;
    let away = scene.cursor().await;
    scene.advance(RETENTION + LogEntry::MARGIN);
    let marks = [revoked(2).await, revoked(3).await];
    scene.purge().await;
    let page = scene.page(&away, 9).await;
    assert!(matches!(page.reset, None | Some(Reset::Purged)), "{:?}", page.reset);
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), marks);
    assert_eq!(scene.page(&page.next, 9).await.reset, None);
}

/// A purge deletes all rows, however many there are.
pub async fn a_purge_deletes_more_than_a_batch(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let ticket = scene.ticket(&anna()).await;
    for number in 0..1100_u16 {
        let [high, low] = number.to_be_bytes();
        let mut id = *scene.id(high).as_bytes();
        id[15] = low;
        let login = NewLogin { id: LoginId::from_bytes(id), idle: IDLE, ..scene.annas(1) };
        let done = scene.create(&ticket, &login, None, None).await.value;
        assert!(matches!(done, Created::Made { .. }), "{done:?}");
    }
    scene.end_all(None).await;
    assert_eq!(scene.purge().await, 1100);
    assert_eq!(scene.purge().await, 0);
}
