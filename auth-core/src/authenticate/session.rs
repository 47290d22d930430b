//! Session cookies on requests.

use std::sync::Arc;
use std::time::Duration;

use super::cache::{CachedSession, Seen};
use super::{Auth, Shared};
use crate::audit::RefusedBecause;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::extract::Refusal;
use crate::id::Subject;
use crate::requirement::Scheme;
use crate::revoke::Standing;
use crate::session::SessionId;
use crate::store::{EndReason, LoginKind, LoginRow, SessionHash, StoreError, Touch};

/// Two rounds are enough: loaded, found to be outdated, loaded again.
const ROUNDS: usize = 3;

impl<C: Claims> Shared<C> {
    /// The principal of a session; `None` for one that carries no login.
    pub(super) async fn session(&self, id: &SessionId, bound: Duration) -> Result<Option<Auth<C>>, Refusal> {
        let (id, now) = (id.hash(), self.clock.now());
        let mut found = self.cached(&id, now);
        for _ in 0..ROUNDS {
            let session = match found.take() {
                Some(session) => session,
                None => match self.load(&id, now).await? {
                    Some(session) => session,
                    None => return Ok(None),
                },
            };
            match self.standing(&session.auth, None, None, bound, now).await? {
                Standing::Revoked => {
                    self.sessions.remove(&id);
                    return Err(self.refuse(Scheme::Session, RefusedBecause::Revoked));
                }
                Standing::Good if !self.is_due(&session, now) => {
                    self.note_session_use(&session, now);
                    return Ok(Some(session.auth.clone()));
                }
                Standing::Good | Standing::Outdated => self.reload_claims(&id, &session, now).await?,
            }
        }
        Err(Refusal::Unavailable)
    }

    /// A session from the cache that is neither over nor kept for too long.
    fn cached(&self, id: &SessionHash, now: Timestamp) -> Option<Arc<CachedSession<C>>> {
        let session = self.sessions.find(id)?;
        let is_kept = session.loaded_at <= now && now.since(session.loaded_at) < self.config.claims_max_age;
        let is_live = now < session.expires_at && now < session.seen.last().after(self.config.session_idle);
        if is_kept && is_live {
            return Some(session);
        }
        self.sessions.remove(id);
        None
    }

    async fn load(&self, id: &SessionHash, now: Timestamp) -> Result<Option<Arc<CachedSession<C>>>, Refusal> {
        let loaded = self.store.load_session(id, now).await.map_err(unavailable)?;
        let Some((_, login)) = loaded else {
            return Err(self.refuse(Scheme::Session, RefusedBecause::Session));
        };
        let Some(login) = login.filter(|login| login.kind == LoginKind::Session) else { return Ok(None) };
        let session = Arc::new(self.remember(login, now)?);
        self.sessions.insert(*id, session.clone());
        Ok(Some(session))
    }

    fn remember(&self, login: LoginRow, now: Timestamp) -> Result<CachedSession<C>, Refusal> {
        let claims = parse_claims::<C>(&login.claims).map_err(unavailable)?;
        Ok(CachedSession {
            auth: Auth::new(
                claims,
                login.subject,
                Scheme::Session,
                Some(login.id),
                Some(login.authenticated_at),
                login.epoch,
            ),
            login: login.id,
            expires_at: login.expires_at,
            loaded_at: now,
            claims_loaded_at: login.claims_loaded_at,
            seen: Seen::new(login.last_seen_at),
        })
    }

    /// Whether the claims are older than the bound, and there is somewhere to load them from.
    fn is_due(&self, session: &CachedSession<C>, now: Timestamp) -> bool {
        self.source.is_some()
            && (session.claims_loaded_at > now || now.since(session.claims_loaded_at) >= self.config.claims_max_age)
    }

    /// Loads the claims under the epoch that held before they were read, and forgets the cached session. A subject that
    /// is gone loses its logins; without a source, a session whose claims changed can not go on.
    async fn reload_claims(
        &self,
        id: &SessionHash,
        session: &CachedSession<C>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let subject = session.auth.subject();
        self.sessions.remove(id);
        let Some(source) = &self.source else {
            return Err(self.refuse(Scheme::Session, RefusedBecause::Outdated));
        };
        let epoch = self.store.epoch(subject).await.map_err(unavailable)?;
        let claims = source.load(subject).await.map_err(|error| {
            tracing::error!(%error, "the claims source does not answer");
            Refusal::Unavailable
        })?;
        let Some(claims) = claims else {
            self.end_subject(subject, EndReason::SubjectEnded, now).await.map_err(unavailable)?;
            return Err(self.refuse(Scheme::Session, RefusedBecause::Revoked));
        };
        let claims = encode_claims(&claims).map_err(unavailable)?;
        if self.store.save_claims(session.login, &claims, epoch, now, now).await.map_err(unavailable)? {
            return Ok(());
        }
        // Another node saved later ones, or the login is over: loading it again tells.
        Ok(())
    }

    /// Ends all logins of a subject.
    pub(super) async fn end_subject(
        &self,
        subject: &Subject,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let ended = self.store.end_logins(subject, None, reason, self.log_until(now), now).await?;
        let ended: Vec<_> = ended.into_iter().map(|login| (login, reason)).collect();
        self.note_ended(&ended, subject, now);
        Ok(ended.len())
    }

    fn note_session_use(&self, session: &CachedSession<C>, now: Timestamp) {
        let idle = self.config.session_idle;
        if session.seen.note(now, Self::touch_interval(idle)) {
            self.journal.touch(Touch { login: session.login, seen_at: now, idle_expires_at: now.after(idle) });
        }
    }
}

/// The claims of a login row.
pub(super) fn parse_claims<C: Claims>(json: &[u8]) -> Result<C, StoreError> {
    crate::verify::parse::<C>(json).map(|(_, claims)| claims).map_err(StoreError::new)
}

/// The claims for a login row.
pub(super) fn encode_claims<C: Claims>(claims: &C) -> Result<Vec<u8>, StoreError> {
    super::issue::claims_json(claims).map_err(StoreError::new)
}

pub(super) fn unavailable(error: StoreError) -> Refusal {
    tracing::error!(?error, "the store does not answer");
    Refusal::Unavailable
}
