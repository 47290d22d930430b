//! The extractors that `#[require_auth]` and `#[public]` add as the first argument.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use super::decide::{admit, require};
use super::policy::{Checks, Policy, Rules};
use crate::claims::Claims;
use crate::login::rejection::Rejection;
use crate::login::{Auth, Authenticator};

/// Proof that the caller of this request, who has the claims `C`, met the policy `P`.
///
/// Only the extractor makes one. `#[require_auth]` makes it the handler's first argument, so that it runs before all other
/// extractors.
pub struct Guard<P, C> {
    /// What the handler gets: generated code takes it out by a pattern.
    #[doc(hidden)]
    pub __auth: Auth<C>,
    policy: PhantomData<fn() -> P>,
}

impl<P, C> fmt::Debug for Guard<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guard").field(&self.__auth).finish()
    }
}

impl<S, P, C> FromRequestParts<S> for Guard<P, C>
where
    P: Policy<Checks: Checks<C, S>>,
    C: Claims,
    Authenticator<C>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let rules = Rules { requirement: P::REQUIREMENT, ask: <P::Checks as Checks<C, S>>::ask };
        match boxed(require(rules, parts, state)).await {
            Ok(auth) => Ok(Self { __auth: auth, policy: PhantomData }),
            Err(rejection) => Err(rejection),
        }
    }
}

/// Like [`Guard`], for handlers that also serve callers without a credential, or with a session that has ended. Invalid
/// tokens and malformed or duplicate cookies are refused.
pub struct OptionalGuard<P, C> {
    /// What the handler gets: generated code takes it out by a pattern.
    #[doc(hidden)]
    pub __auth: Option<Auth<C>>,
    policy: PhantomData<fn() -> P>,
}

impl<P, C> fmt::Debug for OptionalGuard<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptionalGuard").field(&self.__auth).finish()
    }
}

impl<S, P, C> FromRequestParts<S> for OptionalGuard<P, C>
where
    P: Policy<Checks: Checks<C, S>>,
    C: Claims,
    Authenticator<C>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let rules = Rules { requirement: P::REQUIREMENT, ask: <P::Checks as Checks<C, S>>::ask };
        match boxed(admit(rules, parts, state)).await {
            Ok(auth) => Ok(Self { __auth: auth, policy: PhantomData }),
            Err(rejection) => Err(rejection),
        }
    }
}

/// Boxed, because rustc would otherwise check for each handler whether everything in the future is `Send`.
fn boxed<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(future)
}

/// States that everybody may call a handler; `#[public]` makes it the first argument.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Public;

impl<S: Send + Sync> FromRequestParts<S> for Public {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self)
    }
}
