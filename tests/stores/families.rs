//! What can be wrong with refresh families.

use std::time::Duration;

use auth_core::clock::Clock as _;
use auth_core::id::LoginId;
use auth_core::store::{
    Family, FamilyStore as _, GraceStart, LiveLogin, LoginStore as _, Realm, Rotated, Rotation, Timed,
};

use crate::broken::{Answer, Broken, dawdle};
use crate::fault::Fault::*;

pub(crate) async fn rotate(store: &Broken, realm: &Realm, rotation: &Rotation) -> Answer<Rotated> {
    let mut rotation = rotation.clone();
    let live = store.memory.login(realm, rotation.login).await?;
    let Some(login) = live.value else {
        let row = store.remembered(realm, rotation.login).filter(|_| store.has(RotatesDead));
        let Some(row) = row else { return Ok(Timed::new(Rotated::NotLive, live.now)) };
        return Ok(Timed::new(Rotated::Unchanged(store.as_live(realm, row).await?), live.now));
    };
    let Some(family) = login.row.family.clone() else {
        let answer = if store.has(SessionsRotate) { Rotated::Rotated } else { Rotated::Unchanged };
        return Ok(Timed::new(answer(login), live.now));
    };
    let mut time = store.clock.now();
    match store.fault() {
        IgnoresBranch => rotation.presented.branch = family.position.branch,
        IgnoresGeneration => rotation.presented.generation = family.position.generation,
        IgnoresSecret => rotation.secret = family.current,
        GraceIsShort => rotation.grace = rotation.grace.saturating_sub(Duration::from_millis(1)),
        KeepsRetention => rotation.retention = Duration::ZERO,
        ClockBackRotates if family.rotated_at > time => time = family.rotated_at.after(rotation.grace),
        RotationNotAtomic if family.current == rotation.secret => {
            dawdle().await;
            let latest = store.memory.login(realm, rotation.login).await?.value;
            let latest = latest.and_then(|login| login.row.family).unwrap();
            (rotation.presented, rotation.secret) = (latest.position, latest.current);
        }
        _ => {}
    }
    let mut answer = store.at(time, store.memory.rotate(realm, &rotation)).await?;
    if store.has(ReadsTheEpochLater) {
        dawdle().await;
    }
    let epoch = store.memory.ticket(realm, &login.row.subject).await?.value.epoch;
    if let Rotated::Rotated(login) = &mut answer.value {
        match store.fault() {
            IdleUncapped => login.row.idle_expires_at = answer.now.after(rotation.idle),
            ReadsTheEpochLater => login.subject_epoch = epoch,
            StaleTime => answer.now = answer.now.before(Duration::from_secs(60)),
            _ => {}
        }
        if let Some(new) = login.row.family.as_mut() {
            match store.fault() {
                ForgetsPrevious => new.previous = None,
                ForgetsShared => new.shared = 0,
                KeepsShared => new.shared = family.shared,
                _ => {}
            }
        }
    }
    Ok(answer)
}

pub(crate) async fn replace(
    store: &Broken,
    realm: &Realm,
    id: LoginId,
    expected: &Family,
    new: &Family,
    grace: GraceStart,
    retention: Duration,
) -> Answer<Option<LiveLogin>> {
    let mut expected = expected.clone();
    let stored = store.memory.login(realm, id).await?.value.and_then(|login| login.row.family);
    if let Some(stored) = stored {
        match store.fault() {
            IgnoresField(0) => expected.position = stored.position,
            IgnoresField(1) => expected.previous_branch = stored.previous_branch,
            IgnoresField(2) => expected.current = stored.current,
            IgnoresField(3) => expected.previous = stored.previous,
            IgnoresField(4) => expected.nonce = stored.nonce,
            IgnoresField(5) => expected.rotated_at = stored.rotated_at,
            IgnoresField(6) => expected.confirmed = stored.confirmed,
            IgnoresField(7) => expected.shared = stored.shared,
            IgnoresField(8) => expected.counted = stored.counted,
            ReplaceNotAtomic if stored == expected => {
                dawdle().await;
                let latest = store.memory.login(realm, id).await?.value;
                expected = latest.and_then(|login| login.row.family).unwrap();
            }
            _ => {}
        }
    }
    let retention = if store.has(KeepsRetention) { Duration::ZERO } else { retention };
    let mut answer = store.memory.replace_family(realm, id, &expected, new, grace, retention).await?;
    let family = answer.value.as_mut().and_then(|login| login.row.family.as_mut());
    if let Some(family) = family.filter(|_| store.has(TrustsTheGrace)) {
        family.rotated_at = new.rotated_at;
    }
    Ok(answer)
}
