//! Rules about limits on the logins of a subject.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::World;
use super::fixture::{IDLE, MANY, RETENTION, Scene, anna, at_once, bert, most, seconds};
use crate::id::LoginId;
use crate::store::{Created, EndReason, Limit, Logged, NewLogin, Revoked};

async fn live_among(scene: &Scene, numbers: impl Iterator<Item = u8>) -> BTreeSet<LoginId> {
    let mut live = BTreeSet::new();
    for number in numbers {
        let id = scene.id(number);
        live.extend(scene.is_live(id).await.then_some(id));
    }
    live
}

/// Of many concurrent logins, exactly as many are created as the limit allows.
pub async fn concurrent_logins_keep_a_limit_that_refuses(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let ticket = scene.ticket(&anna()).await;
    let done = at_once(&scene, |scene, number| {
        let ticket = ticket.clone();
        async move {
            let limit = Some(Limit::Refuse(most(3)));
            scene.store.create(&scene.realm, &ticket, &scene.annas(number), None, limit).await
        }
    })
    .await;
    let refused = done.iter().filter(|one| one.value == Created::LimitReached).count();
    assert_eq!(refused, usize::from(MANY) - 3);
    assert_eq!(live_among(&scene, 1..=MANY).await.len(), 3);
    assert_eq!(scene.log().await, []);
}

/// All concurrent logins are created, and all above the limit are evicted, each once and with one entry.
pub async fn concurrent_logins_keep_a_limit_that_evicts(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let ticket = scene.ticket(&anna()).await;
    let done = at_once(&scene, |scene, number| {
        let ticket = ticket.clone();
        async move {
            let (login, session) = (scene.annas_session(number), scene.new_session(number));
            let limit = Some(Limit::EvictOldest(most(3)));
            scene.store.create(&scene.realm, &ticket, &login, Some(&session), limit).await
        }
    })
    .await;
    let (mut evicted, mut marks) = (BTreeSet::new(), BTreeSet::new());
    for one in done {
        let Created::Made { evicted: some, .. } = one.value else { panic!("{:?}", one.value) };
        for (login, logged) in some {
            assert!(evicted.insert(login), "a login ended twice");
            marks.insert(logged.mark);
        }
    }
    let live = live_among(&scene, 1..=MANY).await;
    assert_eq!((live.len(), evicted.len()), (3, usize::from(MANY) - 3));
    assert!(live.is_disjoint(&evicted));
    let log = scene.log().await;
    assert_eq!(log.len(), evicted.len());
    assert_eq!(log.iter().map(|entry| entry.mark).collect::<BTreeSet<_>>(), marks);
    for number in 1..=MANY {
        let is_there = scene.session(&scene.key(number)).await.is_some();
        assert_eq!(is_there, live.contains(&scene.id(number)));
    }
}

/// As many logins are evicted as the limit requires, also after it was lowered, and the newest stay. Each is logged
/// for its own retention or the new login's, whichever is longer.
pub async fn the_oldest_logins_are_evicted(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in [4, 2, 5, 1] {
        let retention = RETENTION * u32::from(number);
        scene.sign_in_as(&NewLogin { retention, ..scene.annas(number) }, None).await;
        scene.advance(seconds(1));
    }
    let ticket = scene.ticket(&anna()).await;
    let new = NewLogin { retention: RETENTION * 3, ..scene.annas(3) };
    let done = scene.create(&ticket, &new, None, Some(Limit::EvictOldest(most(2)))).await;
    let Created::Made { evicted, .. } = done.value else { panic!("{:?}", done.value) };
    let ids: Vec<_> = evicted.iter().map(|(login, _)| *login).collect();
    assert_eq!(ids, [4, 2, 5].map(|number| scene.id(number)));
    assert_eq!(live_among(&scene, 1..=5).await, [1, 3].map(|number| scene.id(number)).into());
    let log = scene.log().await;
    assert_eq!(log.len(), 3);
    for ((login, logged), number) in evicted.iter().zip([4_u32, 2, 5]) {
        let entry = log.iter().find(|entry| entry.mark == logged.mark).expect("it was logged");
        assert_eq!(entry.revoked, Revoked::Login(*login, EndReason::Evicted));
        assert_eq!(entry.expires_at, done.now.after(RETENTION * number.max(3)));
        assert_eq!(entry.expires_at, logged.expires_at);
    }
}

/// The new login is not evicted, even if it seems to be the oldest because the clock went back.
pub async fn the_new_login_is_never_evicted(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.advance(seconds(5));
    scene.sign_in(2).await;
    scene.step_back(seconds(600));
    let ticket = scene.ticket(&anna()).await;
    let done = scene.create(&ticket, &scene.annas(3), None, Some(Limit::EvictOldest(most(2)))).await;
    assert!(matches!(done.value, Created::Made { .. }));
    assert_eq!(live_among(&scene, 1..=3).await, [2, 3].map(|number| scene.id(number)).into());
}

/// Creates a login that replaces another, with a limit. Returns the entry of the replaced login, and the ids of the
/// evicted ones.
async fn replace(
    scene: &Scene,
    login: NewLogin,
    replaces: LoginId,
    limit: Limit,
) -> (Option<Logged>, Vec<LoginId>) {
    let ticket = scene.ticket(&login.subject).await;
    let login = NewLogin { replaces: Some(replaces), ..login };
    let done = scene.create(&ticket, &login, None, Some(limit)).await;
    let Created::Made { replaced, evicted, .. } = done.value else { panic!("{:?}", done.value) };
    (replaced, evicted.iter().map(|(login, _)| *login).collect())
}

/// A replaced login ends in the same step, with its own entry, with or without a limit. No other login is evicted,
/// and the new one is not refused.
pub async fn a_replaced_login_ends_and_does_not_count(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let other = scene.sign_in(1).await;
    scene.sign_in(2).await;
    let mut expected = Vec::new();
    for (number, limit) in [(3, Limit::Refuse(most(2))), (4, Limit::EvictOldest(most(2)))] {
        let old = scene.id(number - 1);
        let (replaced, evicted) = replace(&scene, scene.annas(number), old, limit).await;
        expected.push((replaced.expect("it was logged").mark, Revoked::Login(old, EndReason::Replaced)));
        assert_eq!(evicted, []);
    }
    let ticket = scene.ticket(&anna()).await;
    let login = NewLogin { replaces: Some(scene.id(4)), ..scene.annas(5) };
    let done = scene.create(&ticket, &login, None, None).await;
    let Created::Made { replaced: Some(logged), .. } = done.value else { panic!("{:?}", done.value) };
    assert_eq!(logged.expires_at, done.now.after(RETENTION));
    expected.push((logged.mark, Revoked::Login(scene.id(4), EndReason::Replaced)));

    assert_eq!(live_among(&scene, 1..=5).await, [other.id, scene.id(5)].into());
    let mut log: Vec<_> = scene.log().await.into_iter().map(|entry| (entry.mark, entry.revoked)).collect();
    log.sort_by_key(|(_, revoked)| expected.iter().position(|(_, other)| other == revoked));
    assert_eq!(log, expected);
}

/// If more logins must end, the oldest of the others are evicted.
pub async fn a_replaced_login_is_not_evicted_as_well(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in 1..=3 {
        scene.sign_in(number).await;
        scene.advance(seconds(1));
    }
    let (replaced, evicted) = replace(&scene, scene.annas(4), scene.id(1), Limit::EvictOldest(most(2))).await;
    assert!(replaced.is_some());
    assert_eq!(evicted, [scene.id(2)]);
    assert_eq!(live_among(&scene, 1..=4).await, [3, 4].map(|number| scene.id(number)).into());
    assert_eq!(scene.log().await.len(), 2);
}

/// A login is not replaced if it is another subject's, has ended, or never existed.
pub async fn only_a_live_login_of_the_subject_is_replaced(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let berts = scene.sign_in_as(&scene.new_login(&bert(), 1), None).await;
    scene.sign_in_as(&NewLogin { idle: seconds(5), ..scene.annas(2) }, None).await;
    scene.advance(seconds(5));
    for (number, old) in [(4, berts.id), (5, scene.id(2))] {
        assert_eq!(replace(&scene, scene.annas(number), old, Limit::Refuse(most(2))).await, (None, vec![]));
    }
    let ticket = scene.ticket(&anna()).await;
    let login = NewLogin { replaces: Some(scene.id(9)), ..scene.annas(6) };
    let refused = scene.create(&ticket, &login, None, Some(Limit::Refuse(most(2)))).await;
    assert_eq!(refused.value, Created::LimitReached);
    assert!(scene.is_live(berts.id).await);
    assert_eq!(scene.log().await, []);
}

/// Logins that have expired, were ended, or are another subject's do not count.
pub async fn only_live_logins_of_the_subject_count(world: Arc<dyn World>) {
    for (number, limit) in [(10, Limit::Refuse(most(2))), (20, Limit::EvictOldest(most(2)))] {
        let scene = Scene::of(Arc::clone(&world));
        scene.sign_in(number).await;
        scene.end_all(None).await;
        scene.sign_in_as(&NewLogin { lifetime: seconds(5), ..scene.annas(number + 1) }, None).await;
        scene.sign_in_as(&NewLogin { idle: seconds(5), ..scene.annas(number + 2) }, None).await;
        scene.sign_in_as(&scene.new_login(&bert(), number + 3), None).await;
        scene.advance(seconds(5));
        for next in [4, 5] {
            let ticket = scene.ticket(&anna()).await;
            let done = scene.create(&ticket, &scene.annas(number + next), None, Some(limit)).await;
            let Created::Made { evicted, .. } = done.value else { panic!("{:?}", done.value) };
            assert_eq!(evicted, []);
        }
        scene.advance(IDLE);
    }
}

/// A spared login is live, so it counts.
pub async fn a_spared_login_counts(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.sign_in(2).await;
    assert_eq!(scene.end_all(Some(scene.id(1))).await.spared, Some(scene.id(1)));
    let ticket = scene.ticket(&anna()).await;
    let done = scene.create(&ticket, &scene.annas(3), None, Some(Limit::Refuse(most(1)))).await;
    assert_eq!(done.value, Created::LimitReached);
    let done = scene.create(&ticket, &scene.annas(3), None, Some(Limit::EvictOldest(most(1)))).await;
    let Created::Made { evicted, .. } = done.value else { panic!("{:?}", done.value) };
    assert_eq!(evicted.iter().map(|(login, _)| *login).collect::<Vec<_>>(), [scene.id(1)]);
    assert!(!scene.is_live(scene.id(1)).await);
}

/// If a login is refused because of the limit, a taken id or an outdated ticket, no login ends, not even the one to
/// be replaced, and nothing is logged.
pub async fn a_refused_login_ends_nothing(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let old = scene.ticket(&anna()).await;
    scene.end_all(None).await;
    scene.sign_in_session(1).await;
    scene.sign_in(2).await;
    let before = scene.log().await;
    let ticket = scene.ticket(&anna()).await;
    let evict = Some(Limit::EvictOldest(most(1)));
    let replaces = Some(scene.id(2));
    let login = NewLogin { replaces, ..scene.annas(3) };
    let taken = NewLogin { replaces, ..scene.annas(1) };
    let session = scene.new_session(1);
    let refusals = [
        (scene.create(&old, &login, None, evict).await, Created::Outdated),
        (scene.create(&ticket, &taken, None, evict).await, Created::IdTaken),
        (scene.create(&ticket, &login, Some(&session), evict).await, Created::IdTaken),
        (scene.create(&ticket, &login, None, Some(Limit::Refuse(most(1)))).await, Created::LimitReached),
    ];
    for (done, expected) in refusals {
        assert_eq!(done.value, expected);
    }
    assert_eq!(live_among(&scene, 1..=3).await, [1, 2].map(|number| scene.id(number)).into());
    assert_eq!(scene.log().await, before);
}
