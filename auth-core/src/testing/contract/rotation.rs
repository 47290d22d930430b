//! Rules about rotating the current token.

use std::sync::Arc;

use super::World;
use super::fixture::{GRACE, IDLE, LIFETIME, RETENTION, Scene, anna, at_once, seconds, secret};
use crate::id::Position;
use crate::store::{Created, Family, LoginRow, Rotated, Rotation, Timed};

fn at(generation: u32, branch: u16) -> Position {
    Position { generation, branch }
}

/// The second rotation, after the first of [`Scene::rotation`].
fn next(scene: &Scene) -> Rotation {
    Rotation { presented: at(1, 0), secret: secret(101), successor: secret(102), ..scene.rotation(1) }
}

/// A rotation changes all fields, and returns the row as it is stored.
pub async fn a_rotation_moves_the_login_on(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let before = scene.sign_in(1).await;
    let other = scene.sign_in(2).await;
    scene.advance(seconds(100));
    let Timed { value, now } = scene.rotate(&scene.rotation(1)).await;
    let Rotated::Rotated(login) = value else { panic!("{value:?}") };
    let family = Family {
        position: at(1, 0),
        previous_branch: Some(0),
        current: secret(101),
        previous: Some(secret(1)),
        nonce: [1; 16],
        rotated_at: now,
        confirmed: false,
        shared: 0,
        counted: false,
    };
    let expected = LoginRow {
        last_seen_at: now,
        idle_expires_at: now.after(IDLE),
        family: Some(family.clone()),
        ..before
    };
    assert!(login.row == expected, "{login:?}");
    assert!(scene.login(login.row.id).await == Some(login));
    assert!(scene.row(other.id).await == other, "another login changed");

    scene.advance(GRACE);
    let Timed { value, now } = scene.rotate(&next(&scene)).await;
    let Rotated::Rotated(login) = value else { panic!("{value:?}") };
    let expected = Family {
        position: at(2, 0),
        current: secret(102),
        previous: Some(secret(101)),
        rotated_at: now,
        ..family
    };
    assert_eq!(login.row.family, Some(expected));
}

/// With another secret, branch or generation nothing changes, and the login is returned as it is.
pub async fn only_the_current_token_rotates(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.rotated(1).await;
    scene.advance(GRACE);
    let before = scene.row(scene.id(1)).await;
    let wrong = [
        Rotation { secret: secret(1), ..next(&scene) },
        Rotation { secret: secret(102), ..next(&scene) },
        Rotation { presented: at(1, 1), ..next(&scene) },
        Rotation { presented: at(0, 0), ..next(&scene) },
        Rotation { presented: at(2, 0), ..next(&scene) },
        scene.rotation(1),
    ];
    for rotation in wrong {
        let Rotated::Unchanged(login) = scene.rotate(&rotation).await.value else {
            panic!("it happened, or is not live: {rotation:?}");
        };
        assert!(login.row == before);
        assert!(scene.row(scene.id(1)).await == before);
    }
    let done = scene.rotate(&Rotation { login: scene.id(9), ..next(&scene) }).await.value;
    assert_eq!(done, Rotated::NotLive);
    assert!(matches!(scene.rotate(&next(&scene)).await.value, Rotated::Rotated(_)));
}

/// The login of a session has no family, so it does not rotate.
pub async fn the_login_of_a_session_does_not_rotate(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in_as(&scene.annas_session(1), None).await;
    let Rotated::Unchanged(login) = scene.rotate(&scene.rotation(1)).await.value else {
        panic!("it is live, and has no family");
    };
    assert!(login.row == row);
}

/// There is no rotation until the grace period has ended, to the millisecond.
pub async fn within_the_grace_nothing_rotates(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let family = scene.rotated(1).await;
    scene
        .holds_until(family.rotated_at.after(GRACE), async || {
            scene.rotate(&next(&scene)).await.map(|done| match done {
                Rotated::Unchanged(login) => {
                    assert_eq!(login.row.family.as_ref(), Some(&family));
                    true
                }
                _ => false,
            })
        })
        .await;
    let endless = Rotation {
        presented: at(2, 0),
        secret: secret(102),
        grace: std::time::Duration::MAX,
        ..scene.rotation(1)
    };
    scene.advance(seconds(1000));
    assert!(matches!(scene.rotate(&endless).await.value, Rotated::Unchanged(_)));
}

/// If the last rotation is in the future, because the clock was set back, there is no rotation.
pub async fn a_rotation_in_the_future_counts_as_within_the_grace(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let family = scene.rotated(1).await;
    scene.step_back(GRACE * 6);
    for grace in [GRACE, seconds(0)] {
        let Rotated::Unchanged(login) = scene.rotate(&Rotation { grace, ..next(&scene) }).await.value else {
            panic!("it rotated within the grace");
        };
        assert_eq!(login.row.family.as_ref(), Some(&family));
    }
    scene.advance(GRACE * 7);
    assert!(matches!(scene.rotate(&next(&scene)).await.value, Rotated::Rotated(_)));
}

/// Of many concurrent rotations of the same token with different successors, exactly one succeeds, and the others are
/// answered with its row.
pub async fn one_of_many_rotations_wins(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    let done = at_once(&scene, |scene, number| async move {
        let successor = secret(100 + number);
        let rotation = Rotation { successor, grace: seconds(0), ..scene.rotation(1) };
        scene.store.rotate(&scene.realm, &rotation).await
    })
    .await;
    let (mut winners, mut others) = (Vec::new(), Vec::new());
    for one in done {
        match one.value {
            Rotated::Rotated(login) => winners.push(login),
            Rotated::Unchanged(login) => others.push(login),
            Rotated::NotLive => panic!("it is live"),
        }
    }
    let [winner] = &winners[..] else { panic!("one wins: {winners:?}") };
    assert!(others.iter().all(|login| login == winner), "a loser was answered with the row from before");
    assert_eq!(scene.login(scene.id(1)).await.as_ref(), Some(winner));
}

/// After a rotation, `idle_expires_at` is at most `expires_at`.
pub async fn a_rotation_never_outlives_the_login(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let long = Rotation { idle: LIFETIME * 3, ..scene.rotation(1) };
    let Rotated::Rotated(login) = scene.rotate(&long).await.value else { panic!("it rotates") };
    assert_eq!((login.row.expires_at, login.row.idle_expires_at), (row.expires_at, row.expires_at));
}

/// A rotation raises the retention of row and record; a shorter one changes neither.
pub async fn a_rotation_raises_the_retention(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    let long = RETENTION * 4;
    let Rotated::Rotated(login) =
        scene.rotate(&Rotation { retention: long, ..scene.rotation(1) }).await.value
    else {
        panic!("it rotates")
    };
    assert_eq!(login.row.retention, long);
    scene.advance(GRACE);
    let Rotated::Rotated(login) = scene.rotate(&next(&scene)).await.value else { panic!("it rotates") };
    assert_eq!(login.row.retention, long);
    let ended = scene.store.end_all(&scene.realm, &anna(), None, seconds(1)).await.expect("end_all");
    assert_eq!(ended.value.logged.expires_at, ended.now.after(long));
}

/// If a rotation concurrent with the end of all logins finds the login live, it returns the epoch from before the
/// end.
pub async fn the_epoch_is_read_together_with_the_liveness(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in 1..=16 {
        let ticket = scene.ticket(&anna()).await;
        let made = scene.create(&ticket, &scene.annas(number), None, None).await.value;
        assert!(matches!(made, Created::Made { .. }));
        let rotating = tokio::spawn({
            let scene = scene.clone();
            async move { scene.rotate(&scene.rotation(number)).await.value }
        });
        if number % 2 == 0 {
            tokio::task::yield_now().await;
        }
        let ended = scene.end_all(None).await;
        match rotating.await.expect("a task") {
            Rotated::Rotated(login) | Rotated::Unchanged(login) => {
                assert!(login.subject_epoch < ended.epoch, "a token of an ended login would be good");
            }
            Rotated::NotLive => {}
        }
    }
}
