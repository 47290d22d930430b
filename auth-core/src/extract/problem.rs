//! Bodies of refusals: RFC 9457 problem details that never say which check failed.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// A problem with a status and a title.
pub(crate) fn problem(status: StatusCode, title: &str) -> Response {
    respond(status, &Problem { r#type: "about:blank", title, status: status.as_u16(), error: None })
}

/// A problem with an error code of OAuth (RFC 6749 section 5.2).
pub(crate) fn oauth_problem(status: StatusCode, error: &'static str, title: &str) -> Response {
    let problem = Problem { r#type: "about:blank", title, status: status.as_u16(), error: Some(error) };
    let mut response = respond(status, &problem);
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// 503 with `Retry-After`: the client keeps its credential and tries again.
pub(crate) fn unavailable() -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn respond(status: StatusCode, problem: &Problem<'_>) -> Response {
    let mut response = (status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
