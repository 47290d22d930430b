//! From a credential to a principal that was cleared of revocation; and, as a second step, noting that it was used.

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

/// Why a credential gave no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthenticateError {
    /// It is not valid, or not of an accepted scheme.
    Invalid(Scheme),
    /// The store or the claims source is needed, and does not answer.
    Unavailable,
}

/// A credential that was recognised, and is not revoked.
pub(crate) struct Recognised<C> {
    /// Who it is.
    pub(crate) auth: Auth<C>,
    used: Used<C>,
}

/// What is noted when a credential is used.
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
            Credential::Bearer(_) => Err(AuthenticateError::Invalid(Scheme::Jwt)),
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

    /// Notes that a credential was used: when its login was last seen, and, for the first use of an access token, that
    /// the rotation which made it reached its owner.
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

    /// Whether the principal proved who they are no longer ago than `max_age`; a proof from the future, beyond the
    /// leeway, or of an unknown time is none.
    pub(crate) fn is_fresh(&self, auth: &Auth<C>, max_age: Duration) -> bool {
        let now = self.parts.store.now();
        auth.authenticated_at()
            .is_some_and(|at| at <= now.after(self.parts.config.leeway) && now.since(at) <= max_age)
    }
}

impl Revoker {
    /// What the revocation feed says of a credential; a store that is needed and silent is *unavailable*.
    pub(super) async fn check(
        &self,
        ids: &Ids<'_>,
        last: &LastCleared,
        bound: Duration,
    ) -> Result<Cleared, AuthenticateError> {
        self.feed().check(ids, last, bound).await.map_err(|error| {
            tracing::error!(%error, "the revocation list is too old and the store does not answer");
            AuthenticateError::Unavailable
        })
    }

    /// A credential was refused for that reason, which the event says and the answer does not.
    pub(super) fn refuse(&self, scheme: Scheme, reason: RefusalReason) -> AuthenticateError {
        self.observe(&AuditEvent::Refused { reason });
        AuthenticateError::Invalid(scheme)
    }
}

pub(super) fn unavailable(error: StoreError) -> AuthenticateError {
    tracing::error!(?error, "the store does not answer");
    AuthenticateError::Unavailable
}

/// How often a use is written down: once a minute, or often enough for a short idle time. A login may end this much
/// before it was unused for that long.
fn touch_interval(idle: Duration) -> Duration {
    (idle / 20).min(Duration::from_secs(60))
}
