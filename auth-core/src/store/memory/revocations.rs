//! Implements [`RevocationStore`].

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::MemoryStore;
use super::state::{RealmState, epoch_at};
use crate::clock::Timestamp;
use crate::id::{KeyId, Subject, TokenId};
use crate::store::{
    Cursor, Ids, LogEntry, Logged, LoginStore as _, Mark, Page, Partition, Realm, RevocationStore, Revoked,
    Standing, StoreError, Timed,
};

#[async_trait]
impl RevocationStore for MemoryStore {
    async fn revoke_token(
        &self,
        realm: &Realm,
        subject: &Subject,
        token: TokenId,
        retention: Duration,
    ) -> Result<Timed<Logged>, StoreError> {
        let mark = Mark::random()?;
        let revoked = Revoked::Token(Partition::of(subject, self.partitions()), token);
        self.in_realm(realm, |state, now| {
            let retention = state.record(subject).retention.max(retention);
            Ok(state.append(mark, revoked, now.after(retention)))
        })
    }

    async fn revoke_key(&self, realm: &Realm, key: &KeyId) -> Result<Timed<Logged>, StoreError> {
        let mark = Mark::random()?;
        self.in_realm(realm, |state, _| Ok(state.append(mark, Revoked::Key(key.clone()), LogEntry::NEVER)))
    }

    async fn page(
        &self,
        realm: &Realm,
        cursor: &Cursor,
        most: NonZeroU32,
    ) -> Result<Timed<Page>, StoreError> {
        let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
        self.step(|all, now| {
            let incarnation = match all.incarnation {
                Some(incarnation) => incarnation,
                None => *all.incarnation.insert(Mark::random()?),
            };
            let state = all.realm(realm, now);
            Ok(state.log.page(cursor, most, incarnation, state.floor, now))
        })
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Result<Timed<Standing>, StoreError> {
        self.in_realm(realm, |state, now| Ok(standing(state, ids, now)))
    }

    async fn write_back(&self, realm: &Realm, entries: &[LogEntry]) -> Result<Timed<()>, StoreError> {
        self.in_realm(realm, |state, now| {
            entries.iter().for_each(|entry| state.write_back(entry, now));
            Ok(())
        })
    }

    async fn declare_restored(
        &self,
        realm: &Realm,
        instant: Option<Timestamp>,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        let mark = Mark::random()?;
        self.in_realm(realm, |state, now| {
            let times = [Some(now), instant].into_iter().flatten().map(epoch_at);
            let floor = times.fold(state.highest_epoch().saturating_add(1), u64::max);
            state.floor = floor;
            Ok((floor, state.append(mark, Revoked::Floor(floor), LogEntry::NEVER)))
        })
    }

    fn wake_ups(&self) -> watch::Receiver<u64> {
        self.shared.wake_ups.subscribe()
    }
}

fn standing(state: &RealmState, ids: &Ids<'_>, now: Timestamp) -> Standing {
    let is_ended = ids.login.is_some_and(|id| state.live(id, now).is_none())
        || ids.session.is_some_and(|key| state.session(&key, now).is_none())
        || ids.token.is_some_and(|token| state.log.has_token(&token, now))
        || ids.key.is_some_and(|key| state.log.has_key(key));
    let of_subject = ids.subject.map_or(Standing::Good, |(subject, epoch)| {
        let record = state.record(subject);
        let begun_under = ids.begun_under.unwrap_or(epoch);
        let is_spared = record.spared.is_some() && record.spared == ids.login;
        if begun_under.min(epoch) < state.floor || (begun_under < record.ended_below && !is_spared) {
            Standing::Gone
        } else if epoch < record.outdated_below {
            Standing::Outdated
        } else {
            Standing::Good
        }
    });
    if is_ended { Standing::Gone } else { of_subject }
}
