//! Headers that every answer carries.

use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// `same-origin` and not `no-referrer`: under the latter browsers send `Origin: null` with the shop's own forms, and
/// one without `Sec-Fetch-Site` could not be told from a forged one.
const SECURITY: [(HeaderName, HeaderValue); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Nothing foreign is loaded, framed or sniffed, and nothing is kept by a cache unless the handler says so: nearly
/// every answer depends on who asks.
pub(crate) async fn secure(response: Response) -> Response {
    let mut response = explain_wrong_method(response);
    let headers = response.headers_mut();
    headers.extend(SECURITY);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// axum answers a wrong method with an empty body.
fn explain_wrong_method(mut response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let allow = response.headers_mut().remove(ALLOW);
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not know that method");
    (allow.map(|allow| [(ALLOW, allow)]), problem).into_response()
}
