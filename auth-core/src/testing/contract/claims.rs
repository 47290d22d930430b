//! Rules about the claims of a login, and about changed claims.

use std::sync::Arc;

use super::World;
use super::fixture::{LIFETIME, RETENTION, Scene, anna, bert, seconds};
use crate::id::LoginId;
use crate::store::{LoginRow, NewLogin, Revoked, Timed};

async fn save(scene: &Scene, id: LoginId, claims: &[u8], epoch: u64) -> Timed<bool> {
    scene.store.save_claims(&scene.realm, id, claims, epoch).await.expect("save_claims")
}

/// New claims are stored with their epoch and the store's time.
pub async fn claims_are_replaced(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let before = scene.sign_in(1).await;
    let other = scene.sign_in(2).await;
    let epoch = scene.claims_changed().await;
    scene.advance(seconds(60));
    let Timed { value, now } = save(&scene, before.id, br#"{"new":1}"#, epoch).await;
    assert!(value);
    let expected = LoginRow { claims: br#"{"new":1}"#.to_vec(), epoch, claims_loaded_at: now, ..before };
    let login = scene.login(expected.id).await.expect("it is live");
    assert!(!login.is_outdated());
    assert!(login.row == expected, "{login:?}");
    assert!(scene.row(other.id).await == other, "another login changed");
}

/// Claims of an older epoch are not saved, claims of the same epoch are.
pub async fn claims_of_an_older_epoch_are_not_saved(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let old = scene.sign_in(1).await;
    let epoch = scene.claims_changed().await;
    assert!(save(&scene, old.id, b"1", epoch).await.value);
    let before = scene.row(old.id).await;
    for older in [old.epoch, epoch - 1] {
        assert!(!save(&scene, old.id, b"2", older).await.value);
    }
    assert!(scene.row(old.id).await == before);
    assert!(save(&scene, old.id, b"3", epoch).await.value);
    assert_eq!(scene.row(old.id).await.claims, b"3");
    assert!(!save(&scene, scene.id(9), b"4", epoch).await.value, "an unknown login");
    assert!(!scene.is_live(scene.id(9)).await);
}

/// After a change of claims, the subject's logins are live, and outdated until their claims are loaded again. Other
/// subjects' logins are not affected.
pub async fn changed_claims_outdate_logins_and_end_none(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let mine = scene.sign_in(1).await;
    let other = scene.sign_in_as(&scene.new_login(&bert(), 2), None).await;
    let epoch = scene.claims_changed().await;
    let login = scene.login(mine.id).await.expect("it is live");
    assert!(login.is_outdated());
    assert_eq!((login.subject_epoch, login.outdated_below), (epoch, epoch));
    assert!(login.row == mine);
    assert!(!scene.login(other.id).await.expect("it is live").is_outdated());
    let new = scene.sign_in(3).await;
    assert_eq!(new.epoch, epoch);
    assert!(!scene.login(new.id).await.expect("it is live").is_outdated());
}

/// A change of claims is logged for the record's retention or the caller's, whichever is longer.
pub async fn a_change_of_claims_is_logged(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let long = RETENTION * 3;
    scene.sign_in_as(&NewLogin { retention: long, ..scene.annas(1) }, None).await;
    for (given, expected) in [(seconds(1), long), (LIFETIME, LIFETIME)] {
        let done = scene.store.claims_changed(&scene.realm, &anna(), given).await.expect("claims_changed");
        let (epoch, logged) = done.value;
        assert!(logged.expires_at >= done.now.after(expected));
        let entry = scene.log().await.into_iter().find(|entry| entry.mark == logged.mark);
        let entry = entry.expect("it was logged");
        assert_eq!(entry.expires_at, logged.expires_at);
        assert_eq!(entry.revoked, Revoked::ClaimsChanged { subject: anna(), below: epoch });
    }
}
