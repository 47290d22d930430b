//! From a refusal to the answer: one exhaustive match.

use std::fmt;
use std::time::Duration;

use axum::response::{IntoResponse, Redirect, Response};
use http::header::{ACCEPT, CACHE_CONTROL, SET_COOKIE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::local_path::LocalPath;
use super::problem::{problem, unavailable};
use crate::requirement::{Grant, Scheme, Schemes};

/// A request that a guard refused. As a response: the status, the challenges of RFC 6750 and RFC 9470, and a problem
/// body (RFC 9457) that does not say which check failed.
pub struct Rejection {
    refusal: Refusal,
    context: Box<RefusalContext>,
}

/// Why.
pub(crate) enum Refusal {
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

/// What the answer needs besides the reason.
pub(crate) struct RefusalContext {
    pub(crate) schemes: Schemes,
    pub(crate) realm: String,
    /// Where a browser signs in, and how it forgets a dead cookie.
    pub(crate) sign_in: Option<SignIn>,
}

/// For a browser that goes to a page.
pub(crate) struct SignIn {
    /// The login page with the way back, where there is one.
    location: Option<String>,
    forget: HeaderValue,
}

impl SignIn {
    /// `None` for what is not a browser that goes to a page.
    pub(crate) fn for_request(
        parts: &Parts,
        login_page: Option<&LocalPath>,
        forget: &HeaderValue,
    ) -> Option<Self> {
        let is_navigation = matches!(parts.method, Method::GET | Method::HEAD) && wants_html(&parts.headers);
        let original = parts.extensions.get::<axum::extract::OriginalUri>();
        let uri = original.map_or(&parts.uri, |original| &original.0);
        let next = LocalPath::parse(uri.path_and_query().map_or("/", |path| path.as_str()));
        is_navigation.then(|| Self {
            location: login_page
                .map(|page| next.map_or_else(|| page.to_string(), |next| next.as_next_of(page))),
            forget: forget.clone(),
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
    pub(crate) fn new(refusal: Refusal, context: RefusalContext) -> Self {
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
            Refusal::CrossSite => problem(StatusCode::FORBIDDEN, "The request came from another site"),
            Refusal::Insufficient(scopes) => {
                let mut parameters = String::from(r#"error="insufficient_scope""#);
                if let Some(scopes) = scopes {
                    let names: Vec<&str> = scopes.iter().map(Grant::name).collect();
                    parameters.push_str(&format!(r#", scope="{}""#, names.join(" ")));
                }
                context.challenge(
                    StatusCode::FORBIDDEN,
                    "The caller may not do this",
                    Some((None, &parameters)),
                )
            }
            Refusal::InvalidCredential(scheme) => {
                let error = Some((Some(scheme), r#"error="invalid_token""#));
                match scheme {
                    Scheme::Jwt => context.challenge(StatusCode::UNAUTHORIZED, INVALID, error),
                    Scheme::Session => context.sign_in_or(true, INVALID, error),
                }
            }
            Refusal::MalformedRequest => context.challenge(
                StatusCode::BAD_REQUEST,
                "The request's credentials are malformed",
                Some((Some(Scheme::Jwt), r#"error="invalid_request""#)),
            ),
            Refusal::NoCredential => context.sign_in_or(false, "A credential is needed", None),
            Refusal::NotFound => problem(StatusCode::NOT_FOUND, "Not found"),
            Refusal::TooOld(max_age) => {
                let parameters =
                    format!(r#"error="insufficient_user_authentication", max_age={}"#, max_age.as_secs());
                context.challenge(
                    StatusCode::UNAUTHORIZED,
                    "Sign in again to do this",
                    Some((None, &parameters)),
                )
            }
            Refusal::Unavailable => unavailable(),
        }
    }
}

impl RefusalContext {
    /// A redirect to the login page where one is named and a browser asks, else 401.
    fn sign_in_or(&self, forget: bool, title: &str, error: Option<(Option<Scheme>, &str)>) -> Response {
        let mut response = match self.sign_in.as_ref().and_then(|sign_in| sign_in.location.as_deref()) {
            Some(location) => Redirect::to(location).into_response(),
            None => self.challenge(StatusCode::UNAUTHORIZED, title, error),
        };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(sign_in) = self.sign_in.as_ref().filter(|_| forget) {
            response.headers_mut().insert(SET_COOKIE, sign_in.forget.clone());
        }
        response
    }

    /// One challenge for each accepted scheme. Parameters go to the scheme that was used, which comes first, or to each
    /// where none is named.
    fn challenge(&self, status: StatusCode, title: &str, error: Option<(Option<Scheme>, &str)>) -> Response {
        let mut response = problem(status, title);
        let used = error.and_then(|(scheme, _)| scheme);
        let mut schemes = [Scheme::Jwt, Scheme::Session];
        if used == Some(Scheme::Session) {
            schemes.reverse();
        }
        for scheme in
            schemes.into_iter().filter(|scheme| self.schemes.accept(*scheme) || used == Some(*scheme))
        {
            let parameters = match error {
                Some((only, parameters)) if only.is_none_or(|only| only == scheme) => {
                    format!(", {parameters}")
                }
                _ => String::new(),
            };
            let name = match scheme {
                Scheme::Jwt => "Bearer",
                Scheme::Session => "Cookie",
            };
            let challenge = format!(r#"{name} realm="{}"{parameters}"#, self.realm);
            if let Ok(value) = HeaderValue::from_str(&challenge) {
                response.headers_mut().append(WWW_AUTHENTICATE, value);
            }
        }
        response
    }
}
