//! The extractors that `#[require_auth]` and `#[public]` put first.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use super::answer::Rejection;
use super::decide::{decide, require};
use super::policy::{Policy, PolicyData};
use crate::claims::Claims;
use crate::login::{Auth, Authenticator};
use crate::requirement::Requirement;

/// Proof that the policy `P` was met by the caller of this request.
///
/// Only the extractor makes one. `#[require_auth]` writes it as the handler's first argument, so nothing of the
/// request is read before it.
pub struct Guard<P: PolicyData> {
    auth: Auth<P::Claims>,
    policy: PhantomData<fn() -> P>,
}

impl<P: PolicyData> Guard<P> {
    /// The principal that met the policy.
    pub fn into_auth(self) -> Auth<P::Claims> {
        self.auth
    }
}

impl<P: PolicyData> fmt::Debug for Guard<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guard").field(&self.auth).finish()
    }
}

impl<S, P> FromRequestParts<S> for Guard<P>
where
    P: Policy<S>,
    Authenticator<P::Claims>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let authenticator = Authenticator::from_ref(state);
        let auth = require::<P, S>(&authenticator, parts, state).await?;
        Ok(Self { auth, policy: PhantomData })
    }
}

/// Like [`Guard`], for handlers that also serve callers without a credential. An invalid one is still refused.
pub struct OptionalGuard<P: PolicyData> {
    auth: Option<Auth<P::Claims>>,
    policy: PhantomData<fn() -> P>,
}

impl<P: PolicyData> OptionalGuard<P> {
    /// The principal, if the request carried a credential.
    pub fn into_auth(self) -> Option<Auth<P::Claims>> {
        self.auth
    }
}

impl<P: PolicyData> fmt::Debug for OptionalGuard<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptionalGuard").field(&self.auth).finish()
    }
}

impl<S, P> FromRequestParts<S> for OptionalGuard<P>
where
    P: Policy<S>,
    Authenticator<P::Claims>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let authenticator = Authenticator::from_ref(state);
        let auth = decide::<P, S>(&authenticator, parts, state).await?;
        Ok(Self { auth, policy: PhantomData })
    }
}

/// States that a handler is open to everybody; `#[public]` writes it as the first argument.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Public;

impl<S: Send + Sync> FromRequestParts<S> for Public {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// Not an extractor that anybody gets to run. Without it, a handler with an `Auth` argument whose attribute is missing
/// would be told that it is no handler; with it, [`ProtectedRouter`](crate::ProtectedRouter) says what is missing, and in
/// a plain router the build stops here.
impl<C: Claims, S: Send + Sync> FromRequestParts<S> for Auth<C> {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        const { Unguarded::<C>::STOP }
    }
}

struct Unguarded<C>(PhantomData<C>);

impl<C> Unguarded<C> {
    const STOP: Result<Auth<C>, Infallible> = panic!(
        "a handler with an `Auth` argument needs `#[require_auth(…)]`: nothing has checked its caller"
    );
}

/// Who may call a handler, as the router and the policy table see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody; who has a credential is known.
    Optional(Requirement),
    /// Who meets the requirement.
    Required(Requirement),
}

/// An extractor that decides who may call a handler: a guard, or a named extractor that holds one.
#[diagnostic::on_unimplemented(
    message = "this handler does not say who may call it",
    label = "a handler without `#[require_auth(…)]` or `#[public]`: its first argument, `{Self}`, is no guard",
    note = "put `#[require_auth(session | jwt)]` on the handler, or `#[public]` if everybody may call it"
)]
pub trait GuardArg {
    /// Who may call the handler.
    const ACCESS: Access;
}

#[diagnostic::do_not_recommend]
impl<P: PolicyData> GuardArg for Guard<P> {
    const ACCESS: Access = Access::Required(P::REQUIREMENT);
}

#[diagnostic::do_not_recommend]
impl<P: PolicyData> GuardArg for OptionalGuard<P> {
    const ACCESS: Access = Access::Optional(P::REQUIREMENT);
}

#[diagnostic::do_not_recommend]
impl GuardArg for Public {
    const ACCESS: Access = Access::Public;
}
