//! The traits that connect a handler with its requirement. The macros implement them; the guard and the router use them.

use std::future::Future;
use std::pin::Pin;

use axum::response::Response;
use http::request::Parts;

use crate::login::Auth;
use crate::requirement::Requirement;

/// A requirement with a name: the type without values that `#[require_auth]` puts beside a handler.
pub trait Policy: 'static {
    /// What runs the checks that the requirement names: the policy itself, or [`NoChecks`].
    type Checks;
    /// The requirement.
    const REQUIREMENT: &'static Requirement;
}

/// The checks of a policy, in an application with the state `S`, parts of which they may extract.
pub trait Checks<C, S> {
    /// Runs the check with that index. An index that the policy does not have is forbidden.
    ///
    /// # Errors
    ///
    /// The response of an extractor or check that failed, to be sent as it is.
    fn ask<'a>(index: u8, user: &'a Auth<C>, parts: &'a mut Parts, state: &'a S) -> Answering<'a>;
}

/// A check that is running. It is boxed, so that what awaits it is compiled once for all policies.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Decision, Response>> + Send + 'a>>;

/// The checks of a policy that names none.
#[derive(Clone, Copy, Debug)]
pub enum NoChecks {}

impl<C, S> Checks<C, S> for NoChecks {
    fn ask<'a>(_: u8, _: &'a Auth<C>, _: &'a mut Parts, _: &'a S) -> Answering<'a> {
        unknown_check()
    }
}

/// The running check, boxed.
pub fn answering<'a>(check: impl Future<Output = Result<Decision, Response>> + Send + 'a) -> Answering<'a> {
    Box::pin(check)
}

/// The result of a check that the policy does not have.
pub fn unknown_check<'a>() -> Answering<'a> {
    Box::pin(std::future::ready(Ok(Decision::Forbidden)))
}

/// A policy as a value, so that deciding is compiled once for the claims and the state, and not for each policy.
pub(super) struct Rules<C, S> {
    pub(super) requirement: &'static Requirement,
    pub(super) ask: for<'a> fn(u8, &'a Auth<C>, &'a mut Parts, &'a S) -> Answering<'a>,
}

/// A rule of the application for callers with the claims `C`, such as "owner of this order", as `#[check]` makes it from
/// an async function, in an application with state `S`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a check for `{C}` and the state `{S}`",
    label = "not a check for `{C}` and the state `{S}`",
    note = "a check is an async function with `#[check]` whose first parameter is `&Auth<{C}>`"
)]
pub trait Check<C, S> {
    /// Runs the check.
    ///
    /// # Errors
    ///
    /// The response of an extractor or of the check's own error, to be sent as it is.
    fn check(
        user: &Auth<C>,
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<Decision, Response>> + Send;
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// The caller is allowed.
    Allow,
    /// The caller is not allowed: 403.
    Forbidden,
    /// The caller must not learn whether the resource exists: 404.
    NotFound,
}

/// What the function of a check may return: a [`Decision`], a `bool` (`false` is *forbidden*), or a `Result` of one
/// of them whose error is a response.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a check",
    label = "a check returns `bool`, `Decision`, or a `Result` of one of them whose error is a response"
)]
pub trait IntoDecision {
    /// The decision, or the response to send instead.
    ///
    /// # Errors
    ///
    /// The response of the check's own error.
    fn into_decision(self) -> Result<Decision, Response>;
}

impl IntoDecision for Decision {
    fn into_decision(self) -> Result<Decision, Response> {
        Ok(self)
    }
}

impl IntoDecision for bool {
    fn into_decision(self) -> Result<Decision, Response> {
        Ok(if self { Decision::Allow } else { Decision::Forbidden })
    }
}

impl<D: IntoDecision, E: axum::response::IntoResponse> IntoDecision for Result<D, E> {
    fn into_decision(self) -> Result<Decision, Response> {
        self.map_err(axum::response::IntoResponse::into_response).and_then(D::into_decision)
    }
}
