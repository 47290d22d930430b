//! Session cookies on requests.

use std::sync::Arc;
use std::time::Duration;

use super::cache::{CachedSession, Seen};
use super::source::{BoxError, ClaimsSource};
use super::{Auth, Shared};
use crate::audit::RefusedBecause;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::extract::Refusal;
use crate::id::{LoginId, Subject};
use crate::requirement::Scheme;
use crate::revoke::{GoodAt, Standing};
use crate::session::SessionId;
use crate::store::{EndReason, LoginKind, LoginRow, Revoked, SessionHash, StoreError, Touch};

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
            match self
                .standing(&session.auth, Some(id.as_token()), None, &session.good_at, bound, now)
                .await?
            {
                Standing::Revoked => {
                    self.sessions.remove(&id);
                    return Err(self.refuse(Scheme::Session, RefusedBecause::Revoked));
                }
                Standing::Good if !self.is_due(&session, now) => {
                    self.note_session_use(&session, now);
                    return Ok(Some(session.auth.clone()));
                }
                Standing::Good | Standing::Outdated => {
                    self.sessions.remove(&id);
                    self.renew_claims(session.login, session.auth.subject(), now).await?;
                }
            }
        }
        Err(Refusal::Unavailable)
    }

    /// A session from the cache that is neither over nor kept for too long.
    fn cached(&self, id: &SessionHash, now: Timestamp) -> Option<Arc<CachedSession<C>>> {
        let session = self.sessions.find(id)?;
        let is_kept = session.loaded_at <= now && now.since(session.loaded_at) < self.config.claims_max_age;
        let is_live =
            now < session.expires_at && now < session.seen.written().after(self.config.session_idle);
        if is_kept && is_live {
            return Some(session);
        }
        self.sessions.remove(id);
        None
    }

    async fn load(&self, id: &SessionHash, now: Timestamp) -> Result<Option<Arc<CachedSession<C>>>, Refusal> {
        let loaded = self.store.load_session(id, now).await.map_err(unavailable)?;
        let Some((row, login)) = loaded else {
            return Err(self.refuse(Scheme::Session, RefusedBecause::Session));
        };
        let Some(mut login) = login.filter(|login| login.kind == LoginKind::Session) else { return Ok(None) };
        login.expires_at = login.expires_at.min(row.expires_at);
        let session = match parse_claims::<C>(&login) {
            Some(claims) => Arc::new(self.remember(login, claims, now)),
            // Written by an older version of the application, with other claims.
            None => {
                tracing::warn!(login = %login.id, "the stored claims are not of the claims type");
                self.renew_claims(login.id, &login.subject, now).await?;
                let loaded = self.store.load_session(id, now).await.map_err(unavailable)?;
                let renewed = loaded.and_then(|(_, login)| login);
                let claims = renewed.as_ref().and_then(parse_claims::<C>);
                let (login, claims) = renewed.zip(claims).ok_or(Refusal::Unavailable)?;
                Arc::new(self.remember(login, claims, now))
            }
        };
        self.sessions.insert(*id, session.clone());
        Ok(Some(session))
    }

    fn remember(&self, login: LoginRow, claims: C, now: Timestamp) -> CachedSession<C> {
        CachedSession {
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
            good_at: GoodAt::default(),
            seen: Seen::new(login.idle_expires_at.before(self.config.session_idle)),
        }
    }

    /// Whether the claims are older than the bound, and there is somewhere to load them from.
    fn is_due(&self, session: &CachedSession<C>, now: Timestamp) -> bool {
        self.source.is_some()
            && (session.claims_loaded_at > now
                || now.since(session.claims_loaded_at) >= self.config.claims_max_age)
    }

    /// Loads the claims of a login anew and stores them, under the epoch that held before they were read. A subject that
    /// is gone loses its logins. Without a source, a login whose claims do not hold any more ends.
    async fn renew_claims(&self, login: LoginId, subject: &Subject, now: Timestamp) -> Result<(), Refusal> {
        let Some(source) = &self.source else {
            self.end_login(subject, login, EndReason::ClaimsChanged, now).await.map_err(unavailable)?;
            return Err(self.refuse(Scheme::Session, RefusedBecause::Outdated));
        };
        let epoch = self.store.epoch(subject).await.map_err(unavailable)?;
        let claims = load_claims(&**source, subject).await.map_err(|error| {
            tracing::error!(%error, "the claims source does not answer");
            Refusal::Unavailable
        })?;
        let Some(claims) = claims else {
            self.end_subject(subject, EndReason::SubjectEnded, now).await.map_err(unavailable)?;
            return Err(self.refuse(Scheme::Session, RefusedBecause::Revoked));
        };
        let claims = encode_claims(&claims).map_err(unavailable)?;
        // `false`: later claims are stored already, or the login is over; whoever loads it next will see.
        self.store.save_claims(login, &claims, epoch, now, now).await.map(|_saved| ()).map_err(unavailable)
    }

    /// Ends all logins of a subject. The epoch goes up first: a login that is under way is made under the old one, and
    /// does not come about.
    pub(super) async fn end_subject(
        &self,
        subject: &Subject,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        self.raise_epoch(subject, now).await?;
        let ended = self.store.end_logins(subject, None, reason, self.log_until(now), now).await?;
        let ended: Vec<_> = ended.into_iter().map(|login| (login, reason)).collect();
        self.note_ended(&ended, subject, now);
        Ok(ended.len())
    }

    /// Raises the epoch of a subject, in the store and here.
    pub(super) async fn raise_epoch(&self, subject: &Subject, now: Timestamp) -> Result<u64, StoreError> {
        let until = self.log_until(now);
        let epoch = self.store.raise_epoch(subject, until, now).await?;
        self.feed.list().insert(&Revoked::SubjectBelow(subject.clone(), epoch), until);
        Ok(epoch)
    }

    fn note_session_use(&self, session: &CachedSession<C>, now: Timestamp) {
        let idle = self.config.session_idle;
        if session.seen.note(now, Self::touch_interval(idle)) {
            self.journal.touch(Touch {
                login: session.login,
                seen_at: now,
                idle_expires_at: now.after(idle),
            });
        }
    }
}

/// The claims of a login row; `None` when they are not of the type, or not about the row's subject.
pub(super) fn parse_claims<C: Claims>(login: &LoginRow) -> Option<C> {
    let (registered, claims) = crate::verify::parse::<C>(&login.claims).ok()?;
    (registered.sub() == login.subject.as_str()).then_some(claims)
}

/// The claims of a subject from the source, which must be about that subject.
pub(super) async fn load_claims<C: Claims>(
    source: &dyn ClaimsSource<C>,
    subject: &Subject,
) -> Result<Option<C>, BoxError> {
    let claims = source.load(subject).await?;
    match claims.as_ref().map(Claims::subject) {
        Some(found) if found.as_ref() != Ok(subject) => {
            Err("the claims source answered with another subject".into())
        }
        _ => Ok(claims),
    }
}

/// The claims for a login row.
pub(super) fn encode_claims<C: Claims>(claims: &C) -> Result<Vec<u8>, StoreError> {
    super::issue::claims_json(claims).map_err(StoreError::new)
}

pub(super) fn unavailable(error: StoreError) -> Refusal {
    tracing::error!(?error, "the store does not answer");
    Refusal::Unavailable
}
