//! What can be wrong with tickets, with reading logins, and with ending them.

use std::num::NonZeroU32;
use std::time::Duration;

use auth_core::clock::Clock as _;
use auth_core::id::{LoginId, Subject};
use auth_core::store::{
    EndReason, EndedAll, ListCursor, LiveLogin, Logged, LoginStore as _, Mark, Realm, Ticket, Timed,
};

use crate::broken::{Answer, Broken, dawdle};
use crate::fault::Fault::*;

pub(crate) async fn ticket(store: &Broken, realm: &Realm, subject: &Subject) -> Answer<Ticket> {
    store.subjects.lock().unwrap().insert(subject.clone());
    let answer = store.memory.ticket(realm, subject).await?;
    let now = answer.now;
    Ok(answer.map(|ticket| match store.fault() {
        TicketsOfNow => Ticket { epoch: u64::try_from(now.millis()).unwrap(), ..ticket },
        PurgesRecords if store.was_purged() => Ticket { epoch: 1, ..ticket },
        _ => ticket,
    }))
}

pub(crate) async fn login(store: &Broken, realm: &Realm, id: LoginId) -> Answer<Option<LiveLogin>> {
    let read = store.memory.login(realm, id);
    let mut answer =
        if store.has(ExpiresLate) { store.at(store.a_moment_ago(), read).await? } else { read.await? };
    if answer.value.is_none()
        && store.has(FindsDead)
        && let Some(row) = store.remembered(realm, id)
    {
        answer.value = Some(store.as_live(realm, row).await?);
    }
    if let Some(login) = &mut answer.value {
        let touch = store.touches.lock().unwrap().get(&id).copied();
        if let Some(touch) = touch.filter(|_| store.has(LastTouchWins)) {
            (login.row.last_seen_at, login.row.idle_expires_at) = touch;
        }
        let written = *store.written.lock().unwrap();
        if let Some(below) = written.filter(|_| store.has(ThresholdsFall)) {
            login.outdated_below = below;
        }
    }
    Ok(answer)
}

pub(crate) async fn list(
    store: &Broken,
    realm: &Realm,
    subject: &Subject,
    after: Option<&ListCursor>,
    most: NonZeroU32,
) -> Answer<Vec<LiveLogin>> {
    let mut answer = store.memory.list(realm, subject, after, most).await?;
    match store.fault() {
        ListsOldestFirst => answer.value.reverse(),
        ListsDead => {
            let made = store.made.lock().unwrap().clone();
            for (_, row) in made.into_values().filter(|(of, row)| of == realm && row.subject == *subject) {
                if answer.value.iter().all(|login| login.row.id != row.id) {
                    answer.value.push(store.as_live(realm, row).await?);
                }
            }
        }
        CursorNeedsItsLogin => {
            if let Some(after) = after
                && store.memory.login(realm, after.id).await?.value.is_none()
            {
                answer.value = Vec::new();
            }
        }
        _ => {}
    }
    Ok(answer)
}

pub(crate) async fn end(
    store: &Broken,
    realm: &Realm,
    subject: &Subject,
    id: LoginId,
    reason: EndReason,
    retention: Duration,
) -> Answer<Option<Logged>> {
    let live = store.memory.login(realm, id).await?.value;
    if store.has(EndNotAtomic) {
        dawdle().await;
    }
    let owner = live.as_ref().map(|login| login.row.subject.clone()).filter(|_| store.has(EndsAnybodys));
    let answer = store.memory.end(realm, owner.as_ref().unwrap_or(subject), id, reason, retention).await?;
    if store.has(EndRaisesTheEpoch) {
        store.memory.claims_changed(realm, subject, Duration::ZERO).await?;
    }
    let was_there = match store.fault() {
        EndNotAtomic => live.is_some(),
        EndsDead => store.remembered(realm, id).is_some(),
        _ => false,
    };
    let now = answer.now;
    Ok(answer.map(|ended| match ended {
        Some(logged) if store.has(CallersRetention) => {
            Some(Logged { expires_at: now.after(retention), ..logged })
        }
        Some(logged) => Some(store.logged(logged)),
        _ if was_there => Some(Logged { mark: Mark::random().unwrap(), expires_at: store.clock.now() }),
        other => other,
    }))
}

pub(crate) async fn end_all(
    store: &Broken,
    realm: &Realm,
    subject: &Subject,
    except: Option<LoginId>,
    retention: Duration,
) -> Answer<EndedAll> {
    let spared = match store.fault() {
        SparesNothing => None,
        KeepsTheSpared => except.or(*store.spared.lock().unwrap()),
        _ => except,
    };
    if store.has(EndsOneByOne) {
        let most = NonZeroU32::MAX;
        for login in store.memory.list(realm, subject, None, most).await?.value {
            if Some(login.row.id) != except {
                let _ = store
                    .memory
                    .end(realm, subject, login.row.id, EndReason::SubjectEnded, retention)
                    .await?;
            }
        }
    }
    if store.has(OneEpoch) {
        let known = store.subjects.lock().unwrap().clone();
        for other in known {
            store.memory.claims_changed(realm, &other, retention).await?;
        }
    }
    let Timed { value: mut ended, now } = store.memory.end_all(realm, subject, spared, retention).await?;
    *store.spared.lock().unwrap() = ended.spared;
    store.log_late(ended.logged.mark).await;
    match store.fault() {
        CallersRetention => ended.logged.expires_at = now.after(retention),
        CountsNothing => ended.count = 0,
        EpochIsTheTime => ended.epoch = u64::try_from(now.millis()).unwrap(),
        SparesBlindly => ended.spared = except,
        _ => {}
    }
    ended.logged = store.logged(ended.logged);
    Ok(Timed::new(ended, now))
}
