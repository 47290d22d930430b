//! Used by generated code, and by the tests and benchmarks of this workspace. Not part of the public API: it changes
//! without notice.

pub use axum;
pub use http;
pub use serde;

pub use crate::claims::Claims;
pub use crate::claims::name::ClaimName;
pub use crate::claims::other::OtherMembers;
pub use crate::claims::read::{OptionalClaim, RequiredClaim};
pub use crate::claims::subject::{SubjectField, parse_subject};
pub use crate::extract::Rejection;
pub use crate::extract::access::{Access, GuardArg, NoClaims};
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
/// The revocation list.
pub mod revocation {
    pub use crate::revoke::{Cleared, LastCleared, NotRevoked, RevocationList};
}
pub use crate::role::none::NoRole;
pub use crate::role::{Role, Roles};
pub use crate::route::args::{GuardedArgs, GuardedHandler};
pub use crate::scope::none::NoScope;
pub use crate::scope::{Scope, Scopes};
pub use crate::web::origin::Origin;

/// For `#[require_auth]` only: after an implementation by hand, the policy table would list a policy that nothing enforces.
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

/// The enum `R` itself. A trait, for the error message about another enum.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the role enum of the claims type: that is `{R}`",
    label = "not a variant of `{R}`",
    note = "`role(…)` requires variants of the enum in the `#[claim(roles)]` field of the claims type; a type without the field has no roles"
)]
pub trait IsRoleEnum<R> {}

impl<R: Role> IsRoleEnum<R> for R {}

/// The enum `S` itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the scope enum of the claims type: that is `{S}`",
    label = "not a variant of `{S}`",
    note = "`scope(…)` requires variants of the enum in the `#[claim(scopes)]` field of the claims type; a type without the field has no scopes"
)]
pub trait IsScopeEnum<S> {}

impl<S: Scope> IsScopeEnum<S> for S {}

/// Compiles only for a claims type.
pub const fn assert_claims<C: Claims>() {}

/// Compiles only for a role of `C`.
pub const fn assert_role_of<C: Claims, R: IsRoleEnum<C::Role>>(_: &R) {}

/// Compiles only for a scope of `C`.
pub const fn assert_scope_of<C: Claims, S: IsScopeEnum<C::Scope>>(_: &S) {}

/// A check for callers with the claims `C`; `#[check]` implements it beside `Check`, without the state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a check for `{C}`",
    label = "this check is for other claims than `{C}`",
    note = "the first parameter of a check of this handler has the type `&Auth<{C}>`"
)]
pub trait CheckOf<C> {
    /// Named by generated code, to see that the trait is implemented.
    const ASSERTED: () = ();
}

/// What generated code finds under the name of a check where a function has no `#[check]`: the attribute makes a type of
/// the function's name, and an import of that type takes precedence over this module's.
pub mod unmarked {
    use std::future::{Future, ready};

    use axum::response::Response;

    use super::{Auth, Check, CheckOf, Decision};

    /// A function without `#[check]`.
    #[derive(Debug)]
    pub enum Unmarked {}

    /// Never implemented.
    #[diagnostic::on_unimplemented(
        message = "this function is not a check",
        label = "a function without `#[check]`",
        note = "put `#[check]` on the function"
    )]
    pub trait Marked {}

    /// Stands for a check of callers with the claims `C`.
    #[derive(Debug)]
    pub struct CheckFor<C>(C);

    impl<C> CheckOf<C> for Unmarked where CheckFor<C>: Marked {}

    /// So that the missing attribute is the only error.
    impl<C, S> Check<C, S> for Unmarked {
        fn check(
            _: &Auth<C>,
            _: &mut http::request::Parts,
            _: &S,
        ) -> impl Future<Output = Result<Decision, Response>> + Send {
            ready(Ok(Decision::Forbidden))
        }
    }

    /// The names under which generated code imports checks.
    macro_rules! names {
        ($($name:ident)*) => { $(
            #[doc(hidden)]
            #[expect(non_camel_case_types, reason = "no user names a type like this")]
            pub type $name = Unmarked;
        )* };
    }

    names! {
        __auth_core_check_0 __auth_core_check_1 __auth_core_check_2 __auth_core_check_3
        __auth_core_check_4 __auth_core_check_5 __auth_core_check_6 __auth_core_check_7
        __auth_core_check_8 __auth_core_check_9 __auth_core_check_10 __auth_core_check_11
        __auth_core_check_12 __auth_core_check_13 __auth_core_check_14 __auth_core_check_15
        __auth_core_check_16 __auth_core_check_17 __auth_core_check_18 __auth_core_check_19
        __auth_core_check_20 __auth_core_check_21 __auth_core_check_22 __auth_core_check_23
        __auth_core_check_24 __auth_core_check_25 __auth_core_check_26 __auth_core_check_27
        __auth_core_check_28 __auth_core_check_29 __auth_core_check_30 __auth_core_check_31
        __auth_core_check_32 __auth_core_check_33 __auth_core_check_34 __auth_core_check_35
        __auth_core_check_36 __auth_core_check_37 __auth_core_check_38 __auth_core_check_39
        __auth_core_check_40 __auth_core_check_41 __auth_core_check_42 __auth_core_check_43
        __auth_core_check_44 __auth_core_check_45 __auth_core_check_46 __auth_core_check_47
        __auth_core_check_48 __auth_core_check_49 __auth_core_check_50 __auth_core_check_51
        __auth_core_check_52 __auth_core_check_53 __auth_core_check_54 __auth_core_check_55
        __auth_core_check_56 __auth_core_check_57 __auth_core_check_58 __auth_core_check_59
        __auth_core_check_60 __auth_core_check_61 __auth_core_check_62 __auth_core_check_63
    }
}

/// The policy in the stub of a tuple struct with a mistake.
#[derive(Debug)]
pub enum Mistake {}

impl Policy for Mistake {
    type Checks = NoChecks;
    const REQUIREMENT: &'static Requirement = &Requirement::new(Schemes::SessionOrJwt);
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
