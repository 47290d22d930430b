//! The conversion of errors into answers: one exhaustive match for each kind, and the bodies that they share.

use std::fmt;

use axum::Json;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::login::rejection::{Refusal, RefusalContext, Rejection};
use crate::login::{AuthenticateError, LoginError, RefreshError};
use crate::requirement::{Grant, Scheme};
use crate::store::StoreError;
use crate::web::{BodyError, Problem};

impl From<AuthenticateError> for Refusal {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken => Self::InvalidCredential(Scheme::Jwt),
            AuthenticateError::SessionOver => Self::SessionOver,
            AuthenticateError::Unavailable => Self::Unavailable,
        }
    }
}

const INVALID: &str = "The credential is not valid";

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        if let Refusal::Answered(response) = self.refusal {
            return response;
        }
        let built_in = match (&self.context.login_page, &self.refusal) {
            (
                Some(login_page),
                Refusal::InvalidCredential(Scheme::Session) | Refusal::NoCredential | Refusal::SessionOver,
            ) => Some(Redirect::to(login_page).into_response()),
            _ => None,
        };
        let refused = refused(&self.refusal, &self.context);
        let mut response = match self.context.answer.as_ref().and_then(|answer| answer.answer(&self)) {
            Some(answer) => protected(answer, &self, &refused),
            None => built_in.unwrap_or(refused),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.append(VARY, HeaderValue::from_static("accept"));
        response
    }
}

/// The application's answer with what the library ensures: the status is not a success, and the challenges and
/// `Retry-After` are present.
fn protected(mut answer: Response, rejection: &Rejection, refused: &Response) -> Response {
    if answer.status().is_success() || answer.status().is_informational() {
        *answer.status_mut() = rejection.status();
    }
    if answer.status().is_redirection() {
        return answer;
    }
    let headers = answer.headers_mut();
    for name in [RETRY_AFTER, WWW_AUTHENTICATE] {
        headers.remove(&name);
        refused.headers().get_all(&name).iter().for_each(|value| _ = headers.append(&name, value.clone()));
    }
    answer
}

/// The problem, with its challenges.
fn refused(refusal: &Refusal, context: &RefusalContext) -> Response {
    match refusal {
        // Its response was sent unchanged before.
        Refusal::Answered(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "No answer"),
        Refusal::CrossSite => problem(StatusCode::FORBIDDEN, CROSS_SITE),
        Refusal::Insufficient(scopes) => {
            let mut parameters = String::from(r#"error="insufficient_scope""#);
            if let Some(scopes) = scopes {
                let names: Vec<&str> = scopes.iter().map(Grant::name).collect();
                parameters.push_str(&format!(r#", scope="{}""#, names.join(" ")));
            }
            let error = ChallengeError::of_each(parameters);
            challenge(context, StatusCode::FORBIDDEN, "The caller may not do this", Some(&error))
        }
        Refusal::InvalidCredential(Scheme::Jwt) => {
            let error = ChallengeError::of(Scheme::Jwt, r#"error="invalid_token""#);
            challenge(context, StatusCode::UNAUTHORIZED, INVALID, Some(&error))
        }
        Refusal::InvalidCredential(Scheme::Session) | Refusal::SessionOver => {
            let error = ChallengeError::of(Scheme::Session, r#"error="invalid_token""#);
            challenge(context, StatusCode::UNAUTHORIZED, INVALID, Some(&error))
        }
        Refusal::MalformedRequest => {
            let error = ChallengeError::of(Scheme::Jwt, r#"error="invalid_request""#);
            let title = "The request's credentials are malformed";
            challenge(context, StatusCode::BAD_REQUEST, title, Some(&error))
        }
        Refusal::MethodNotAllowed => {
            problem(StatusCode::METHOD_NOT_ALLOWED, "This address does not know that method")
        }
        Refusal::NoCredential => challenge(context, StatusCode::UNAUTHORIZED, "A credential is needed", None),
        Refusal::NotFound => not_found(),
        Refusal::TooOld(max_age) => {
            let max_age = max_age.as_secs();
            let parameters = format!(r#"error="insufficient_user_authentication", max_age={max_age}"#);
            let error = ChallengeError::of_each(parameters);
            challenge(context, StatusCode::UNAUTHORIZED, "Sign in again to do this", Some(&error))
        }
        Refusal::Unavailable => unavailable(),
    }
}

/// One challenge for each accepted scheme, beginning with the scheme that was used.
fn challenge(
    context: &RefusalContext,
    status: StatusCode,
    title: &'static str,
    error: Option<&ChallengeError>,
) -> Response {
    let mut response = problem(status, title);
    let used = error.and_then(|error| error.scheme);
    let mut schemes = [Scheme::Jwt, Scheme::Session];
    if used == Some(Scheme::Session) {
        schemes.reverse();
    }
    let is_named = |scheme: &Scheme| {
        context.schemes.is_some_and(|schemes| schemes.accept(*scheme)) || used == Some(*scheme)
    };
    for scheme in schemes.into_iter().filter(is_named) {
        let parameters = error.and_then(|error| error.parameters_for(scheme));
        let challenge = Challenge { scheme, realm: &context.realm, parameters };
        if let Ok(value) = HeaderValue::from_str(&challenge.to_string()) {
            response.headers_mut().append(WWW_AUTHENTICATE, value);
        }
    }
    response
}

/// The error parameters of challenges (RFC 6750 section 3, RFC 9470 section 3).
struct ChallengeError {
    /// The scheme that was used; if there was none, all.
    scheme: Option<Scheme>,
    parameters: String,
}

impl ChallengeError {
    fn of(scheme: Scheme, parameters: &str) -> Self {
        Self { scheme: Some(scheme), parameters: parameters.to_owned() }
    }

    const fn of_each(parameters: String) -> Self {
        Self { scheme: None, parameters }
    }

    fn parameters_for(&self, scheme: Scheme) -> Option<&str> {
        self.scheme.is_none_or(|only| only == scheme).then_some(&*self.parameters)
    }
}

/// One `WWW-Authenticate` challenge.
struct Challenge<'a> {
    scheme: Scheme,
    realm: &'a str,
    parameters: Option<&'a str>,
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.scheme {
            Scheme::Jwt => "Bearer",
            Scheme::Session => "Cookie",
        };
        write!(f, r#"{name} realm="{}""#, self.realm)?;
        self.parameters.map_or(Ok(()), |parameters| write!(f, ", {parameters}"))
    }
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        match self {
            Self::CrossSite => problem(StatusCode::FORBIDDEN, CROSS_SITE),
            Self::Gone => problem(StatusCode::UNAUTHORIZED, "Signing in failed"),
            Self::LimitReached => problem(StatusCode::CONFLICT, "Signed in on too many devices"),
            Self::Method => problem(StatusCode::FORBIDDEN, "This method cannot sign in"),
            Self::PlainHttp => problem(StatusCode::FORBIDDEN, PLAIN_HTTP),
            Self::Changed | Self::Source(_) | Self::Store(_) => unavailable(),
            Self::OtherSubject | Self::Subject(_) => {
                problem(StatusCode::INTERNAL_SERVER_ERROR, "Signing in failed")
            }
        }
    }
}

impl IntoResponse for RefreshError {
    fn into_response(self) -> Response {
        self.into_response_of(None)
    }
}

impl RefreshError {
    /// The response, with the realm of the challenge if it is known. Without it the challenge contains only the error: it
    /// must have a parameter (RFC 6750 section 3).
    pub(super) fn into_response_of(self, realm: Option<&str>) -> Response {
        match self {
            Self::CrossSite => problem(StatusCode::FORBIDDEN, CROSS_SITE),
            Self::InvalidGrant => {
                let title = "The refresh token is not accepted; sign in again";
                let mut response =
                    respond(Problem::new(StatusCode::UNAUTHORIZED, title).with_error("invalid_grant"));
                let error = r#"error="invalid_token""#;
                let challenge = match realm {
                    Some(realm) => {
                        Challenge { scheme: Scheme::Jwt, realm, parameters: Some(error) }.to_string()
                    }
                    None => format!("Bearer {error}"),
                };
                if let Ok(value) = HeaderValue::from_str(&challenge) {
                    response.headers_mut().insert(WWW_AUTHENTICATE, value);
                }
                response
            }
            Self::Missing => respond(
                Problem::new(StatusCode::BAD_REQUEST, "A refresh token is needed")
                    .with_error("invalid_request"),
            ),
            Self::Unavailable(error) => {
                tracing::error!(%error, "a refresh could not be answered");
                unavailable()
            }
        }
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        match self {
            Self::Incomplete => problem(StatusCode::BAD_REQUEST, "The body is incomplete"),
            Self::Members => RefreshError::Missing.into_response(),
            Self::TooLarge => problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedType => {
                problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be application/json")
            }
        }
    }
}

impl IntoResponse for StoreError {
    fn into_response(self) -> Response {
        tracing::error!(error = ?self, "the store does not answer");
        unavailable()
    }
}

const CROSS_SITE: &str = "The request came from another site";
const PLAIN_HTTP: &str =
    "Open this page over https or on localhost: browsers do not keep the cookie over plain http";

pub(crate) fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "Not found")
}

pub(super) fn problem(status: StatusCode, title: &'static str) -> Response {
    respond(Problem::new(status, title))
}

/// 503 with `Retry-After`: the client keeps its credential and retries.
pub(super) fn unavailable() -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn respond(problem: Problem) -> Response {
    let mut response = (problem.status(), Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
