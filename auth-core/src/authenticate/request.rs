//! From a request to a principal.

use std::time::Duration;

use http::request::Parts;

use super::{Auth, Authenticator, Shared};
use crate::audit::{AuditEvent, RefusedBecause};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::extract::credential::{Credential, CredentialError};
use crate::extract::{Refusal, RefusalContext, Rejection, SignIn};
use crate::requirement::{CsrfCheck, Requirement, Scheme};
use crate::revoke::{GoodAt, Standing};

impl<C: Claims> Authenticator<C> {
    /// The principal of a request, `None` without a credential of an accepted scheme.
    pub(crate) async fn authenticate(
        &self,
        parts: &Parts,
        requirement: &Requirement,
    ) -> Result<Option<Auth<C>>, Refusal> {
        let shared = &*self.shared;
        let schemes = requirement.schemes();
        let bound = requirement.revocation_bound().unwrap_or(shared.config.staleness);
        match Credential::of(parts, shared.config.cookie.name()) {
            Ok(Credential::None) => Ok(None),
            Ok(Credential::Bearer(_)) if !schemes.accept(Scheme::Jwt) => {
                Err(Refusal::InvalidCredential(Scheme::Jwt))
            }
            Ok(Credential::Bearer(token)) => shared.bearer(token, bound).await.map(Some),
            Ok(Credential::Session(_)) if !schemes.accept(Scheme::Session) => Ok(None),
            Ok(Credential::Session(id)) => {
                let Some(auth) = shared.session(&id, bound).await? else { return Ok(None) };
                if requirement.csrf_check() == CsrfCheck::On && !shared.config.csrf.allows_request(parts) {
                    shared.observe(&AuditEvent::Refused { reason: RefusedBecause::CrossSite });
                    return Err(Refusal::CrossSite);
                }
                if let Some(signed_in) = parts.extensions.get::<crate::session::SignedIn>() {
                    signed_in.set();
                }
                Ok(Some(auth))
            }
            Err(CredentialError::Malformed) => Err(Refusal::MalformedRequest),
            Err(CredentialError::NotBearer) => Err(Refusal::InvalidCredential(Scheme::Jwt)),
            Err(CredentialError::BadCookie) if !schemes.accept(Scheme::Session) => Ok(None),
            Err(CredentialError::BadCookie) => Err(Refusal::InvalidCredential(Scheme::Session)),
        }
    }

    /// Whether the principal proved who they are no longer ago than `max_age`; a proof from the future, beyond the
    /// leeway, or of an unknown time is none.
    pub(crate) fn is_fresh(&self, auth: &Auth<C>, max_age: Duration) -> bool {
        let now = self.shared.clock.now();
        auth.authenticated_at()
            .is_some_and(|at| at <= now.after(self.shared.config.leeway) && now.since(at) <= max_age)
    }

    pub(crate) fn reject(&self, refusal: Refusal, parts: &Parts, requirement: &Requirement) -> Rejection {
        let config = &self.shared.config;
        let context = RefusalContext {
            schemes: requirement.schemes(),
            realm: config.audience.clone(),
            sign_in: match requirement.schemes().accept(Scheme::Session) {
                true => SignIn::for_request(parts, config.login_page.as_ref(), &config.forget_cookie),
                false => None,
            },
        };
        Rejection::new(refusal, context)
    }
}

impl<C: Claims> Shared<C> {
    /// What the revocation feed says of a credential; a store that is needed and silent is 503.
    pub(super) async fn standing(
        &self,
        auth: &Auth<C>,
        token: Option<crate::id::TokenId>,
        key: Option<&crate::id::KeyId>,
        good_at: &GoodAt,
        bound: Duration,
        now: Timestamp,
    ) -> Result<Standing, Refusal> {
        let credential = crate::revoke::Subjects {
            login: auth.login_id(),
            subject: Some((auth.subject(), auth.epoch())),
            token,
            key,
        };
        self.feed.standing(&credential, good_at, bound, now).await.map_err(|error| {
            tracing::error!(%error, "the revocation list is too old and the store does not answer");
            Refusal::Unavailable
        })
    }

    pub(super) fn refuse(&self, scheme: Scheme, reason: RefusedBecause) -> Refusal {
        self.observe(&AuditEvent::Refused { reason });
        Refusal::InvalidCredential(scheme)
    }

    /// How often a use is written down: once a minute, or often enough for a short idle time. A login may end this much
    /// before it was unused for that long.
    pub(super) fn touch_interval(idle: Duration) -> Duration {
        (idle / 20).min(Duration::from_secs(60))
    }
}
