//! Authenticating session cookies: from the cache, or from the store. Claims that are too old are reloaded.

use std::sync::Arc;
use std::time::Duration;

use super::cache::{CachedSession, Seen, SessionCache};
use super::claims_loader::{ClaimsLoader, Epoch, Load, LoadError};
use super::config::Config;
use super::principal::{Auth, Principal};
use super::realm_store::RealmStore;
use super::recognise::{AuthenticateError, unavailable};
use super::revoker::Revoker;
use crate::audit::RefusalReason;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::jwt::read_claims;
use crate::requirement::Scheme;
use crate::revoke::{Cleared, LastCleared};
use crate::store::{EndReason, Ids, LiveLogin, LoginRow, SessionKey};

/// Two rounds suffice: loaded, found outdated, reloaded.
const ROUNDS: usize = 3;

/// Loads sessions, and caches them.
pub(super) struct Sessions<C: Claims> {
    store: RealmStore,
    revoker: Arc<Revoker>,
    loader: Arc<ClaimsLoader<C>>,
    cache: SessionCache<C>,
    idle: Duration,
    claims_max_age: Duration,
}

impl<C: Claims> Sessions<C> {
    pub(super) fn new(
        store: RealmStore,
        revoker: Arc<Revoker>,
        loader: Arc<ClaimsLoader<C>>,
        config: &Config,
    ) -> Self {
        let cache = SessionCache::new();
        let (idle, claims_max_age) = (config.session_idle, config.claims_max_age);
        Self { store, revoker, loader, cache, idle, claims_max_age }
    }

    /// The principal of a session that is not revoked; `None` for a session without a login.
    pub(super) async fn recognise(
        &self,
        id: &SessionKey,
        bound: Duration,
    ) -> Result<Option<(Auth<C>, Arc<CachedSession<C>>)>, AuthenticateError> {
        let mut found = self.cached(id, self.store.now());
        for _ in 0..ROUNDS {
            let session = match found.take() {
                Some(session) => session,
                None => match self.load(id).await? {
                    Some(session) => session,
                    None => return Ok(None),
                },
            };
            let principal = &session.principal;
            let ids = Ids {
                login: principal.login_id(),
                session: Some(*id),
                subject: Some((principal.subject(), principal.epoch())),
                begun_under: Some(session.begun_under),
                ..Ids::default()
            };
            match self.revoker.check(&ids, &session.cleared, bound).await? {
                Cleared::Gone => {
                    self.cache.remove(id);
                    return Err(self.revoker.refuse(Scheme::Session, RefusalReason::Revoked));
                }
                Cleared::Good(proof) if !self.is_due(&session) => {
                    return Ok(Some((Auth::new(principal.clone(), proof), session)));
                }
                Cleared::Good(_) | Cleared::Outdated => {
                    self.cache.remove(id);
                    self.renew_claims(session.login, principal.subject()).await?;
                }
            }
        }
        Err(AuthenticateError::Unavailable)
    }

    /// A cached session that has not expired and is not cached for too long.
    fn cached(&self, id: &SessionKey, now: Timestamp) -> Option<Arc<CachedSession<C>>> {
        let session = self.cache.find(id)?;
        let is_kept = session.loaded_at <= now && now.since(session.loaded_at) < self.claims_max_age;
        let is_live = now < session.expires_at && now < session.seen.written().after(self.idle);
        if is_kept && is_live {
            return Some(session);
        }
        self.cache.remove(id);
        None
    }

    async fn load(&self, id: &SessionKey) -> Result<Option<Arc<CachedSession<C>>>, AuthenticateError> {
        let found = self.store.ask(|store, realm| store.session(realm, id)).await.map_err(unavailable)?;
        let Some((row, login)) = found.value else {
            return Err(self.revoker.refuse(Scheme::Session, RefusalReason::Session));
        };
        let Some(LiveLogin { row: mut login, .. }) = login.filter(|login| login.row.kind == Scheme::Session)
        else {
            return Ok(None);
        };
        login.expires_at = login.expires_at.min(row.expires_at);
        let claims = match read_claims(&login.claims, &login.subject) {
            Some(claims) => claims,
            None => self.reload_foreign_claims(&mut login).await?,
        };
        let session = Arc::new(self.remember(login, claims, found.now));
        self.cache.insert(*id, session.clone());
        Ok(Some(session))
    }

    /// The stored claims do not match the claims type, because another version of the application wrote them. They are reloaded;
    /// if that is not possible the credential is refused, and nothing ends.
    async fn reload_foreign_claims(&self, login: &mut LoginRow) -> Result<C, AuthenticateError> {
        tracing::warn!(login = %login.id, "the stored claims do not match the claims type");
        let refused = || Err(self.revoker.refuse(Scheme::Session, RefusalReason::StoredClaims));
        if !self.loader.has_source() {
            return refused();
        }
        self.renew_claims(login.id, &login.subject).await?;
        let renewed =
            self.store.ask(|store, realm| store.login(realm, login.id)).await.map_err(unavailable)?;
        let Some(LiveLogin { row, .. }) = renewed.value else { return refused() };
        let Some(claims) = read_claims(&row.claims, &row.subject) else { return refused() };
        (login.claims, login.epoch, login.claims_loaded_at) = (row.claims, row.epoch, row.claims_loaded_at);
        Ok(claims)
    }

    fn remember(&self, login: LoginRow, claims: C, now: Timestamp) -> CachedSession<C> {
        CachedSession {
            login: login.id,
            begun_under: login.begun_under,
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

    /// Whether the claims are older than the bound, and there is a source.
    fn is_due(&self, session: &CachedSession<C>) -> bool {
        let now = self.store.now();
        self.loader.has_source()
            && (session.claims_loaded_at > now || now.since(session.claims_loaded_at) >= self.claims_max_age)
    }

    /// Reloads the claims of a login and stores them. If the subject was deleted, its logins end. Without a source, a login with
    /// outdated claims ends.
    async fn renew_claims(&self, login: LoginId, subject: &Subject) -> Result<(), AuthenticateError> {
        let refuse = |reason| Err(self.revoker.refuse(Scheme::Session, reason));
        let ticket =
            self.store.ask(|store, realm| store.ticket(realm, subject)).await.map_err(unavailable)?;
        match self.loader.load(subject, Epoch(ticket.value.epoch)).await {
            // `false`: the store has later claims already, or the login has ended; the next load finds out.
            Ok(Load::Current(loaded)) => {
                self.loader.keep(login, &loaded).await.map(|_is_kept| ()).map_err(unavailable)
            }
            Ok(Load::Gone) => {
                self.revoker.end_all(subject, None, EndReason::SubjectEnded).await.map_err(unavailable)?;
                refuse(RefusalReason::Revoked)
            }
            Ok(Load::NoSource) => {
                self.revoker.end(subject, login, EndReason::ClaimsChanged).await.map_err(unavailable)?;
                refuse(RefusalReason::Outdated)
            }
            Err(LoadError::Store(error)) => Err(unavailable(error)),
            Err(LoadError::Source(error)) => {
                tracing::error!(%error, "the claims source does not respond");
                Err(AuthenticateError::Unavailable)
            }
        }
    }
}
