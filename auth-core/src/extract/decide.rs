//! The decision of a guard: parse the credential, authenticate it, check for CSRF, then authorise.

use axum::extract::FromRef;
use http::request::Parts;

use super::policy::{Decision, Rules};
use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::login::rejection::{Refusal, Rejection};
use crate::login::{Auth, Authenticator, Recognised};
use crate::requirement::{Answers, CsrfCheck, Outcome, Requirement, Scheme, evaluate};
use crate::session::SignedIn;
use crate::web::{Credential, CredentialError};

/// The principal that meets the requirement. `None` for a request without a credential of an accepted scheme, and for one
/// whose session has ended: browsers keep such cookies, and this handler serves callers without a login.
pub(super) async fn admit<C, S>(
    rules: Rules<C, S>,
    parts: &mut Parts,
    state: &S,
) -> Result<Option<Auth<C>>, Rejection>
where
    C: Claims,
    S: Sync,
    Authenticator<C>: FromRef<S>,
{
    let authenticator = &Authenticator::from_ref(state);
    match decide(authenticator, &rules, parts, state).await {
        Ok(auth) => Ok(auth),
        Err(Refusal::SessionOver) => Ok(None),
        Err(refusal) => Err(reject(authenticator, rules.requirement, refusal, parts)),
    }
}

/// The principal that meets the requirement, if a credential is required.
pub(super) async fn require<C, S>(
    rules: Rules<C, S>,
    parts: &mut Parts,
    state: &S,
) -> Result<Auth<C>, Rejection>
where
    C: Claims,
    S: Sync,
    Authenticator<C>: FromRef<S>,
{
    let authenticator = &Authenticator::from_ref(state);
    let decided = decide(authenticator, &rules, parts, state).await;
    let auth = decided.and_then(|auth| auth.ok_or(Refusal::NoCredential));
    auth.map_err(|refusal| reject(authenticator, rules.requirement, refusal, parts))
}

fn reject<C: Claims>(
    authenticator: &Authenticator<C>,
    requirement: &Requirement,
    refusal: Refusal,
    parts: &Parts,
) -> Rejection {
    Rejection::new(refusal, parts, Some(requirement), authenticator.site())
}

async fn decide<C: Claims, S: Sync>(
    authenticator: &Authenticator<C>,
    rules: &Rules<C, S>,
    parts: &mut Parts,
    state: &S,
) -> Result<Option<Auth<C>>, Refusal> {
    let Some(recognised) = authenticate(authenticator, parts, rules.requirement).await? else {
        return Ok(None);
    };
    authorise(authenticator, rules, &recognised.auth, parts, state).await?;
    // After the decision: a refused request is not a use.
    authenticator.note_use(&recognised);
    Ok(Some(recognised.auth))
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

/// Roles, scopes and checks; then freshness, so that callers are not asked to sign in again for what they may not do.
async fn authorise<C: Claims, S: Sync>(
    authenticator: &Authenticator<C>,
    rules: &Rules<C, S>,
    auth: &Auth<C>,
    parts: &mut Parts,
    state: &S,
) -> Result<(), Refusal> {
    let requirement = rules.requirement;
    let mut answers = Answers::default();
    loop {
        match evaluate(requirement.asked_condition(), auth.role_bits(), auth.scope_bits(), answers) {
            Outcome::Met => break,
            Outcome::Forbidden(scopes) => return Err(Refusal::Insufficient(scopes)),
            Outcome::NotFound => return Err(Refusal::NotFound),
            Outcome::Ask(index) => {
                match (rules.ask)(index, auth, parts, state).await.map_err(Refusal::Answered)? {
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
