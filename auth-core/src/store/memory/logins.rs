//! Implements [`LoginStore`].

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::{RealmState, Record};
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::store::{
    Created, EndReason, EndedAll, Limit, ListCursor, LiveLogin, Logged, LoginRow, LoginStore, Mark, NewLogin,
    NewSession, Realm, Revoked, SessionRow, StoreError, Ticket, Timed, Touch,
};

#[async_trait]
impl LoginStore for MemoryStore {
    fn is_durable(&self) -> bool {
        false
    }

    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Result<Timed<Ticket>, StoreError> {
        self.in_realm(realm, |state, now| Ok(Ticket::new(subject, state.record(subject).epoch, now)))
    }

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Result<Timed<Created>, StoreError> {
        self.step(|all, now| {
            let is_taken = all.has_login(login.id);
            let state = all.realm(realm, now);
            if state.record(&login.subject).epoch != ticket.epoch || ticket.is_expired(now) {
                return Ok(Created::Outdated);
            }
            if is_taken || session.is_some_and(|new| state.sessions.get(&new.key.hash).is_some()) {
                return Ok(Created::IdTaken);
            }
            let Some(oldest) = surplus(state, login, limit, now) else {
                return Ok(Created::LimitReached);
            };
            let old = state.live_of(&login.subject, now).find(|row| login.replaces == Some(row.id)).cloned();
            let replaced_mark = Mark::random()?;
            let marks = oldest.iter().map(|_| Mark::random()).collect::<Result<Vec<_>, _>>()?;
            let replaced = old.map(|old| {
                state.remove_login(old.id);
                let entry = Revoked::Login(old.id, EndReason::Replaced);
                state.append(replaced_mark, entry, now.after(old.retention.max(login.retention)))
            });
            let mut evicted = Vec::new();
            for (old, mark) in oldest.into_iter().zip(marks) {
                state.remove_login(old.id);
                let entry = Revoked::Login(old.id, EndReason::Evicted);
                let expires_at = now.after(old.retention.max(login.retention));
                evicted.push((old.id, state.append(mark, entry, expires_at)));
            }
            state.raise_retention(&login.subject, login.retention);
            let row = login.begun(ticket, now);
            state.logins.insert(row.clone());
            if let Some(new) = session {
                state.sessions.insert(carrying(new, Some(login.id), now));
            }
            Ok(Created::Made { login: row, replaced, evicted })
        })
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        self.in_realm(realm, |state, now| Ok(state.live_login(id, now)))
    }

    async fn list(
        &self,
        realm: &Realm,
        subject: &Subject,
        after: Option<&ListCursor>,
        most: NonZeroU32,
    ) -> Result<Timed<Vec<LiveLogin>>, StoreError> {
        let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
        let place = |login: &LoginRow| (login.created_at, login.id);
        let is_next =
            |login: &&LoginRow| after.is_none_or(|after| place(login) < (after.created_at, after.id));
        self.in_realm(realm, |state, now| {
            let rest = state.live_of(subject, now).rev().filter(is_next);
            Ok(rest.take(most).map(|login| state.with_subject(login)).collect())
        })
    }

    async fn end(
        &self,
        realm: &Realm,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        retention: Duration,
    ) -> Result<Timed<Option<Logged>>, StoreError> {
        self.in_realm(realm, |state, now| {
            let live = state.live(id, now).filter(|login| login.subject == *subject);
            let Some(expires_at) = live.map(|login| now.after(login.retention.max(retention))) else {
                return Ok(None);
            };
            let mark = Mark::random()?;
            state.remove_login(id);
            Ok(Some(state.append(mark, Revoked::Login(id, reason), expires_at)))
        })
    }

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
    ) -> Result<Timed<EndedAll>, StoreError> {
        let mark = Mark::random()?;
        self.in_realm(realm, |state, now| {
            let spared =
                except.filter(|id| state.live(*id, now).is_some_and(|login| login.subject == *subject));
            let ended = state.live_of(subject, now).filter(|login| Some(login.id) != spared).count();
            let record = state.raised(subject, now);
            let epoch = record.epoch;
            state.set_record(subject, Record { ended_below: epoch, spared, ..record });
            let entry = Revoked::AllEnded { subject: subject.clone(), below: epoch, spared };
            let logged = state.append(mark, entry, now.after(record.retention.max(retention)));
            let count = u64::try_from(ended).unwrap_or(u64::MAX);
            Ok(EndedAll { count, epoch, spared, logged })
        })
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        let mark = Mark::random()?;
        self.in_realm(realm, |state, now| {
            let record = state.raised(subject, now);
            let epoch = record.epoch;
            state.set_record(subject, Record { outdated_below: epoch, ..record });
            let entry = Revoked::ClaimsChanged { subject: subject.clone(), below: epoch };
            Ok((epoch, state.append(mark, entry, now.after(record.retention.max(retention)))))
        })
    }

    async fn save_claims(
        &self,
        realm: &Realm,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
    ) -> Result<Timed<bool>, StoreError> {
        self.in_realm(realm, |state, now| {
            let login = state.live_mut(id, now).filter(|login| login.epoch <= epoch);
            let saved = login.map(|login| {
                login.claims = claims.to_vec();
                login.epoch = epoch;
                login.claims_loaded_at = now;
            });
            Ok(saved.is_some())
        })
    }

    async fn touch(&self, realm: &Realm, touches: &[Touch]) -> Result<Timed<()>, StoreError> {
        self.in_realm(realm, |state, now| {
            for touch in touches {
                if let Some(login) = state.live_mut(touch.login, now) {
                    let seen_at = now.before(touch.ago);
                    let idle_expires_at = seen_at.after(touch.idle).min(login.expires_at);
                    login.last_seen_at = login.last_seen_at.max(seen_at);
                    login.idle_expires_at = login.idle_expires_at.max(idle_expires_at);
                }
            }
            Ok(())
        })
    }

    async fn purge(&self) -> Result<Timed<u64>, StoreError> {
        self.purge_all().await
    }
}

/// The logins that must end so that a new one can begin, oldest first; `None` when the new one is refused.
fn surplus(
    state: &RealmState,
    login: &NewLogin,
    limit: Option<Limit>,
    now: Timestamp,
) -> Option<Vec<LoginRow>> {
    let Some(limit) = limit else { return Some(Vec::new()) };
    let others = || state.live_of(&login.subject, now).filter(|row| login.replaces != Some(row.id));
    let surplus = limit.surplus(others().count())?;
    Some(others().take(surplus).cloned().collect())
}

/// The row of a new session.
pub(super) fn carrying(session: &NewSession, login: Option<LoginId>, now: Timestamp) -> SessionRow {
    SessionRow {
        key: session.key,
        login,
        data: session.data.clone(),
        version: 1,
        expires_at: now.after(session.lifetime),
    }
}
