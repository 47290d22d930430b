//! Rules about ending all logins of a subject.

use std::sync::Arc;

use super::World;
use super::fixture::{MANY, RETENTION, Scene, anna, at_once, bert, seconds};
use crate::store::{Created, Cursor, EndedAll, NewLogin, Revoked, Timed};

/// Logins of both kinds end, and no other subject's.
pub async fn all_logins_of_the_subject_end(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.sign_in(2).await;
    let other = scene.sign_in_as(&scene.new_login(&bert(), 3), None).await;
    let ended = scene.end_all(None).await;
    assert_eq!((ended.count, ended.spared), (2, None));
    for number in [1, 2] {
        assert!(!scene.is_live(scene.id(number)).await);
    }
    assert!(scene.is_live(other.id).await, "somebody else's login ended");
    assert_eq!(scene.end_all(None).await.count, 0, "they ended already");
    scene.sign_in(4).await;
    assert_eq!(scene.end_all(None).await.count, 1);
}

/// Ending all logins appends one entry, however many logins there are, and also if there are none.
pub async fn ending_all_logins_is_one_entry(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let mut cursor = Cursor::start();
    for logins in [0, 1, 5] {
        for number in 0..logins {
            scene.sign_in(logins * 10 + number).await;
        }
        let spared = (logins == 5).then(|| scene.id(50));
        let EndedAll { epoch, logged, spared: told, .. } = scene.end_all(spared).await;
        assert_eq!(told, spared);
        let (entries, next) = scene.entries_after(&cursor).await;
        cursor = next;
        let [entry] = &entries[..] else { panic!("one entry: {entries:?}") };
        assert_eq!((entry.mark, entry.expires_at), (logged.mark, logged.expires_at));
        assert_eq!(entry.revoked, Revoked::AllEnded { subject: anna(), below: epoch, spared });
    }
}

/// A login is not spared if it is unknown, expired, ended, or another subject's.
pub async fn only_a_live_login_of_the_subject_is_spared(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let other = scene.sign_in_as(&scene.new_login(&bert(), 1), None).await;
    scene.sign_in_as(&NewLogin { lifetime: seconds(5), ..scene.annas(2) }, None).await;
    scene.advance(seconds(5));
    for id in [scene.id(9), scene.id(2), other.id] {
        scene.sign_in(10 + id.as_bytes()[1]).await;
        let ended = scene.end_all(Some(id)).await;
        assert_eq!((ended.spared, ended.count), (None, 1));
    }
    assert!(scene.is_live(other.id).await);
}

/// A spared login, its session and its claims stay valid.
pub async fn a_spared_login_goes_on(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    scene.sign_in(2).await;
    let ended = scene.end_all(Some(row.id)).await;
    assert_eq!((ended.count, ended.spared), (1, Some(row.id)));
    let login = scene.login(row.id).await.expect("it is spared");
    assert!(login.row == row);
    assert!(!login.is_outdated(), "its claims are as good as before");
    assert_eq!(login.subject_epoch, ended.epoch);
    assert!(!scene.is_live(scene.id(2)).await);
    // The same login can be spared repeatedly.
    let ended = scene.end_all(Some(row.id)).await;
    assert_eq!((ended.count, ended.spared), (0, Some(row.id)));
    assert!(scene.is_live(row.id).await);
}

/// Sparing a login that was ended before does not make it live again.
pub async fn sparing_brings_nothing_back(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.sign_in(2).await;
    scene.end_all(Some(scene.id(2))).await;
    let ended = scene.end_all(Some(scene.id(1))).await;
    assert_eq!((ended.count, ended.spared), (1, None));
    for number in [1, 2] {
        assert!(!scene.is_live(scene.id(number)).await, "{number} came back");
    }
}

/// A spared login ends with the next end of all logins that does not spare it.
pub async fn a_later_ending_ends_a_spared_login(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.end_all(Some(scene.id(1))).await;
    assert_eq!(scene.end_all(None).await.count, 1);
    assert!(!scene.is_live(scene.id(1)).await);
}

/// Of sign-ins concurrent with the end of all logins, those that began before it do not survive, and those that began
/// after it do.
pub async fn no_sign_in_survives_an_ending_that_it_began_before(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for round in 0..4_u8 {
        let first = round * (MANY + 1);
        let ending = tokio::spawn({
            let scene = scene.clone();
            async move {
                for _ in 0..round {
                    tokio::task::yield_now().await;
                }
                scene.end_all(None).await.epoch
            }
        });
        let done = at_once(&scene, move |scene, one| async move {
            let ticket = scene.ticket(&anna()).await;
            for _ in 0..one % 4 {
                tokio::task::yield_now().await;
            }
            let login = NewLogin { secret: None, ..scene.annas(first + one) };
            scene.store.create(&scene.realm, &ticket, &login, None, None).await
        });
        let done = done.await;
        let epoch = ending.await.expect("a task");
        for Timed { value, .. } in done {
            match value {
                Created::Made { login, .. } => {
                    assert_eq!(scene.is_live(login.id).await, login.begun_under >= epoch);
                }
                Created::Outdated => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The entry is kept for the record's retention, which is the largest that a login of the subject ever had, or the
/// caller's, whichever is longer.
pub async fn the_entry_is_kept_for_the_largest_retention(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let long = RETENTION * 5;
    scene.sign_in_as(&NewLogin { retention: long, ..scene.annas(1) }, None).await;
    scene.sign_in(2).await;
    for (given, expected) in [(seconds(1), long), (long * 2, long * 2), (seconds(2), long)] {
        let Timed { value, now } =
            scene.store.end_all(&scene.realm, &anna(), None, given).await.expect("end_all");
        assert!(value.logged.expires_at >= now.after(expected), "the entry goes too early");
        let entry = scene.log().await.into_iter().find(|entry| entry.mark == value.logged.mark);
        assert_eq!(entry.map(|entry| entry.expires_at), Some(value.logged.expires_at));
    }
}

/// A reader that sees that the logins have ended finds the entry in the log.
pub async fn an_ending_and_its_entry_are_seen_together(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in 1..=8 {
        scene.sign_in(number).await;
        let cursor = scene.cursor().await;
        let ending = tokio::spawn({
            let scene = scene.clone();
            async move { scene.end_all(None).await.logged.mark }
        });
        while scene.is_live(scene.id(number)).await {
            tokio::task::yield_now().await;
        }
        let (entries, _) = scene.entries_after(&cursor).await;
        let mark = ending.await.expect("a task");
        assert!(entries.iter().any(|entry| entry.mark == mark), "it ended before it was logged");
    }
}
