//! The decision of a guard: authenticate, then authorise.

use axum::extract::FromRef;
use http::request::Parts;

use super::policy::{Decision, Policy};
use super::rejection::{Refusal, Rejection};
use crate::authenticate::{Auth, Authenticator};
use crate::requirement::{Answers, Outcome, Requirement, evaluate};

/// The principal that meets `P`.
pub(super) async fn required<P, S>(
    authenticator: &Authenticator<P::Claims>,
    parts: &mut Parts,
    state: &S,
) -> Result<Auth<P::Claims>, Rejection>
where
    P: Policy<S>,
    Authenticator<P::Claims>: FromRef<S>,
{
    let refused = |refusal: Refusal, parts: &Parts| authenticator.reject(refusal, parts, &P::REQUIREMENT);
    let auth = match authenticator.authenticate(parts, &P::REQUIREMENT).await {
        Ok(Some(auth)) => auth,
        Ok(None) => return Err(refused(Refusal::NoCredential, parts)),
        Err(refusal) => return Err(refused(refusal, parts)),
    };
    match authorise::<P, S>(authenticator, &auth, parts, state).await {
        Ok(()) => Ok(auth),
        Err(refusal) => Err(refused(refusal, parts)),
    }
}

/// The principal, or `None` for a request without a credential.
pub(super) async fn optional<P, S>(
    authenticator: &Authenticator<P::Claims>,
    parts: &mut Parts,
    state: &S,
) -> Result<Option<Auth<P::Claims>>, Rejection>
where
    P: Policy<S>,
    Authenticator<P::Claims>: FromRef<S>,
{
    let auth = match authenticator.authenticate(parts, &P::REQUIREMENT).await {
        Ok(auth) => auth,
        Err(refusal) => return Err(authenticator.reject(refusal, parts, &P::REQUIREMENT)),
    };
    if let Some(auth) = &auth
        && let Err(refusal) = authorise::<P, S>(authenticator, auth, parts, state).await
    {
        return Err(authenticator.reject(refusal, parts, &P::REQUIREMENT));
    }
    Ok(auth)
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
