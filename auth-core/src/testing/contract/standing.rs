//! Rules about the state of one credential.

use std::sync::Arc;

use super::World;
use super::fixture::{RETENTION, Scene, anna, bert};
use crate::id::{KeyId, TokenId};
use crate::store::{EndReason, Ids, LogEntry, Standing};

/// If a login is named, it must be live; an unknown one is gone.
pub async fn a_named_login_must_be_live(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let ids = |number| Ids { login: Some(scene.id(number)), ..Ids::default() };
    assert_eq!(scene.standing(ids(1)).await, Standing::Good);
    assert_eq!(scene.standing(ids(2)).await, Standing::Gone);
    scene
        .holds_until(row.idle_expires_at, async || {
            let answer = scene.store.standing(&scene.realm, &ids(1)).await.expect("standing");
            answer.map(|standing| standing == Standing::Good)
        })
        .await;
    scene.sign_in(3).await;
    assert!(scene.end(scene.id(3), EndReason::SignedOut).await.is_some());
    assert_eq!(scene.standing(ids(3)).await, Standing::Gone);
    assert_eq!(scene.standing(Ids::default()).await, Standing::Good, "nothing is known against nothing");
}

/// If a session is named, it and its login, if it carries one, must be live.
pub async fn a_named_session_must_be_live(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in_session(1).await;
    let new = scene.new_session(2);
    assert!(scene.store.create_session(&scene.realm, &new).await.expect("create_session").value);
    let ids = |number| Ids { session: Some(scene.key(number)), ..Ids::default() };
    assert_eq!(scene.standing(ids(1)).await, Standing::Good);
    assert_eq!(scene.standing(ids(2)).await, Standing::Good);
    assert_eq!(scene.standing(ids(3)).await, Standing::Gone);
    scene.end_all(None).await;
    assert_eq!(scene.standing(ids(1)).await, Standing::Gone);
    assert_eq!(scene.standing(ids(2)).await, Standing::Good);
}

/// Credentials below the epoch of the end of all logins are gone; from that epoch on they are good.
pub async fn what_began_before_an_ending_is_gone(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let (anna, bert) = (anna(), bert());
    let ids = |epoch| Ids { subject: Some((&anna, epoch)), ..Ids::default() };
    let before = scene.ticket(&anna).await.epoch;
    assert_eq!(scene.standing(ids(before)).await, Standing::Good);
    let epoch = scene.end_all(None).await.epoch;
    for below in [before, epoch - 1] {
        assert_eq!(scene.standing(ids(below)).await, Standing::Gone);
    }
    assert_eq!(scene.standing(ids(epoch)).await, Standing::Good);
    let other = Ids { subject: Some((&bert, before)), ..Ids::default() };
    assert_eq!(scene.standing(other).await, Standing::Good);
}

/// Old credentials of a spared login are good; those of other logins, and those without a login, are gone.
pub async fn the_credentials_of_a_spared_login_are_good(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let other = scene.sign_in(2).await;
    let subject = anna();
    scene.end_all(Some(row.id)).await;
    let ids = |login| Ids { login, subject: Some((&subject, row.epoch)), ..Ids::default() };
    assert_eq!(scene.standing(ids(Some(row.id))).await, Standing::Good);
    assert_eq!(scene.standing(ids(Some(other.id))).await, Standing::Gone);
    assert_eq!(scene.standing(ids(None)).await, Standing::Gone);
    scene.end_all(None).await;
    assert_eq!(scene.standing(ids(Some(row.id))).await, Standing::Gone);
}

/// Credentials below the epoch of a change of claims are outdated, unless they are gone.
pub async fn claims_from_before_a_change_are_outdated(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let subject = anna();
    let ids = |epoch, login| Ids { login, subject: Some((&subject, epoch)), ..Ids::default() };
    let epoch = scene.claims_changed().await;
    for login in [None, Some(row.id)] {
        for below in [row.epoch, epoch - 1] {
            assert_eq!(scene.standing(ids(below, login)).await, Standing::Outdated);
        }
        assert_eq!(scene.standing(ids(epoch, login)).await, Standing::Good);
    }
    assert_eq!(scene.standing(ids(row.epoch, Some(scene.id(9)))).await, Standing::Gone);
    scene.end_all(None).await;
    assert_eq!(scene.standing(ids(row.epoch, None)).await, Standing::Gone);
}

/// After its claims were loaded again, a session is still judged by the epoch under which its login began.
pub async fn a_session_is_judged_by_the_epoch_it_began_under(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let subject = anna();
    let before = scene.ticket(&subject).await.epoch;
    let ended = scene.end_all(None).await.epoch;
    let changed = scene.claims_changed().await;
    let standing = async |begun_under, epoch| {
        let ids = Ids { subject: Some((&subject, epoch)), begun_under, ..Ids::default() };
        scene.standing(ids).await
    };
    assert_eq!(standing(Some(before), changed).await, Standing::Gone);
    assert_eq!(standing(None, changed).await, Standing::Good);
    assert_eq!(standing(Some(ended), changed).await, Standing::Good);
    assert_eq!(standing(Some(ended), ended).await, Standing::Outdated);
}

/// A revoked token is gone for the retention and ten minutes more; other tokens are good.
pub async fn a_revoked_token_is_gone(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let token = |number| TokenId::from_bytes([number; 16]);
    let logged = scene.store.revoke_token(&scene.realm, &anna(), token(1), RETENTION).await;
    let logged = logged.expect("revoke_token");
    assert_eq!(logged.value.expires_at, logged.now.after(RETENTION));
    let subject = anna();
    let epoch = scene.ticket(&subject).await.epoch;
    let ids = |number| Ids { token: Some(token(number)), subject: Some((&subject, epoch)), ..Ids::default() };
    assert_eq!(scene.standing(ids(2)).await, Standing::Good);
    let end = logged.value.expires_at.after(LogEntry::MARGIN);
    scene
        .holds_until(end, async || {
            let answer = scene.store.standing(&scene.realm, &ids(1)).await.expect("standing");
            answer.map(|standing| standing == Standing::Gone)
        })
        .await;
}

/// Everything that a revoked key signed is gone, forever.
pub async fn what_a_revoked_key_signed_is_gone(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let key = |text| KeyId::new(text).expect("a key id");
    let (one, two) = (key("one"), key("two"));
    let ids = |key| Ids { key: Some(key), ..Ids::default() };
    assert_eq!(scene.standing(ids(&one)).await, Standing::Good);
    scene.store.revoke_key(&scene.realm, &one).await.expect("revoke_key");
    assert_eq!(scene.standing(ids(&one)).await, Standing::Gone);
    assert_eq!(scene.standing(ids(&two)).await, Standing::Good);
    scene.advance(RETENTION * 10_000);
    scene.end_all(None).await;
    scene.purge().await;
    assert_eq!(scene.standing(ids(&one)).await, Standing::Gone);
}

/// A credential whose epoch, or whose login's epoch, is below the floor is gone, not outdated.
pub async fn what_is_below_the_floor_is_gone(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let subject = anna();
    let floor = scene.floor().await;
    let standing = async |begun_under, epoch| {
        let ids = Ids { subject: Some((&subject, epoch)), begun_under, ..Ids::default() };
        scene.standing(ids).await
    };
    assert_eq!(standing(None, floor).await, Standing::Good);
    assert_eq!(standing(None, floor - 1).await, Standing::Gone);
    assert_eq!(standing(Some(floor - 1), floor).await, Standing::Gone);
}
