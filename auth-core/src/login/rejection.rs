//! A refused request, as the application sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::OriginalUri;
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode, Uri};

use super::config::Site;
use crate::requirement::{Grant, Requirement, Scheme, Schemes};
use crate::web::{LocalPath, prefers_html};

/// A request that a guard refused, or that no route matches. As a response: the status, the challenges of RFC 6750 and
/// RFC 9470, and a problem body (RFC 9457) that does not say which check failed; or what the application supplies with
/// [`Builder::on_rejection`](crate::login::Builder::on_rejection).
pub struct Rejection {
    pub(crate) refusal: Refusal,
    pub(crate) context: Box<RefusalContext>,
}

/// Why a request was refused, for choosing an answer. It contains no secret, but the answer should not tell the client
/// more than the status does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionReason {
    /// A check of the application, or an extractor of a check, returned a response. [`Builder::on_rejection`] is not called.
    ///
    /// [`Builder::on_rejection`]: crate::login::Builder::on_rejection
    Answered,
    /// 403: a request with a session cookie came from another site.
    CrossSite,
    /// 403: a role, scope or check is not satisfied.
    Forbidden,
    /// 401: a bearer token that is not valid, or a malformed or duplicate session cookie.
    InvalidCredential,
    /// 400: the `Authorization` header is malformed or duplicate.
    MalformedRequest,
    /// 405: the path is known, but not with this method. Only with
    /// [`ProtectedRouter::unmatched`](crate::ProtectedRouter::unmatched).
    MethodNotAllowed,
    /// 401: there is no credential of a scheme that the route accepts.
    NoCredential,
    /// 404: a check returned [`Decision::NotFound`](crate::extract::Decision::NotFound), or no route matches (only with
    /// [`ProtectedRouter::unmatched`](crate::ProtectedRouter::unmatched)).
    NotFound,
    /// 401: the session has expired, or was ended in this browser or elsewhere. A form of an old page gets this.
    SessionOver,
    /// 401: the user signed in longer ago than this route allows.
    TooOld {
        /// The longest time that the route allows.
        max_age: Duration,
    },
    /// 503: the store or the claims source was needed and did not answer.
    Unavailable,
}

/// The reason, with what the answer needs.
pub(crate) enum Refusal {
    Answered(Response),
    CrossSite,
    /// The missing scopes.
    Insufficient(Option<&'static [Grant]>),
    InvalidCredential(Scheme),
    MalformedRequest,
    MethodNotAllowed,
    NoCredential,
    NotFound,
    SessionOver,
    TooOld(Duration),
    Unavailable,
}

/// What the answer needs besides the reason.
pub(crate) struct RefusalContext {
    pub(crate) schemes: Option<Schemes>,
    pub(crate) realm: String,
    /// The address where the client signs in, if it is a browser that opens a page or sends a form.
    pub(crate) login_page: Option<String>,
    pub(crate) answer: Option<OnRejection>,
    method: Method,
    uri: Uri,
    prefers_html: bool,
}

/// The application's answer; `None` for the built-in one.
#[derive(Clone)]
pub(crate) struct OnRejection(Arc<Answer>);

type Answer = dyn Fn(&Rejection) -> Option<Response> + Send + Sync;

impl OnRejection {
    pub(super) fn new<R: Into<Option<Response>>>(
        answer: impl Fn(&Rejection) -> R + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |rejection| answer(rejection).into()))
    }

    pub(crate) fn answer(&self, rejection: &Rejection) -> Option<Response> {
        (self.0)(rejection)
    }
}

impl fmt::Debug for OnRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRejection")
    }
}

impl Rejection {
    /// For a guard with that requirement; `None` where no route matched.
    pub(crate) fn new(
        refusal: Refusal,
        parts: &Parts,
        requirement: Option<&Requirement>,
        site: &Site,
    ) -> Self {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let schemes = requirement.map(Requirement::schemes);
        let prefers_html = prefers_html(&parts.headers);
        let takes_sessions = schemes.is_some_and(|schemes| schemes.accept(Scheme::Session));
        let login_page = match prefers_html && takes_sessions {
            true => site.login_page.as_ref().and_then(|page| sign_in_at(page, &parts.method, uri)),
            false => None,
        };
        let context = RefusalContext {
            schemes,
            realm: site.audience.clone(),
            login_page,
            answer: site.on_rejection.clone(),
            method: parts.method.clone(),
            uri: uri.clone(),
            prefers_html,
        };
        Self { refusal, context: Box::new(context) }
    }

    /// Why the request was refused.
    pub fn reason(&self) -> RejectionReason {
        match self.refusal {
            Refusal::Answered(_) => RejectionReason::Answered,
            Refusal::CrossSite => RejectionReason::CrossSite,
            Refusal::Insufficient(_) => RejectionReason::Forbidden,
            Refusal::InvalidCredential(_) => RejectionReason::InvalidCredential,
            Refusal::MalformedRequest => RejectionReason::MalformedRequest,
            Refusal::MethodNotAllowed => RejectionReason::MethodNotAllowed,
            Refusal::NoCredential => RejectionReason::NoCredential,
            Refusal::NotFound => RejectionReason::NotFound,
            Refusal::SessionOver => RejectionReason::SessionOver,
            Refusal::TooOld(max_age) => RejectionReason::TooOld { max_age },
            Refusal::Unavailable => RejectionReason::Unavailable,
        }
    }

    /// The status of the answer, unless it is a redirect.
    pub fn status(&self) -> StatusCode {
        match &self.refusal {
            Refusal::Answered(response) => response.status(),
            Refusal::MalformedRequest => StatusCode::BAD_REQUEST,
            Refusal::InvalidCredential(_)
            | Refusal::NoCredential
            | Refusal::SessionOver
            | Refusal::TooOld(_) => StatusCode::UNAUTHORIZED,
            Refusal::CrossSite | Refusal::Insufficient(_) => StatusCode::FORBIDDEN,
            Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The method of the request.
    pub fn method(&self) -> &Method {
        &self.context.method
    }

    /// The path of the request, without the query, as the client sent it: it is not decoded.
    pub fn path(&self) -> &str {
        self.context.uri.path()
    }

    /// Whether the client wants a page rather than JSON; see [`prefers_html`](crate::web::prefers_html).
    pub fn prefers_html(&self) -> bool {
        self.context.prefers_html
    }
}

/// The login page, for a browser: with `next` if it opens a page, without if it sends a form, which cannot be repeated.
/// `None` if the request is for the login page itself.
fn sign_in_at(login_page: &LocalPath, method: &Method, uri: &Uri) -> Option<String> {
    if login_page.path() == uri.path() {
        return None;
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    match *method {
        Method::GET | Method::HEAD => {
            let next = LocalPath::parse(path);
            Some(next.map_or_else(|| login_page.to_string(), |next| next.as_next_of(login_page)))
        }
        Method::POST => Some(login_page.to_string()),
        _ => None,
    }
}

/// Contains the reason, and nothing of the request.
impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rejection({:?})", self.reason())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Rejection {}
