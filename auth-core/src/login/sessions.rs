//! Recognising session cookies: from the cache, or loaded; claims that are due are loaded anew.

use std::sync::Arc;
use std::time::Duration;

use super::cache::{CachedSession, Seen, SessionCache};
use super::claims_loader::{ClaimsLoader, Load, LoadError};
use super::config::Config;
use super::principal::{Auth, Principal};
use super::recognise::{AuthenticateError, unavailable};
use super::revoker::Revoker;
use crate::audit::RefusalReason;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::jwt::read_claims;
use crate::requirement::Scheme;
use crate::revoke::{CredentialIds, LastCleared, Standing};
use crate::store::{EndReason, LoginKind, LoginRow, SessionHash, Store};

/// Two rounds are enough: loaded, found to be outdated, loaded again.
const ROUNDS: usize = 3;

/// Loads sessions, and remembers those that it loaded.
pub(super) struct Sessions<C: Claims> {
    store: Arc<dyn Store>,
    revoker: Arc<Revoker>,
    loader: Arc<ClaimsLoader<C>>,
    cache: SessionCache<C>,
    idle: Duration,
    claims_max_age: Duration,
}

impl<C: Claims> Sessions<C> {
    pub(super) fn new(
        store: Arc<dyn Store>,
        revoker: Arc<Revoker>,
        loader: Arc<ClaimsLoader<C>>,
        config: &Config,
    ) -> Self {
        let cache = SessionCache::new();
        let (idle, claims_max_age) = (config.session_idle, config.claims_max_age);
        Self { store, revoker, loader, cache, idle, claims_max_age }
    }

    /// The principal of a session, cleared of revocation; `None` for a session that carries no login.
    pub(super) async fn recognise(
        &self,
        id: &SessionHash,
        bound: Duration,
        now: Timestamp,
    ) -> Result<Option<(Auth<C>, Arc<CachedSession<C>>)>, AuthenticateError> {
        let mut found = self.cached(id, now);
        for _ in 0..ROUNDS {
            let session = match found.take() {
                Some(session) => session,
                None => match self.load(id, now).await? {
                    Some(session) => session,
                    None => return Ok(None),
                },
            };
            let principal = &session.principal;
            let ids = CredentialIds {
                login: principal.login_id(),
                subject: Some((principal.subject(), principal.epoch())),
                session: Some(*id),
                ..CredentialIds::default()
            };
            match self.revoker.standing(&ids, &session.cleared, bound, now).await? {
                Standing::Revoked => {
                    self.cache.remove(id);
                    return Err(self.revoker.refuse(Scheme::Session, RefusalReason::Revoked));
                }
                Standing::Good(proof) if !self.is_due(&session, now) => {
                    return Ok(Some((Auth::new(principal.clone(), proof), session)));
                }
                Standing::Good(_) | Standing::Outdated => {
                    self.cache.remove(id);
                    self.renew_claims(session.login, principal.subject(), now).await?;
                }
            }
        }
        Err(AuthenticateError::Unavailable)
    }

    /// A session from the cache that is neither over nor kept for too long.
    fn cached(&self, id: &SessionHash, now: Timestamp) -> Option<Arc<CachedSession<C>>> {
        let session = self.cache.find(id)?;
        let is_kept = session.loaded_at <= now && now.since(session.loaded_at) < self.claims_max_age;
        let is_live = now < session.expires_at && now < session.seen.written().after(self.idle);
        if is_kept && is_live {
            return Some(session);
        }
        self.cache.remove(id);
        None
    }

    async fn load(
        &self,
        id: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<Arc<CachedSession<C>>>, AuthenticateError> {
        let loaded = self.store.load_session(id, now).await.map_err(unavailable)?;
        let Some((row, login)) = loaded else {
            return Err(self.revoker.refuse(Scheme::Session, RefusalReason::Session));
        };
        let Some(mut login) = login.filter(|login| login.kind == LoginKind::Session) else { return Ok(None) };
        login.expires_at = login.expires_at.min(row.expires_at);
        let session = match read_claims(&login.claims, &login.subject) {
            Some(claims) => self.remember(login, claims, now),
            // Written by an older version of the application, with other claims.
            None => {
                tracing::warn!(login = %login.id, "the stored claims are not of the claims type");
                self.renew_claims(login.id, &login.subject, now).await?;
                let loaded = self.store.load_session(id, now).await.map_err(unavailable)?;
                let renewed = loaded.and_then(|(_, login)| login);
                let claims = renewed.as_ref().and_then(|login| read_claims(&login.claims, &login.subject));
                let (login, claims) = renewed.zip(claims).ok_or(AuthenticateError::Unavailable)?;
                self.remember(login, claims, now)
            }
        };
        let session = Arc::new(session);
        self.cache.insert(*id, session.clone());
        Ok(Some(session))
    }

    fn remember(&self, login: LoginRow, claims: C, now: Timestamp) -> CachedSession<C> {
        CachedSession {
            login: login.id,
            expires_at: login.expires_at,
            loaded_at: now,
            claims_loaded_at: login.claims_loaded_at,
            cleared: LastCleared::default(),
            seen: Seen::new(login.idle_expires_at.before(self.idle)),
            principal: Arc::new(Principal::new(
                claims,
                login.subject,
                Scheme::Session,
                Some(login.id),
                Some(login.authenticated_at),
                login.epoch,
            )),
        }
    }

    /// Whether the claims are older than the bound, and there is somewhere to load them from.
    fn is_due(&self, session: &CachedSession<C>, now: Timestamp) -> bool {
        self.loader.has_source()
            && (session.claims_loaded_at > now || now.since(session.claims_loaded_at) >= self.claims_max_age)
    }

    /// Loads the claims of a login anew and stores them. A subject that is gone loses its logins. Without a source, a
    /// login whose claims do not hold any more ends.
    async fn renew_claims(
        &self,
        login: LoginId,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<(), AuthenticateError> {
        let refuse = |reason| Err(self.revoker.refuse(Scheme::Session, reason));
        match self.loader.load(subject).await {
            Ok(Load::Current(loaded)) => self.loader.keep(login, &loaded, now).await.map_err(unavailable),
            Ok(Load::Gone) => {
                self.revoker.end_all(subject, EndReason::SubjectEnded).await.map_err(unavailable)?;
                refuse(RefusalReason::Revoked)
            }
            Ok(Load::NoSource) => {
                self.revoker.end(subject, login, EndReason::ClaimsChanged).await.map_err(unavailable)?;
                refuse(RefusalReason::Outdated)
            }
            Err(LoadError::Store(error)) => Err(unavailable(error)),
            Err(LoadError::Source(error)) => {
                tracing::error!(%error, "the claims source does not answer");
                Err(AuthenticateError::Unavailable)
            }
        }
    }
}
