//! From a credential to a principal that is not revoked; and, in a second step, recording that the credential was used.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::cache::{CachedSession, CachedToken};
use super::revoker::Revoker;
use super::write_behind::Use;
use super::{Auth, Authenticator};
use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::requirement::{Requirement, Scheme};
use crate::revoke::{Cleared, LastCleared};
use crate::store::{Ids, StoreError};
use crate::web::Credential;

/// Why a credential was not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthenticateError {
    /// The access token is not valid, or no access token is accepted.
    InvalidToken,
    /// The session is unknown, expired or ended, or its stored claims cannot be read.
    SessionOver,
    /// The store or the claims source is needed, and does not answer.
    Unavailable,
}

/// A credential that is valid and not revoked.
pub(crate) struct Recognised<C> {
    /// The principal.
    pub(crate) auth: Auth<C>,
    used: Used<C>,
}

/// The credential whose use is recorded.
enum Used<C> {
    Token(Arc<CachedToken<C>>),
    Session(Arc<CachedSession<C>>),
}

impl<C: Claims> Authenticator<C> {
    /// The principal of a credential; `None` without a credential of an accepted scheme.
    pub(crate) async fn authenticate(
        &self,
        credential: Credential<'_>,
        requirement: &Requirement,
    ) -> Result<Option<Recognised<C>>, AuthenticateError> {
        let schemes = requirement.schemes();
        let bound = requirement.revocation_bound().unwrap_or(self.parts.config.staleness);
        match credential {
            Credential::Bearer(token) if schemes.accept(Scheme::Jwt) => {
                self.recognise_token(token, bound).await.map(Some)
            }
            Credential::Bearer(_) => Err(AuthenticateError::InvalidToken),
            Credential::Session(id) if schemes.accept(Scheme::Session) => {
                let found = self.parts.sessions.recognise(&id.key(), bound).await?;
                Ok(found.map(|(auth, session)| Recognised { auth, used: Used::Session(session) }))
            }
            Credential::Session(_) | Credential::None => Ok(None),
        }
    }

    async fn recognise_token(
        &self,
        token: &[u8],
        bound: Duration,
    ) -> Result<Recognised<C>, AuthenticateError> {
        let (store, revoker) = (&self.parts.store, &self.parts.revoker);
        let (correction, now) = (store.correction(), store.now());
        let refuse = |reason| Err(revoker.refuse(Scheme::Jwt, reason));
        let token = match self.parts.access_tokens.recognise(token, now) {
            Ok(token) => token,
            Err(error) => return refuse(RefusalReason::Token(error)),
        };
        let principal = &token.principal;
        let ids = Ids {
            login: principal.login_id(),
            subject: Some((principal.subject(), principal.epoch())),
            token: Some(token.token),
            key: token.key.as_ref(),
            ..Ids::default()
        };
        match revoker.check(&ids, &token.cleared, bound).await? {
            Cleared::Good(proof) => {
                // A node that was suspended learns what time it is when it asks the store.
                if store.correction() != correction
                    && let Err(error) = self.parts.access_tokens.check_time(&token, store.now())
                {
                    return refuse(RefusalReason::Token(error));
                }
                let auth = Auth::new(principal.clone(), proof);
                Ok(Recognised { auth, used: Used::Token(token) })
            }
            Cleared::Gone => refuse(RefusalReason::Revoked),
            Cleared::Outdated => refuse(RefusalReason::Outdated),
        }
    }

    /// Records that a credential was used: when its login was last seen, and, for the first use of an access token, that the
    /// client received the response to the rotation that issued it.
    pub(crate) fn note_use(&self, recognised: &Recognised<C>) {
        let (config, uses) = (&self.parts.config, &self.parts.uses);
        let (login, seen, idle) = match &recognised.used {
            Used::Session(session) => (session.login, &session.seen, config.session_idle),
            Used::Token(token) => {
                let Some(login) = token.principal.login_id() else { return };
                if let Some(position) = token.position
                    && !token.confirmed.swap(true, Ordering::Relaxed)
                {
                    uses.confirm(login, position);
                }
                (login, &token.seen, config.token_idle)
            }
        };
        let now = self.parts.store.now();
        if seen.note(now, touch_interval(idle)) {
            uses.touch(Use { login, seen_at: now, idle });
        }
    }

    /// Whether the user was authenticated at most `max_age` ago. A time that is unknown, or in the future by more than the
    /// leeway, does not count.
    pub(crate) fn is_fresh(&self, auth: &Auth<C>, max_age: Duration) -> bool {
        let now = self.parts.store.now();
        auth.authenticated_at()
            .is_some_and(|at| at <= now.after(self.parts.config.leeway) && now.since(at) <= max_age)
    }
}

impl Revoker {
    /// Checks a credential with the revocation feed. If the store is needed and does not respond, the result is *unavailable*.
    pub(super) async fn check(
        &self,
        ids: &Ids<'_>,
        last: &LastCleared,
        bound: Duration,
    ) -> Result<Cleared, AuthenticateError> {
        self.feed().check(ids, last, bound).await.map_err(|error| {
            tracing::error!(%error, "the revocation list is too old and the store does not respond");
            AuthenticateError::Unavailable
        })
    }

    /// A credential was refused for this reason, which is in the event and not in the response.
    pub(super) fn refuse(&self, scheme: Scheme, reason: RefusalReason) -> AuthenticateError {
        self.observe(&AuditEvent::Refused { reason });
        match scheme {
            Scheme::Jwt => AuthenticateError::InvalidToken,
            Scheme::Session => AuthenticateError::SessionOver,
        }
    }
}

pub(super) fn unavailable(error: StoreError) -> AuthenticateError {
    tracing::error!(?error, "the store does not respond");
    AuthenticateError::Unavailable
}

/// How often a use is recorded: once a minute, or more often for a short idle time. A login may end earlier by this much.
fn touch_interval(idle: Duration) -> Duration {
    (idle / 20).min(Duration::from_secs(60))
}
