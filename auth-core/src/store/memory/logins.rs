//! [`LoginStore`].

use async_trait::async_trait;

use super::MemoryStore;
use super::state::{Purge, State};
use crate::clock::Timestamp;
use crate::id::{LoginId, Position, Subject};
use crate::store::{
    Confirmation, Created, EndReason, Family, Limit, LoginRow, LoginStore, Revoked, Rotation, SessionRow,
    StoreError, Touch,
};

/// How many rows a purge looks at while others wait.
const PURGED_AT_ONCE: usize = 1000;

#[async_trait]
impl LoginStore for MemoryStore {
    fn is_durable(&self) -> bool {
        false
    }

    async fn create_login(
        &self,
        login: &LoginRow,
        session: Option<&SessionRow>,
        replaces: Option<LoginId>,
        limit: Option<Limit>,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        self.with(|state| {
            if state.login(login.id, now).is_some()
                || session.is_some_and(|row| state.session(&row.id, now).is_some())
            {
                return Created::IdTaken;
            }
            let replaced = replaces.filter(|id| state.login(*id, now).is_some());
            let Some(evicted) = surplus(state, &login.subject, replaced, limit, now) else {
                return Created::LimitReached;
            };
            if let Some(id) = replaced {
                state.end(id, EndReason::Replaced, log_until);
            }
            for id in &evicted {
                state.end(*id, EndReason::Evicted, log_until);
            }
            state.insert_login(login.clone());
            if let Some(session) = session {
                state.insert_session(SessionRow { login: Some(login.id), ..session.clone() });
            }
            Created::Created { evicted }
        })
    }

    async fn load_login(&self, id: LoginId, now: Timestamp) -> Result<Option<LoginRow>, StoreError> {
        self.with(|state| state.login(id, now).cloned())
    }

    async fn list_logins(&self, subject: &Subject, now: Timestamp) -> Result<Vec<LoginRow>, StoreError> {
        self.with(|state| state.logins_of(subject, now).rev().cloned().collect())
    }

    async fn end_login(
        &self,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.with(|state| {
            let mine = state.login(id, now).is_some_and(|login| login.subject == *subject);
            if mine {
                state.end(id, reason, log_until);
            }
            mine
        })
    }

    async fn end_logins(
        &self,
        subject: &Subject,
        keep: Option<LoginId>,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<LoginId>, StoreError> {
        self.with(|state| {
            let live = state.logins_of(subject, now).map(|login| login.id);
            let ids: Vec<_> = live.filter(|id| Some(*id) != keep).collect();
            for id in &ids {
                state.end(*id, reason, log_until);
            }
            ids
        })
    }

    async fn rotate(&self, rotation: &Rotation, now: Timestamp) -> Result<Option<LoginRow>, StoreError> {
        self.with(|state| {
            let login = state.login_mut(rotation.login, now)?;
            let family = login.family.as_mut()?;
            let presented = (rotation.position, rotation.presented);
            if presented != (family.position, family.current)
                || family.rotated_at > now.before(rotation.grace)
            {
                return None;
            }
            *family = Family {
                position: Position { generation: family.position.generation.checked_add(1)?, branch: 0 },
                previous_branch: Some(family.position.branch),
                current: rotation.successor,
                previous: Some(family.current),
                nonce: rotation.nonce,
                rotated_at: now,
                confirmed: false,
            };
            login.last_seen_at = login.last_seen_at.max(now);
            login.idle_expires_at = rotation.idle_expires_at.min(login.expires_at);
            Some(login.clone())
        })
    }

    async fn swap_family(
        &self,
        id: LoginId,
        expected: &Family,
        new: &Family,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let compared = |family: &Family| (family.position, family.nonce, family.confirmed);
        self.with(|state| {
            let family = state.login_mut(id, now).and_then(|login| login.family.as_mut());
            let family = family.filter(|family| compared(family) == compared(expected));
            family.map(|family| *family = new.clone()).is_some()
        })
    }

    async fn confirm(&self, confirmations: &[Confirmation], now: Timestamp) -> Result<(), StoreError> {
        self.with(|state| {
            for used in confirmations {
                let family = state.login_mut(used.login, now).and_then(|login| login.family.as_mut());
                if let Some(family) = family.filter(|family| family.position == used.position) {
                    family.confirmed = true;
                }
            }
        })
    }

    async fn touch(&self, touches: &[Touch], now: Timestamp) -> Result<(), StoreError> {
        self.with(|state| {
            for touch in touches {
                if let Some(login) = state.login_mut(touch.login, now) {
                    login.last_seen_at = login.last_seen_at.max(touch.seen_at);
                    login.idle_expires_at =
                        login.idle_expires_at.max(touch.idle_expires_at.min(login.expires_at));
                }
            }
        })
    }

    async fn save_claims(
        &self,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
        loaded_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.with(|state| {
            let login = state.login_mut(id, now).filter(|login| login.epoch <= epoch);
            login
                .map(|login| {
                    login.claims = claims.to_vec();
                    login.epoch = epoch;
                    login.claims_loaded_at = loaded_at;
                })
                .is_some()
        })
    }

    async fn epoch(&self, subject: &Subject) -> Result<u64, StoreError> {
        self.with(|state| state.epoch(subject))
    }

    async fn raise_epoch(
        &self,
        subject: &Subject,
        log_until: Timestamp,
        _: Timestamp,
    ) -> Result<u64, StoreError> {
        self.with(|state| {
            let epoch = state.raise_epoch(subject);
            state.append(Revoked::SubjectBelow(subject.clone(), epoch), log_until);
            epoch
        })
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut purged = 0;
        let mut next = Some(Purge::Logins(None));
        while let Some(at) = next {
            let (then, logins) = self.with(|state| state.purge(at, PURGED_AT_ONCE, now))?;
            next = then;
            purged += logins;
            tokio::task::yield_now().await;
        }
        Ok(purged)
    }
}

/// The logins that must end for one more, oldest first; `None` when it is the new one that must not be.
fn surplus(
    state: &State,
    subject: &Subject,
    replaced: Option<LoginId>,
    limit: Option<Limit>,
    now: Timestamp,
) -> Option<Vec<LoginId>> {
    let Some(limit) = limit else { return Some(Vec::new()) };
    let live = state.logins_of(subject, now).map(|login| login.id);
    let mut live: Vec<_> = live.filter(|id| Some(*id) != replaced).collect();
    live.truncate(limit.surplus(live.len())?);
    Some(live)
}
