//! The traits that tie a handler to its requirement. The macros implement them; the guard and the router read them.

use std::future::Future;

use axum::response::Response;
use http::request::Parts;

use crate::claims::Claims;
use crate::login::Auth;
use crate::requirement::Requirement;

/// A requirement with a name: the zero-sized type that `#[require_auth]` puts beside a handler.
pub trait PolicyData: Send + Sync + 'static {
    /// Whom the handler wants to see.
    type Claims: 'static;
    /// What is asked of them.
    const REQUIREMENT: Requirement;
}

/// A policy in an application with state `S`: its checks may need things of the state.
pub trait Policy<S>: PolicyData<Claims: Claims> {
    /// Runs the check with that index. An index that the policy does not have is forbidden.
    ///
    /// # Errors
    ///
    /// The response of an extractor or check that failed, to be sent as it is.
    fn check(
        index: u8,
        user: &Auth<Self::Claims>,
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<Decision, Response>> + Send;
}

/// A rule of the application, such as "owner of this order", as `#[check]` makes it from an async function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a check for this state",
    label = "not a check, or one whose extractors need other things of the state",
    note = "mark the function with `#[check]`; its extractors must work with the state `{S}`"
)]
pub trait Check<S> {
    /// Whom the check looks at.
    type Claims: Claims;

    /// Runs the check.
    ///
    /// # Errors
    ///
    /// The response of an extractor or of the check's own error, to be sent as it is.
    fn check(
        user: &Auth<Self::Claims>,
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<Decision, Response>> + Send;
}

/// What a check answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// The caller may.
    Allow,
    /// The caller may not: 403.
    Forbidden,
    /// The caller must not learn whether the thing exists: 404.
    NotFound,
}

/// What the function of a check may return: a [`Decision`], a `bool` (`false` is *forbidden*), or a `Result` of one
/// of them whose error is a response.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the answer of a check",
    label = "a check answers `bool`, `Decision`, or a `Result` of one of them whose error is a response"
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
