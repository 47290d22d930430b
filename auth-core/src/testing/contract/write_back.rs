//! Rules about writing back entries that a store lost.

use std::sync::Arc;

use super::World;
use super::fixture::{LIFETIME, RETENTION, Scene, anna, seconds};
use crate::id::{KeyId, LoginId, TokenId};
use crate::store::{Created, EndReason, Ids, LogEntry, LoginRow, Mark, NewLogin, Revoked, Standing};

async fn entry(scene: &Scene, revoked: Revoked) -> LogEntry {
    let expires_at = scene.now().await.after(LIFETIME);
    LogEntry { mark: Mark::random().expect("random"), revoked, expires_at }
}

async fn write(scene: &Scene, entries: &[LogEntry]) {
    scene.store.write_back(&scene.realm, entries).await.expect("write_back");
}

fn all_ended(row: &LoginRow, after: u64, spared: Option<LoginId>) -> Revoked {
    Revoked::AllEnded { subject: row.subject.clone(), below: row.epoch + after, spared }
}

/// Written-back entries end logins and sessions, and make tokens and keys invalid.
pub async fn what_is_written_back_takes_effect(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.sign_in(2).await;
    scene.sign_in_session(3).await;
    let key = KeyId::new("one").expect("a key id");
    let token = TokenId::from_bytes([1; 16]);
    let session = scene.new_session(4);
    assert!(scene.store.create_session(&scene.realm, &session).await.expect("create_session").value);
    let mut entries = Vec::new();
    for revoked in [
        Revoked::Login(scene.id(1), EndReason::Stolen),
        Revoked::Login(scene.id(3), EndReason::SignedOut),
        Revoked::Session(session.key),
        Revoked::Token(scene.key(1).partition, token),
        Revoked::Key(key.clone()),
    ] {
        entries.push(entry(&scene, revoked).await);
    }
    write(&scene, &entries).await;
    assert_eq!(scene.listed().await, [scene.id(2)]);
    for number in [3, 4] {
        assert!(scene.session(&scene.key(number)).await.is_none());
    }
    let subject = anna();
    let epoch = scene.ticket(&subject).await.epoch;
    let of_token = Ids { subject: Some((&subject, epoch)), token: Some(token), ..Ids::default() };
    assert_eq!(scene.standing(of_token).await, Standing::Gone);
    assert_eq!(scene.standing(Ids { key: Some(&key), ..Ids::default() }).await, Standing::Gone);
}

/// Written-back entries are in the log with their marks and values.
pub async fn entries_are_appended_under_their_own_marks(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let cursor = scene.cursor().await;
    let entries = [
        entry(&scene, Revoked::Login(scene.id(9), EndReason::EndedRemotely)).await,
        entry(&scene, all_ended(&row, 5, None)).await,
        entry(&scene, Revoked::ClaimsChanged { subject: anna(), below: row.epoch + 9 }).await,
    ];
    write(&scene, &entries).await;
    let (mut found, _) = scene.entries_after(&cursor).await;
    let mut expected = entries.to_vec();
    found.sort_by_key(|entry| entry.mark);
    expected.sort_by_key(|entry| entry.mark);
    assert_eq!(found, expected);
}

/// Entries whose marks are in the log are ignored, however often they are written back.
pub async fn entries_that_the_log_has_are_ignored(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.end_all(None).await;
    let token = TokenId::from_bytes([1; 16]);
    let revoked = scene.store.revoke_token(&scene.realm, &anna(), token, RETENTION).await;
    revoked.expect("revoke_token");
    let own = scene.log().await;
    let foreign = entry(&scene, Revoked::Login(scene.id(1), EndReason::SignedOut)).await;
    write(&scene, &own).await;
    write(&scene, &[foreign.clone(), foreign.clone()]).await;
    write(&scene, &[&own[..], std::slice::from_ref(&foreign)].concat()).await;
    let log = scene.log().await;
    assert_eq!(log.len(), own.len() + 1);
    assert!(log.contains(&foreign));
}

/// `epoch`, `outdated_below` and `ended_below` rise to the written-back values, and never fall.
pub async fn thresholds_only_rise(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let changed = entry(&scene, Revoked::ClaimsChanged { subject: anna(), below: row.epoch + 10 }).await;
    let ticket = scene.ticket(&anna()).await;
    write(&scene, &[changed]).await;
    let login = scene.login(row.id).await.expect("it is live");
    assert!(login.is_outdated());
    assert_eq!((login.subject_epoch, login.outdated_below), (row.epoch + 10, row.epoch + 10));
    assert_eq!(scene.create(&ticket, &scene.annas(2), None, None).await.value, Created::Outdated);

    write(&scene, &[entry(&scene, all_ended(&row, 20, None)).await]).await;
    assert!(!scene.is_live(row.id).await);
    let new = scene.sign_in(3).await;
    assert_eq!(new.begun_under, row.epoch + 20);
    let older = [
        entry(&scene, all_ended(&row, 15, None)).await,
        entry(&scene, Revoked::ClaimsChanged { subject: anna(), below: row.epoch + 5 }).await,
        entry(&scene, Revoked::Floor(1)).await,
    ];
    let floor = scene.floor().await;
    write(&scene, &older).await;
    let login = scene.login(new.id).await.expect("it began later");
    assert_eq!((login.subject_epoch, login.outdated_below), (row.epoch + 20, row.epoch + 10));
    assert!(!scene.is_live(row.id).await, "it came back");
    assert_eq!(scene.floor().await, floor);
    let higher = entry(&scene, Revoked::Floor(row.epoch + 30)).await;
    write(&scene, &[higher]).await;
    assert_eq!(scene.floor().await, row.epoch + 30);
    assert!(!scene.is_live(new.id).await);
    assert!(scene.end_all(None).await.epoch > row.epoch + 30);
}

/// The login that an entry spares stays live.
pub async fn a_login_that_an_entry_spares_goes_on(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    scene.sign_in(2).await;
    write(&scene, &[entry(&scene, all_ended(&row, 10, Some(row.id))).await]).await;
    assert_eq!(scene.listed().await, [row.id]);
    // An older entry that the store lost had ended this login.
    write(&scene, &[entry(&scene, all_ended(&row, 5, None)).await]).await;
    assert_eq!(scene.listed().await, []);
}

/// If an entry spares a login that another one has ended, the login stays ended.
pub async fn writing_back_brings_nothing_back(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let short = NewLogin { lifetime: seconds(5), ..scene.annas(2) };
    let expired = scene.sign_in_as(&short, None).await;
    scene.advance(seconds(5));
    let ended = scene.end_all(None).await;
    for (after, spared) in [(0, row.id), (10, row.id), (20, expired.id)] {
        let below = ended.epoch + after;
        let revoked = Revoked::AllEnded { subject: anna(), below, spared: Some(spared) };
        write(&scene, &[entry(&scene, revoked).await]).await;
        assert_eq!(scene.listed().await, []);
        assert!(!scene.is_live(spared).await);
    }
}
