//! Rules about realms: what is in one realm does not exist for another.

use std::sync::Arc;

use super::World;
use super::fixture::{GRACE, LIFETIME, RETENTION, Scene, anna, millis, most, seconds};
use crate::id::Position;
use crate::id::{KeyId, TokenId};
use crate::store::{
    Created, EndReason, GraceStart, Ids, Limit, LogEntry, Mark, Renamed, Revoked, Rotated, Rotation,
    Standing, Touch,
};

/// Calls in another realm do not find, change or end anything.
pub async fn nothing_of_another_realm_is_found_or_changed(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let family = scene.rotated(1).await;
    scene.sign_in_session(2).await;
    scene.advance(GRACE);
    let tokens = scene.row(scene.id(1)).await;
    let session = scene.session(&scene.key(2)).await.expect("it is live").0;
    let other = scene.elsewhere();
    let (store, realm) = (&other.store, &other.realm);
    for number in [1, 2] {
        let id = other.id(number);
        assert!(!other.is_live(id).await);
        assert_eq!(other.end(id, EndReason::SignedOut).await, None);
        assert!(!store.save_claims(realm, id, b"{}", u64::MAX / 2).await.expect("save_claims").value);
        let touch = Touch { login: id, ago: seconds(0), idle: LIFETIME };
        store.touch(realm, &[touch]).await.expect("touch");
        let ids = Ids { login: Some(id), ..Ids::default() };
        assert_eq!(other.standing(ids).await, Standing::Gone);
    }
    assert_eq!(other.listed().await, []);
    let rotation = Rotation {
        presented: Position { generation: 1, branch: 0 },
        secret: family.current,
        ..other.rotation(1)
    };
    assert_eq!(other.rotate(&rotation).await.value, Rotated::NotLive);
    let done = store.replace_family(realm, other.id(1), &family, &family, GraceStart::Now, RETENTION).await;
    assert_eq!(done.expect("replace_family").value, None);
    let used = (other.id(1), family.position);
    store.confirm(realm, &[used]).await.expect("confirm");
    let key = other.key(2);
    assert!(other.session(&key).await.is_none());
    let saved = store.save_session(realm, &key, b"", 1, LIFETIME).await.expect("save_session");
    assert!(!saved.value);
    let renamed = store.rename_session(realm, &key, &other.key(9).hash, RETENTION).await;
    assert_eq!(renamed.expect("rename_session").value, Renamed::Refused);
    store.delete_session(realm, &key).await.expect("delete_session");
    let ids = Ids { session: Some(key), ..Ids::default() };
    assert_eq!(other.standing(ids).await, Standing::Gone);
    let ended = other.end_all(Some(other.id(1))).await;
    assert_eq!((ended.count, ended.spared), (0, None));

    assert!(scene.row(scene.id(1)).await == tokens);
    let (after, login) = scene.session(&scene.key(2)).await.expect("it is live");
    assert!(after == session && login.is_some());
    assert_eq!(scene.log().await, []);
}

/// Ends, changed claims, written-back entries and a new floor of another realm have no effect here.
pub async fn endings_of_another_realm_end_nothing(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    scene.sign_in_session(2).await;
    let ticket = scene.ticket(&anna()).await;
    let floor = scene.floor().await;
    let other = scene.elsewhere();
    other.end_all(None).await;
    other.claims_changed().await;
    let entry =
        |revoked| LogEntry { mark: Mark::random().expect("random"), revoked, expires_at: row.expires_at };
    let entries = [
        entry(Revoked::Login(row.id, EndReason::SignedOut)),
        entry(Revoked::AllEnded { subject: anna(), below: row.epoch + (1 << 30), spared: None }),
        entry(Revoked::Session(scene.key(2))),
    ];
    other.store.write_back(&other.realm, &entries).await.expect("write_back");
    other.store.declare_restored(&other.realm, None).await.expect("declare_restored");
    let login = scene.login(row.id).await.expect("it is live");
    assert!(!login.is_outdated());
    assert!(scene.session(&scene.key(2)).await.is_some());
    assert_eq!(scene.floor().await, floor);
    let done = scene.create(&ticket, &scene.annas(3), None, None).await.value;
    assert!(matches!(done, Created::Made { .. }), "{done:?}");
    assert_eq!(scene.log().await, []);
}

/// Revoked tokens and keys, and their entries, are known only in their realm.
pub async fn logs_of_realms_are_apart(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let other = scene.elsewhere();
    let (token, key) = (TokenId::from_bytes([1; 16]), KeyId::new("one").expect("a key id"));
    other.store.revoke_token(&other.realm, &anna(), token, RETENTION).await.expect("revoke_token");
    other.store.revoke_key(&other.realm, &key).await.expect("revoke_key");
    assert_eq!(other.log().await.len(), 2);
    assert_eq!(scene.log().await, []);
    let subject = anna();
    let epoch = scene.ticket(&subject).await.epoch;
    let ids = Ids { subject: Some((&subject, epoch)), token: Some(token), key: Some(&key), ..Ids::default() };
    assert_eq!(scene.standing(ids).await, Standing::Good);
}

/// Logins of other realms do not count for a limit.
pub async fn a_limit_counts_in_one_realm(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    let other = scene.elsewhere();
    for (number, limit) in [(2, Limit::Refuse(most(2))), (3, Limit::EvictOldest(most(2)))] {
        let ticket = other.ticket(&anna()).await;
        let done = other.create(&ticket, &other.annas(number), None, Some(limit)).await.value;
        let Created::Made { evicted, .. } = done else { panic!("{done:?}") };
        assert_eq!(evicted, []);
    }
    assert!(scene.is_live(scene.id(1)).await);
}

/// The id of a login is unique in all realms.
pub async fn the_id_of_a_login_is_taken_in_all_realms(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    let other = scene.elsewhere();
    let ticket = other.ticket(&anna()).await;
    assert_eq!(other.create(&ticket, &other.annas(1), None, None).await.value, Created::IdTaken);
    assert!(!other.is_live(other.id(1)).await);
    assert!(scene.is_live(scene.id(1)).await);
}

/// Documents with the same name in two realms are different.
pub async fn documents_of_realms_are_apart(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let other = scene.elsewhere();
    let save = async |scene: &Scene, bytes: &[u8]| {
        scene.store.save_document(&scene.realm, "keys", 0, bytes).await.expect("save_document").value
    };
    assert!(save(&scene, b"one").await);
    assert_eq!(other.store.document(&other.realm, "keys").await.expect("document").value, None);
    assert!(save(&other, b"two").await);
    let read = scene.store.document(&scene.realm, "keys").await.expect("document").value;
    assert_eq!(read.map(|document| document.bytes), Some(b"one".to_vec()));
}

/// The first floor is the time at which the realm was first used.
pub async fn the_floor_of_a_realm_begins_with_its_first_use(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let other = scene.elsewhere();
    let floor = scene.floor().await;
    scene.advance(seconds(100));
    let before = scene.now().await;
    let begun = other.floor().await;
    let after = scene.now().await;
    assert!((millis(before)..=millis(after)).contains(&begun), "{begun}");
    assert_eq!(scene.floor().await, floor);
    assert!(floor + 100_000 <= millis(before));
    assert_eq!(other.ticket(&anna()).await.epoch, begun, "a subject without a record has the floor");
}
