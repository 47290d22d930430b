//! What generated code, tests and benchmarks of this workspace name. Not part of the public interface: it changes without
//! notice.

pub use axum;
pub use http;
pub use serde;

pub use crate::claims::Claims;
pub use crate::claims::name::ClaimName;
pub use crate::claims::other::OtherMembers;
pub use crate::claims::read::{OptionalClaim, RequiredClaim};
pub use crate::claims::subject::{SubjectField, parse_subject};
pub use crate::extract::Rejection;
pub use crate::extract::access::{Access, GuardArg};
pub use crate::extract::guard::{Guard, OptionalGuard, Public};
pub use crate::extract::policy::{
    Answering, Check, Checks, Decision, IntoDecision, NoChecks, Policy, answering, unknown_check,
};
pub use crate::id::{ParseIdError, Subject};
pub use crate::jwt::registered::Registered;
pub use crate::jwt::verifier::{Expected, Verified, Verifier};
pub use crate::login::{Auth, Authenticator};
pub use crate::random::RandomError;
pub use crate::requirement::{Condition, CsrfCheck, Grant, Quantifier, Requirement, Schemes};
/// The rule of rotation.
pub mod rotation {
    pub use crate::refresh::family::{
        Decision, Delivery, Evidence, FamilyWrite, Presentation, Verdict, decide, deliver, is_late,
    };
    pub use crate::refresh::policy::{Pair, Pairing, RotationPolicy, Sharing};
    pub use crate::refresh::rotate::{Refresh, RotateError, Rotated};
    pub use crate::refresh::token::{ParseTokenError, ParsedToken, RefreshToken};
}
/// The list of what is over.
pub mod revocation {
    pub use crate::revoke::{Cleared, LastCleared, NotRevoked, RevocationList};
}
pub use crate::role::none::NoRole;
pub use crate::role::{Role, Roles};
pub use crate::route::args::GuardedArgs;
pub use crate::scope::none::NoScope;
pub use crate::scope::{Scope, Scopes};
pub use crate::web::origin::Origin;

/// What only `#[require_auth]` may implement: by hand, the policy table would say what nobody has checked.
pub mod hand_written_use_is_unsupported {
    pub use crate::extract::access::NamedGuard;
}

/// The type of a `#[claim(roles)]` field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of roles",
    label = "a `#[claim(roles)]` field has the type `Roles<…>`"
)]
pub trait RolesField {
    /// The enum of roles.
    type Role: Role;
    /// The set itself.
    fn roles(&self) -> Roles<Self::Role>;
}

impl<R: Role> RolesField for Roles<R> {
    type Role = R;

    fn roles(&self) -> Self {
        *self
    }
}

/// The type of a `#[claim(scopes)]` field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of scopes",
    label = "a `#[claim(scopes)]` field has the type `Scopes<…>`"
)]
pub trait ScopesField {
    /// The enum of scopes.
    type Scope: Scope;
    /// The set itself.
    fn scopes(&self) -> Scopes<Self::Scope>;
}

impl<S: Scope> ScopesField for Scopes<S> {
    type Scope = S;

    fn scopes(&self) -> Self {
        *self
    }
}

/// The enum `R` itself; so that another one gets a message of ours.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the role enum of these claims: theirs is `{R}`",
    label = "not a variant of `{R}`",
    note = "`role(…)` takes variants of the enum in the claims' `#[claim(roles)]` field; without that field there are no roles"
)]
pub trait IsRoleEnum<R> {}

impl<R: Role> IsRoleEnum<R> for R {}

/// The enum `S` itself, likewise.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the scope enum of these claims: theirs is `{S}`",
    label = "not a variant of `{S}`",
    note = "`scope(…)` takes variants of the enum in the claims' `#[claim(scopes)]` field; without that field there are no scopes"
)]
pub trait IsScopeEnum<S> {}

impl<S: Scope> IsScopeEnum<S> for S {}

/// Compiles only for a claims type.
pub const fn assert_claims<C: Claims>() {}

/// Compiles only for a role of `C`.
pub const fn assert_role_of<C: Claims, R: IsRoleEnum<C::Role>>(_: &R) {}

/// Compiles only for a scope of `C`.
pub const fn assert_scope_of<C: Claims, S: IsScopeEnum<C::Scope>>(_: &S) {}

/// A check that looks at callers with the claims `C`; `#[check]` implements it beside `Check`, without the state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a check for `{C}`",
    label = "this check looks at callers with other claims, or is not marked `#[check]`",
    note = "the first parameter of a function marked `#[check]` is `&Auth<{C}>` here"
)]
pub trait CheckOf<C> {
    /// Named by generated code, to see that the trait is implemented.
    const ASSERTED: () = ();
}

/// Reads the subject out of its field.
///
/// # Errors
///
/// Those of [`SubjectField::to_subject`].
pub fn to_subject<T: SubjectField>(field: &T) -> Result<Subject, ParseIdError> {
    field.to_subject()
}

/// The subject of claims as their `sub`.
#[derive(Debug)]
pub struct SubjectClaim<'a, C>(pub &'a C);

impl<C: Claims> serde::Serialize for SubjectClaim<'_, C> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let subject = self.0.subject().map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(subject.as_str())
    }
}
