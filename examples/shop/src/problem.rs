//! Refusals of the shop itself, as `application/problem+json` (RFC 9457), worded like those of auth-core.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::guesses::TooManyGuesses;
use crate::password::PasswordError;
use crate::users::UserError;

/// A status and a title that says what to do about it. Never a value out of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    /// In how many seconds trying again may help.
    retry_after: Option<u64>,
}

impl Problem {
    /// Something of the shop's own is broken.
    pub(crate) const INTERNAL: Self = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong");

    /// There is nothing at this address, or nothing that the caller may know of.
    pub(crate) const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "Not found");

    /// Something is down or overloaded; trying again may help.
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

/// The rejection's own text may quote the body, and the body may hold a password.
impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let title = match rejection {
            JsonRejection::JsonDataError(_) => {
                "A member of the body is missing or has another type than expected"
            }
            JsonRejection::JsonSyntaxError(_) => "The body is not JSON",
            JsonRejection::MissingJsonContentType(_) => "The body must be application/json",
            _ => "The body could not be read",
        };
        Self::new(rejection.status(), title)
    }
}

/// A JSON body; what is wrong with one becomes a [`Problem`]: 400, 413, 415 or 422.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}
