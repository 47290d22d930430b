//! The decision of a guard: read the credential, recognise it, check where the request comes from, then authorise.

use http::request::Parts;

use super::answer::{Refusal, Rejection};
use super::policy::{Decision, Policy};
use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::login::{Auth, Authenticator, Recognised};
use crate::requirement::{Answers, CsrfCheck, Outcome, Requirement, Scheme, evaluate};
use crate::session::SignedIn;
use crate::web::{Credential, CredentialError};

/// The principal that meets `P`, or `None` for a request without a credential of an accepted scheme.
pub(super) async fn decide<P, S>(
    authenticator: &Authenticator<P::Claims>,
    parts: &mut Parts,
    state: &S,
) -> Result<Option<Auth<P::Claims>>, Rejection>
where
    P: Policy<S>,
{
    let refused = |refusal, parts: &Parts| reject::<P, S>(authenticator, refusal, parts);
    let recognised = match authenticate(authenticator, parts, &P::REQUIREMENT).await {
        Ok(Some(recognised)) => recognised,
        Ok(None) => return Ok(None),
        Err(refusal) => return Err(refused(refusal, parts)),
    };
    match authorise::<P, S>(authenticator, &recognised.auth, parts, state).await {
        Ok(()) => {
            // Only now: what is refused is no use.
            authenticator.note_use(&recognised);
            Ok(Some(recognised.auth))
        }
        Err(refusal) => Err(refused(refusal, parts)),
    }
}

/// As [`decide`], where a credential is required.
pub(super) async fn require<P, S>(
    authenticator: &Authenticator<P::Claims>,
    parts: &mut Parts,
    state: &S,
) -> Result<Auth<P::Claims>, Rejection>
where
    P: Policy<S>,
{
    let auth = decide::<P, S>(authenticator, parts, state).await?;
    auth.ok_or_else(|| reject::<P, S>(authenticator, Refusal::NoCredential, parts))
}

fn reject<P: Policy<S>, S>(
    authenticator: &Authenticator<P::Claims>,
    refusal: Refusal,
    parts: &Parts,
) -> Rejection {
    Rejection::new(refusal, parts, &P::REQUIREMENT, authenticator.site())
}

async fn authenticate<C: Claims>(
    authenticator: &Authenticator<C>,
    parts: &Parts,
    requirement: &Requirement,
) -> Result<Option<Recognised<C>>, Refusal> {
    let site = authenticator.site();
    let credential = match Credential::of(parts, site.cookie.name()) {
        Ok(credential) => credential,
        Err(CredentialError::Malformed) => return Err(Refusal::MalformedRequest),
        Err(CredentialError::NotBearer) => return Err(Refusal::InvalidCredential(Scheme::Jwt)),
        Err(CredentialError::BadCookie) if !requirement.schemes().accept(Scheme::Session) => return Ok(None),
        Err(CredentialError::BadCookie) => return Err(Refusal::InvalidCredential(Scheme::Session)),
    };
    let Some(recognised) = authenticator.authenticate(credential, requirement).await? else {
        return Ok(None);
    };
    if recognised.auth.scheme() == Scheme::Session {
        if requirement.csrf_check() == CsrfCheck::On && !site.csrf.allows_request(parts) {
            authenticator.observe(&AuditEvent::Refused { reason: RefusalReason::CrossSite });
            return Err(Refusal::CrossSite);
        }
        if let Some(signed_in) = parts.extensions.get::<SignedIn>() {
            signed_in.set();
        }
    }
    Ok(Some(recognised))
}

/// Roles, scopes and checks; then freshness, so that nobody is asked to sign in again for what they may not do anyway.
async fn authorise<P, S>(
    authenticator: &Authenticator<P::Claims>,
    auth: &Auth<P::Claims>,
    parts: &mut Parts,
    state: &S,
) -> Result<(), Refusal>
where
    P: Policy<S>,
{
    let requirement: &Requirement = &P::REQUIREMENT;
    let mut answers = Answers::default();
    loop {
        match evaluate(requirement.asked_condition(), auth.role_bits(), auth.scope_bits(), answers) {
            Outcome::Met => break,
            Outcome::Forbidden(scopes) => return Err(Refusal::Insufficient(scopes)),
            Outcome::NotFound => return Err(Refusal::NotFound),
            Outcome::Ask(index) => {
                match P::check(index, auth, parts, state).await.map_err(Refusal::Answered)? {
                    Decision::Allow => answers.met(index),
                    Decision::Forbidden => answers.forbidden(index),
                    Decision::NotFound => answers.not_found(index),
                }
            }
        }
    }
    match requirement.max_age() {
        Some(max_age) if !authenticator.is_fresh(auth, max_age) => Err(Refusal::TooOld(max_age)),
        _ => Ok(()),
    }
}
