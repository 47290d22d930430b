//! Rules about other changes of a refresh token family.

use std::sync::Arc;

use super::World;
use super::fixture::{GRACE, RETENTION, Scene, anna, at_once, seconds, secret};
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::id::Position;
use crate::store::{Family, GraceStart, LiveLogin, Rotated, Rotation};

async fn replace(
    scene: &Scene,
    id: LoginId,
    expected: &Family,
    new: &Family,
    grace: GraceStart,
) -> Option<LiveLogin> {
    let done = scene.store.replace_family(&scene.realm, id, expected, new, grace, RETENTION).await;
    done.expect("replace_family").value
}

fn position(generation: u32, branch: u16) -> Position {
    Position { generation, branch }
}

/// A family with a value in every field except the time.
fn full(family: &Family) -> Family {
    Family {
        position: position(7, 3),
        previous_branch: Some(2),
        current: secret(21),
        previous: Some(secret(20)),
        nonce: [9; 16],
        rotated_at: family.rotated_at,
        confirmed: true,
        shared: 5,
        counted: true,
    }
}

/// A family is replaced only if it is as expected in every field.
pub async fn a_family_is_replaced_only_as_expected(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let first = scene.rotated(1).await;
    let is = full(&first);
    let done = replace(&scene, scene.id(1), &first, &is, GraceStart::Keep).await;
    assert_eq!(done.and_then(|login| login.row.family), Some(is.clone()));
    let others = [
        Family { position: position(8, 3), ..is.clone() },
        Family { position: position(7, 4), ..is.clone() },
        Family { previous_branch: Some(1), ..is.clone() },
        Family { previous_branch: None, ..is.clone() },
        Family { current: secret(22), ..is.clone() },
        Family { previous: Some(secret(22)), ..is.clone() },
        Family { previous: None, ..is.clone() },
        Family { nonce: [8; 16], ..is.clone() },
        Family { rotated_at: is.rotated_at.after(seconds(1)), ..is.clone() },
        Family { confirmed: false, ..is.clone() },
        Family { shared: 4, ..is.clone() },
        Family { counted: false, ..is.clone() },
    ];
    for expected in others {
        let done = replace(&scene, scene.id(1), &expected, &first, GraceStart::Keep).await;
        assert!(done.is_none(), "it was not as expected: {expected:?}");
    }
    assert_eq!(scene.row(scene.id(1)).await.family, Some(is.clone()));
    let without = scene.sign_in_as(&scene.annas_session(2), None).await;
    assert!(replace(&scene, without.id, &is, &first, GraceStart::Keep).await.is_none());
    let done = replace(&scene, scene.id(1), &is, &first, GraceStart::Keep).await.expect("as expected");
    assert!(scene.login(scene.id(1)).await == Some(done), "the answer is the login after the change");
}

/// The grace period begins now or stays the same; `rotated_at` of the new family is ignored.
pub async fn the_store_says_when_the_grace_began(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let first = scene.rotated(1).await;
    scene.advance(seconds(100));
    let new = Family { rotated_at: Timestamp::from_seconds(5), ..full(&first) };
    let done = replace(&scene, scene.id(1), &first, &new, GraceStart::Keep).await.expect("as expected");
    let kept = done.row.family.expect("a family");
    assert_eq!(kept.rotated_at, first.rotated_at);
    let (id, grace) = (scene.id(1), GraceStart::Now);
    let done = scene.store.replace_family(&scene.realm, id, &kept, &new, grace, RETENTION).await;
    let done = done.expect("replace_family");
    let family = done.value.and_then(|login| login.row.family).expect("as expected");
    assert_eq!(family, Family { rotated_at: done.now, ..new });
}

/// A replacement raises the retention of row and record. A shorter retention, and a refused replacement, change
/// neither.
pub async fn a_replacement_raises_the_retention(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let family = scene.rotated(1).await;
    let other = Family { nonce: [7; 16], ..family.clone() };
    let replaced = async |expected: &Family, retention| {
        let (id, grace) = (scene.id(1), GraceStart::Keep);
        let done = scene.store.replace_family(&scene.realm, id, expected, &family, grace, retention).await;
        done.expect("replace_family").value.map(|login| login.row.retention)
    };
    assert_eq!(replaced(&other, RETENTION * 9).await, None);
    assert_eq!(scene.row(scene.id(1)).await.retention, RETENTION);
    assert_eq!(replaced(&family, RETENTION * 4).await, Some(RETENTION * 4));
    assert_eq!(replaced(&family, seconds(1)).await, Some(RETENTION * 4));
    assert_eq!(scene.row(scene.id(1)).await.retention, RETENTION * 4);
    let ended = scene.store.end_all(&scene.realm, &anna(), None, seconds(1)).await.expect("end_all");
    assert_eq!(ended.value.logged.expires_at, ended.now.after(RETENTION * 4));
}

/// Of many concurrent replacements with the same expectation, exactly one succeeds.
pub async fn one_of_many_replacements_wins(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let first = scene.rotated(1).await;
    let done = at_once(&scene, |scene, number| {
        let new = Family { nonce: [100 + number; 16], ..first.clone() };
        let first = first.clone();
        async move {
            let (id, grace) = (scene.id(1), GraceStart::Keep);
            scene.store.replace_family(&scene.realm, id, &first, &new, grace, RETENTION).await
        }
    })
    .await;
    let winners: Vec<_> = done.into_iter().filter_map(|one| one.value).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(scene.login(scene.id(1)).await.as_ref(), winners.first());
}

/// A confirmation of an old position, of another branch, or of a session changes nothing; the others of its batch are
/// applied.
pub async fn only_the_current_position_is_confirmed(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in 1..=3 {
        assert!(!scene.rotated(number).await.confirmed);
    }
    scene.sign_in_as(&scene.annas_session(4), None).await;
    let used = |number, generation, branch| (scene.id(number), position(generation, branch));
    let batch = [
        used(1, 0, 0),
        used(4, 1, 0),
        used(9, 1, 0),
        used(2, 1, 0),
        used(1, 1, 1),
        used(3, 2, 0),
        used(2, 1, 0),
    ];
    scene.store.confirm(&scene.realm, &batch).await.expect("confirm");
    scene.store.confirm(&scene.realm, &[]).await.expect("confirm");
    for number in 1..=3 {
        let family = scene.row(scene.id(number)).await.family.expect("a family");
        assert_eq!(family.confirmed, number == 2, "{number}");
    }
}

/// A rotation keeps `shared` if the generation was counted, and otherwise sets it to zero.
pub async fn a_rotation_keeps_what_was_counted(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let first = scene.rotated(1).await;
    let counted = Family { shared: 3, counted: true, ..first.clone() };
    assert!(replace(&scene, scene.id(1), &first, &counted, GraceStart::Keep).await.is_some());
    for (generation, shared) in [(1, 3), (2, 0)] {
        scene.advance(GRACE);
        let rotation = Rotation {
            presented: position(generation, 0),
            secret: secret(if generation == 1 { 101 } else { 55 }),
            successor: secret(55),
            ..scene.rotation(1)
        };
        let Rotated::Rotated(login) = scene.rotate(&rotation).await.value else { panic!("it rotates") };
        let family = login.row.family.expect("a family");
        assert_eq!((family.shared, family.counted), (shared, false));
    }
}
