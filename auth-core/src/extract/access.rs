//! Who may call a handler, told by the type of its first argument.

use super::guard::{Guard, OptionalGuard, Public};
use super::policy::Policy;
use crate::requirement::Requirement;

/// Who may call a handler, as the router and the policy table see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody; who has a credential is known.
    Optional(&'static Requirement),
    /// Who meets the requirement.
    Required(&'static Requirement),
}

/// An extractor that decides who may call a handler: a guard, or a tuple struct with `#[require_auth]`. Nothing else
/// implements it.
#[diagnostic::on_unimplemented(
    message = "this handler does not say who may call it",
    label = "a handler without `#[require_auth(…)]` or `#[public]`: its first argument, `{Self}`, is no guard",
    note = "put `#[require_auth(session | jwt)]` on the handler, or `#[public]` if everybody may call it"
)]
pub trait GuardArg: MadeByAttribute {
    /// Who may call the handler.
    const ACCESS: Access;
}

/// Keeps other crates from implementing what the policy table believes.
#[diagnostic::on_unimplemented(
    message = "only `#[require_auth(…)]` and `#[public]` make guards",
    label = "`{Self}` is no guard: the policy table would list a policy that nothing enforces",
    note = "put `#[require_auth(…)]` on a tuple struct, `struct Admin(Auth<User>);`, for an extractor with a name"
)]
pub trait MadeByAttribute {}

/// A tuple struct with `#[require_auth]`, whose extractor runs the guard of this policy. The attribute writes both from
/// the same policy; written by hand, nothing would tie one to the other.
pub trait NamedGuard {
    /// What the guard asks.
    type Policy: Policy;
}

impl<P, C> MadeByAttribute for Guard<P, C> {}
impl<P, C> MadeByAttribute for OptionalGuard<P, C> {}
impl MadeByAttribute for Public {}

#[diagnostic::do_not_recommend]
impl<G: NamedGuard> MadeByAttribute for G {}

#[diagnostic::do_not_recommend]
impl<P: Policy, C> GuardArg for Guard<P, C> {
    const ACCESS: Access = Access::Required(P::REQUIREMENT);
}

#[diagnostic::do_not_recommend]
impl<P: Policy, C> GuardArg for OptionalGuard<P, C> {
    const ACCESS: Access = Access::Optional(P::REQUIREMENT);
}

#[diagnostic::do_not_recommend]
impl GuardArg for Public {
    const ACCESS: Access = Access::Public;
}

#[diagnostic::do_not_recommend]
impl<G: NamedGuard> GuardArg for G {
    const ACCESS: Access = Access::Required(G::Policy::REQUIREMENT);
}
