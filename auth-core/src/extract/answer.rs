//! Where errors become answers: one exhaustive match for each kind, and the bodies that they share.

use std::fmt;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::login::{AuthenticateError, LoginError, RefreshError, Site};
use crate::requirement::{Grant, Requirement, Scheme, Schemes};
use crate::store::StoreError;
use crate::web::{LocalPath, Problem};

/// A request that a guard refused. As a response: the status, the challenges of RFC 6750 and RFC 9470, and a problem
/// body (RFC 9457) that does not say which check failed.
pub struct Rejection {
    refusal: Refusal,
    context: Box<RefusalContext>,
}

/// Why.
pub(super) enum Refusal {
    /// A check or one of its extractors answered itself.
    Answered(Response),
    CrossSite,
    /// A role, scope or check is not met; the scopes that would help.
    Insufficient(Option<&'static [Grant]>),
    InvalidCredential(Scheme),
    MalformedRequest,
    NoCredential,
    NotFound,
    TooOld(Duration),
    Unavailable,
}

impl From<AuthenticateError> for Refusal {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Invalid(scheme) => Self::InvalidCredential(scheme),
            AuthenticateError::Unavailable => Self::Unavailable,
        }
    }
}

/// What the answer needs besides the reason.
struct RefusalContext {
    schemes: Schemes,
    realm: String,
    /// Where a browser signs in.
    sign_in: Option<SignIn>,
}

/// For a browser that goes to a page.
struct SignIn {
    /// The login page with the way back, where there is one.
    location: Option<String>,
}

impl SignIn {
    /// `None` for what is not a browser that goes to a page.
    fn for_request(parts: &Parts, site: &Site) -> Option<Self> {
        let is_navigation = matches!(parts.method, Method::GET | Method::HEAD) && wants_html(&parts.headers);
        let original = parts.extensions.get::<axum::extract::OriginalUri>();
        let uri = original.map_or(&parts.uri, |original| &original.0);
        let next = LocalPath::parse(uri.path_and_query().map_or("/", |path| path.as_str()));
        is_navigation.then(|| Self {
            location: site
                .login_page
                .as_ref()
                .map(|page| next.map_or_else(|| page.to_string(), |next| next.as_next_of(page))),
        })
    }
}

const INVALID: &str = "The credential is not valid";

/// Whether the client names `text/html` itself; `*/*` is what programs send.
fn wants_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|accept| {
        accept.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"))
                && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    })
}

impl Rejection {
    pub(super) fn new(refusal: Refusal, parts: &Parts, requirement: &Requirement, site: &Site) -> Self {
        let schemes = requirement.schemes();
        let sign_in = match schemes.accept(Scheme::Session) {
            true => SignIn::for_request(parts, site),
            false => None,
        };
        let context = RefusalContext { schemes, realm: site.audience.clone(), sign_in };
        Self { refusal, context: Box::new(context) }
    }
}

/// Shows the reason, and nothing of the request.
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match &self.refusal {
            Refusal::Answered(_) => "Answered",
            Refusal::CrossSite => "CrossSite",
            Refusal::Insufficient(_) => "Insufficient",
            Refusal::InvalidCredential(_) => "InvalidCredential",
            Refusal::MalformedRequest => "MalformedRequest",
            Refusal::NoCredential => "NoCredential",
            Refusal::NotFound => "NotFound",
            Refusal::TooOld(_) => "TooOld",
            Refusal::Unavailable => "Unavailable",
        };
        write!(f, "Rejection({reason})")
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Rejection {}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let context = &self.context;
        match self.refusal {
            Refusal::Answered(response) => response,
            Refusal::CrossSite => problem(StatusCode::FORBIDDEN, CROSS_SITE),
            Refusal::Insufficient(scopes) => {
                let mut parameters = String::from(r#"error="insufficient_scope""#);
                if let Some(scopes) = scopes {
                    let names: Vec<&str> = scopes.iter().map(Grant::name).collect();
                    parameters.push_str(&format!(r#", scope="{}""#, names.join(" ")));
                }
                let error = ChallengeError::of_each(parameters);
                context.challenge(StatusCode::FORBIDDEN, "The caller may not do this", Some(&error))
            }
            Refusal::InvalidCredential(scheme) => {
                let error = ChallengeError::of(scheme, r#"error="invalid_token""#);
                match scheme {
                    Scheme::Jwt => context.challenge(StatusCode::UNAUTHORIZED, INVALID, Some(&error)),
                    Scheme::Session => context.sign_in_or(INVALID, Some(&error)),
                }
            }
            Refusal::MalformedRequest => {
                let error = ChallengeError::of(Scheme::Jwt, r#"error="invalid_request""#);
                let title = "The request's credentials are malformed";
                context.challenge(StatusCode::BAD_REQUEST, title, Some(&error))
            }
            Refusal::NoCredential => context.sign_in_or("A credential is needed", None),
            Refusal::NotFound => not_found(),
            Refusal::TooOld(max_age) => {
                let max_age = max_age.as_secs();
                let parameters = format!(r#"error="insufficient_user_authentication", max_age={max_age}"#);
                let error = ChallengeError::of_each(parameters);
                context.challenge(StatusCode::UNAUTHORIZED, "Sign in again to do this", Some(&error))
            }
            Refusal::Unavailable => unavailable(),
        }
    }
}

impl RefusalContext {
    /// A redirect to the login page where one is named and a browser asks, else 401. A dead cookie stays: the browser may
    /// have signed in again since it sent the request, and would lose the new one.
    fn sign_in_or(&self, title: &'static str, error: Option<&ChallengeError>) -> Response {
        let mut response = match self.sign_in.as_ref().and_then(|sign_in| sign_in.location.as_deref()) {
            Some(location) => Redirect::to(location).into_response(),
            None => self.challenge(StatusCode::UNAUTHORIZED, title, error),
        };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// One challenge for each accepted scheme, that of the scheme that was used first.
    fn challenge(&self, status: StatusCode, title: &'static str, error: Option<&ChallengeError>) -> Response {
        let mut response = problem(status, title);
        let used = error.and_then(|error| error.scheme);
        let mut schemes = [Scheme::Jwt, Scheme::Session];
        if used == Some(Scheme::Session) {
            schemes.reverse();
        }
        let is_named = |scheme: &Scheme| self.schemes.accept(*scheme) || used == Some(*scheme);
        for scheme in schemes.into_iter().filter(is_named) {
            let parameters = error.and_then(|error| error.parameters_for(scheme));
            let challenge = Challenge { scheme, realm: &self.realm, parameters };
            if let Ok(value) = HeaderValue::from_str(&challenge.to_string()) {
                response.headers_mut().append(WWW_AUTHENTICATE, value);
            }
        }
        response
    }
}

/// The error parameters of challenges (RFC 6750 section 3, RFC 9470 section 3).
struct ChallengeError {
    /// The scheme that was used; each, where it is none.
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
            Self::Method => problem(StatusCode::FORBIDDEN, "This method signs nobody in"),
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
        match self {
            Self::CrossSite => problem(StatusCode::FORBIDDEN, CROSS_SITE),
            Self::InvalidGrant => {
                let title = "The refresh token is not accepted; sign in again";
                let mut response =
                    respond(Problem::new(StatusCode::UNAUTHORIZED, title).with_error("invalid_grant"));
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
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

/// 503 with `Retry-After`: the client keeps its credential and tries again.
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
