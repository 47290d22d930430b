//! Refusals of the shop itself, as `application/problem+json` (RFC 9457), worded like those of auth-core.

use std::error::Error;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::json;
use tower_http::timeout::TimeoutError;

use crate::guesses::TooManyGuesses;
use crate::password::PasswordError;
use crate::users::UserError;

/// A status and a title that says what to do. It contains no value of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    /// After how many seconds a retry may succeed.
    retry_after: Option<u64>,
}

impl Problem {
    /// An error of the shop itself.
    pub(crate) const INTERNAL: Self = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong");

    /// There is nothing at this address, or the caller must not know of it.
    pub(crate) const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "Not found");

    /// A dependency does not answer, or the shop is overloaded; a retry may succeed.
    pub(crate) const UNAVAILABLE: Self =
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment") };

    /// A problem with that title.
    pub(crate) const fn new(status: StatusCode, title: &'static str) -> Self {
        Self { status, title, retry_after: None }
    }

    /// The request was understood, and a value in it is not acceptable.
    pub(crate) const fn unprocessable(title: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, title)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({ "type": "about:blank", "title": self.title, "status": self.status.as_u16() });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="shop""#));
        }
        response
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the shop's database failed");
        Self::UNAVAILABLE
    }
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Database(error) => error.into(),
            UserError::Password(PasswordError::Busy | PasswordError::Stopping) => Self::UNAVAILABLE,
            UserError::Password(error @ PasswordError::Failed(_)) => {
                tracing::error!(%error, "a password could not be checked");
                Self::INTERNAL
            }
        }
    }
}

impl From<TooManyGuesses> for Problem {
    fn from(too_many: TooManyGuesses) -> Self {
        let title = "Too many wrong passwords; try again later";
        Self { retry_after: Some(too_many.seconds()), ..Self::new(StatusCode::TOO_MANY_REQUESTS, title) }
    }
}

/// A body that could not be read completely: 400, 408 or 413.
impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        let mut causes = std::iter::successors(rejection.source(), |error| (*error).source());
        if causes.any(|error| error.is::<TimeoutError>()) {
            return Self::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time");
        }
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large")
            }
            status => Self::new(status, "The body could not be read"),
        }
    }
}

/// A JSON object as a body. Errors are [`Problem`]s: 400, 408, 413, 415 or 422.
///
/// They do not quote the body, which may contain a password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !says_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body must be application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state).await?;
        // serde would read a struct from an array of its fields, too.
        let is_object = bytes.trim_ascii_start().starts_with(b"{");
        match serde_json::from_slice(&bytes).map_err(|error| error.classify()) {
            Ok(body) if is_object => Ok(Self(body)),
            Err(Category::Syntax | Category::Eof | Category::Io) => {
                Err(Problem::new(StatusCode::BAD_REQUEST, "The body is not JSON"))
            }
            Err(Category::Data) if is_object => Err(Problem::unprocessable(
                "A member of the body is missing or has another type than expected",
            )),
            _ => Err(Problem::unprocessable("The body must be a JSON object")),
        }
    }
}

/// Whether the only `Content-Type` is `application/json`, with or without parameters (RFC 9110 section 8.3.1).
fn says_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let kind = only.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}
