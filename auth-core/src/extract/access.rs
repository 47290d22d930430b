//! Who may call a handler, determined by the type of its first argument.

use axum::extract::FromRef;

use super::guard::{Guard, OptionalGuard, Public};
use super::policy::{Checks, NoChecks, Policy};
use crate::claims::Claims;
use crate::login::Authenticator;
use crate::requirement::Requirement;

/// Who may call a handler, for the router and the policy table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody; a caller with a credential is authenticated.
    Optional(&'static Requirement),
    /// Callers who meet the requirement.
    Required(&'static Requirement),
}

/// That a condition on a handler holds; `K` in the traits of such conditions.
///
/// Each of these traits has a second implementation, [`Fails`], which never applies. If there were only one implementation,
/// rustc would assume it, and report its unsatisfied bounds; with two it reports the condition.
#[derive(Debug)]
pub enum Holds {}

/// See [`Holds`].
#[derive(Debug)]
pub enum Fails {}

/// Nothing implements it.
pub trait Never {}

/// An extractor that decides who may call a handler: a guard, or a tuple struct with `#[require_auth]`. Nothing else
/// implements it.
#[diagnostic::on_unimplemented(
    message = "this handler does not state who may call it",
    label = "a handler without `#[require_auth(…)]` or `#[public]`: its first argument, `{Self}`, is not a guard",
    note = "put `#[require_auth(session | jwt)]` on the handler, or `#[public]` if everybody may call it"
)]
pub trait GuardArg<K = Holds>: MadeByAttribute {
    /// Who may call the handler.
    const ACCESS: Access;
    /// The claims of the callers.
    type Claims;
    /// What runs the checks of the policy.
    type Checks;
}

/// Seals the traits on which the policy table relies.
#[diagnostic::on_unimplemented(
    message = "only `#[require_auth(…)]` and `#[public]` make guards",
    label = "`{Self}` is not a guard: the policy table would list a policy that nothing enforces",
    note = "for an extractor with a name, put `#[require_auth(session | jwt)]` on a tuple struct: `struct Admin(Auth<User>);`"
)]
pub trait MadeByAttribute {}

/// A tuple struct with `#[require_auth]`, whose extractor runs the guard of this policy. The attribute generates both from
/// the same policy; a manual implementation could name another policy. It does not name the claims, which may be less
/// visible than the struct.
pub trait NamedGuard {
    /// What the guard requires.
    type Policy: Policy;
}

/// A state that contains the authenticator for the claims `C`; `H` is the type of a handler.
#[diagnostic::on_unimplemented(
    message = "the state `{Self}` does not contain an `Authenticator<{C}>`",
    label = "the guard of this handler needs an `Authenticator<{C}>`",
    note = "put it into a field of the state, `auth: Authenticator<{C}>`, and add `impl FromRef<{Self}> for Authenticator<{C}> {{ fn from_ref(state: &{Self}) -> Self {{ state.auth.clone() }} }}`"
)]
pub trait ContainsAuthenticator<C, H, K> {
    /// `H`.
    type Handler;

    /// The handler itself.
    fn handler(handler: H) -> Self::Handler;
}

/// A state with which a handler's checks `X` run.
#[diagnostic::on_unimplemented(
    message = "a check of this handler cannot run with the state `{Self}`",
    label = "a check of this handler has a parameter that cannot be extracted",
    note = "a check runs before the body is read: `Json`, `Form`, `String` and the like are parameters of the handler",
    note = "for a parameter `State<T>` of a check, add `impl FromRef<{Self}> for T`"
)]
pub trait RunsChecks<X, C, H, K> {
    /// `H`.
    type Handler;

    /// The handler itself.
    fn handler(handler: H) -> Self::Handler;
}

/// The claims of handlers whose state is not checked here: those with `#[public]`, and those with a tuple struct, whose
/// extractor has this condition itself.
#[derive(Debug)]
pub enum NoClaims {}

impl<S, C: Claims, H> ContainsAuthenticator<C, H, Holds> for S
where
    Authenticator<C>: FromRef<S>,
{
    type Handler = H;

    fn handler(handler: H) -> H {
        handler
    }
}

impl<S, H> ContainsAuthenticator<NoClaims, H, Holds> for S {
    type Handler = H;

    fn handler(handler: H) -> H {
        handler
    }
}

impl<S: Never, C, H> ContainsAuthenticator<C, H, Fails> for S {
    type Handler = H;

    fn handler(handler: H) -> H {
        handler
    }
}

impl<S, X: Checks<C, S>, C, H> RunsChecks<X, C, H, Holds> for S {
    type Handler = H;

    fn handler(handler: H) -> H {
        handler
    }
}

impl<S: Never, X, C, H> RunsChecks<X, C, H, Fails> for S {
    type Handler = H;

    fn handler(handler: H) -> H {
        handler
    }
}

impl<P, C> MadeByAttribute for Guard<P, C> {}
impl<P, C> MadeByAttribute for OptionalGuard<P, C> {}
impl MadeByAttribute for Public {}

#[diagnostic::do_not_recommend]
impl<G: NamedGuard> MadeByAttribute for G {}

#[diagnostic::do_not_recommend]
impl<P: Policy, C> GuardArg for Guard<P, C> {
    const ACCESS: Access = Access::Required(P::REQUIREMENT);
    type Claims = C;
    type Checks = P::Checks;
}

#[diagnostic::do_not_recommend]
impl<P: Policy, C> GuardArg for OptionalGuard<P, C> {
    const ACCESS: Access = Access::Optional(P::REQUIREMENT);
    type Claims = C;
    type Checks = P::Checks;
}

#[diagnostic::do_not_recommend]
impl GuardArg for Public {
    const ACCESS: Access = Access::Public;
    type Claims = NoClaims;
    type Checks = NoChecks;
}

#[diagnostic::do_not_recommend]
impl<G: NamedGuard> GuardArg for G {
    const ACCESS: Access = Access::Required(G::Policy::REQUIREMENT);
    type Claims = NoClaims;
    type Checks = NoChecks;
}

#[diagnostic::do_not_recommend]
impl<G: Never + MadeByAttribute> GuardArg<Fails> for G {
    const ACCESS: Access = Access::Public;
    type Claims = NoClaims;
    type Checks = NoChecks;
}
