//! Every call checks itself whether a login is live.

use std::sync::Arc;

use super::World;
use super::fixture::{GRACE, IDLE, LIFETIME, MILLISECOND, RETENTION, Scene, anna, most, seconds, secret};
use crate::id::Position;
use crate::store::{
    Created, EndReason, Family, GraceStart, Ids, Limit, LogEntry, LoginRow, Mark, NewLogin, Renamed, Revoked,
    Rotated, SecretHash, Standing, Touch,
};

/// A login of each kind, with tokens (1) and with a session (2); both stay unused.
async fn both(scene: &Scene) -> [LoginRow; 2] {
    [scene.sign_in(1).await, scene.sign_in_session(2).await]
}

/// Checks that no call finds these logins, counts them, renews them or makes them live again.
async fn are_gone(scene: &Scene, rows: [LoginRow; 2]) {
    let (store, realm) = (&scene.store, &scene.realm);
    let family = rows[0].family.clone().expect("tokens have a family");
    let log = scene.log().await;
    let hash = SecretHash::from_bytes([77; 32]);
    for row in &rows {
        assert!(!scene.is_live(row.id).await, "login");
        assert_eq!(scene.end(row.id, EndReason::SignedOut).await, None);
        let saved = store.save_claims(realm, row.id, b"{}", u64::MAX / 2).await.expect("save_claims");
        assert!(!saved.value, "save_claims");
        let touch = Touch { login: row.id, ago: seconds(0), idle: LIFETIME };
        store.touch(realm, &[touch]).await.expect("touch");
        let used = (row.id, Position { generation: 0, branch: 0 });
        store.confirm(realm, &[used]).await.expect("confirm");
        let ids = Ids { login: Some(row.id), ..Ids::default() };
        assert_eq!(scene.standing(ids).await, Standing::Gone);
    }
    let ids = Ids { session: Some(scene.key(2)), ..Ids::default() };
    assert_eq!(scene.standing(ids).await, Standing::Gone);
    assert_eq!(scene.rotate(&scene.rotation(1)).await.value, Rotated::NotLive);
    let replaced =
        store.replace_family(realm, scene.id(1), &family, &family, GraceStart::Now, RETENTION).await;
    assert_eq!(replaced.expect("replace_family").value, None);
    assert_eq!(scene.listed().await, []);
    assert!(scene.session(&scene.key(2)).await.is_none(), "session");
    let saved = store.save_session(realm, &scene.key(2), b"{}", 1, LIFETIME).await.expect("save_session");
    assert!(!saved.value);
    let renamed = store.rename_session(realm, &scene.key(2), &hash, RETENTION).await;
    assert_eq!(renamed.expect("rename_session").value, Renamed::Refused);
    assert_eq!(scene.log().await, log, "what is gone was logged again");

    let ticket = scene.ticket(&anna()).await;
    let made = scene.create(&ticket, &scene.annas(9), None, Some(Limit::Refuse(most(1)))).await.value;
    assert!(matches!(made, Created::Made { .. }), "they count: {made:?}");
    let ended = scene.end_all(Some(rows[0].id)).await;
    assert_eq!((ended.count, ended.spared), (1, None));
    for row in &rows {
        assert!(!scene.is_live(row.id).await, "it came back");
    }
    assert!(scene.session(&scene.key(2)).await.is_none(), "it came back");
}

/// Logins that were ended one by one are not live in any call.
pub async fn a_login_that_was_ended_is_live_in_no_call(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let rows = both(&scene).await;
    for row in &rows {
        assert!(scene.end(row.id, EndReason::SignedOut).await.is_some());
    }
    are_gone(&scene, rows).await;
}

/// Logins that ended with all logins of the subject are not live in any call, although their rows may exist.
pub async fn a_login_that_ended_with_all_is_live_in_no_call(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let rows = both(&scene).await;
    scene.end_all(None).await;
    are_gone(&scene, rows).await;
}

/// Expired logins are not live in any call, purged or not.
pub async fn an_expired_login_is_live_in_no_call(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let short = seconds(60);
    let tokens = NewLogin { lifetime: short, ..scene.annas(1) };
    let session = NewLogin { lifetime: short, ..scene.annas_session(2) };
    let rows = [
        scene.sign_in_as(&tokens, None).await,
        scene.sign_in_as(&session, Some(&scene.new_session(2))).await,
    ];
    scene.advance(short);
    are_gone(&scene, rows).await;
}

/// Logins that were idle for too long are not live in any call, even if a use is reported late.
pub async fn a_login_that_was_idle_too_long_is_live_in_no_call(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let rows = both(&scene).await;
    scene.advance(IDLE);
    are_gone(&scene, rows).await;
}

/// Logins from before a declared restore are not live in any call.
pub async fn a_login_below_the_floor_is_live_in_no_call(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let rows = both(&scene).await;
    scene.end_all(Some(rows[0].id)).await;
    scene.sign_in(3).await;
    scene.store.declare_restored(&scene.realm, None).await.expect("declare_restored");
    assert!(!scene.is_live(scene.id(3)).await);
    are_gone(&scene, rows).await;
}

/// Logins whose end a node wrote back are not live in any call.
pub async fn a_login_whose_end_was_written_back_is_live_in_no_call(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let rows = both(&scene).await;
    let entries = rows.iter().map(|row| LogEntry {
        mark: Mark::random().expect("random"),
        revoked: Revoked::Login(row.id, EndReason::SignedOut),
        expires_at: row.expires_at,
    });
    let entries: Vec<_> = entries.collect();
    scene.store.write_back(&scene.realm, &entries).await.expect("write_back");
    are_gone(&scene, rows).await;
}

/// A spared login is live in every call, however old it is.
pub async fn a_spared_login_is_live_in_every_call(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let (store, realm) = (scene.store.clone(), scene.realm.clone());
    let [tokens, session] = both(&scene).await;

    scene.end_all(Some(tokens.id)).await;
    assert_eq!(scene.listed().await, [tokens.id]);
    let subject = anna();
    let of_login = Ids { login: Some(tokens.id), subject: Some((&subject, tokens.epoch)), ..Ids::default() };
    assert_eq!(scene.standing(of_login).await, Standing::Good);
    let rotated = scene.rotate(&scene.rotation(1)).await.value;
    assert!(matches!(rotated, Rotated::Rotated(_)), "{rotated:?}");
    let position = Position { generation: 1, branch: 0 };
    store.confirm(&realm, &[(tokens.id, position)]).await.expect("confirm");
    let family = scene.row(tokens.id).await.family.expect("a family");
    assert!(family.confirmed, "confirm");
    let new = Family { current: secret(9), ..family.clone() };
    let replaced = store.replace_family(&realm, tokens.id, &family, &new, GraceStart::Keep, RETENTION).await;
    assert!(replaced.expect("replace_family").value.is_some(), "replace_family");
    scene.advance(GRACE);
    let touch = Touch { login: tokens.id, ago: MILLISECOND, idle: IDLE };
    let before = scene.row(tokens.id).await.last_seen_at;
    store.touch(&realm, &[touch]).await.expect("touch");
    assert!(scene.row(tokens.id).await.last_seen_at > before, "touch");
    assert!(store.save_claims(&realm, tokens.id, b"{}", tokens.epoch).await.expect("save_claims").value);
    assert!(scene.end(tokens.id, EndReason::SignedOut).await.is_some());

    assert!(!scene.is_live(session.id).await);
    scene.sign_in_session(3).await;
    scene.end_all(Some(scene.id(3))).await;
    assert!(scene.session(&scene.key(3)).await.is_some_and(|(_, login)| login.is_some()), "session");
    let ids = Ids { session: Some(scene.key(3)), ..Ids::default() };
    assert_eq!(scene.standing(ids).await, Standing::Good);
    let saved = store.save_session(&realm, &scene.key(3), b"{}", 1, LIFETIME).await.expect("save_session");
    assert!(saved.value);
    let renamed = store.rename_session(&realm, &scene.key(3), &scene.key(4).hash, RETENTION).await;
    assert!(matches!(renamed.expect("rename_session").value, Renamed::Renamed(Some(_))));
}
