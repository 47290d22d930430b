//! Pages of signed-in users are kept by no cache.

use axum::response::Response;
use axum::routing;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use tower::util::MapResponseLayer;

use crate::extract::access::Access;

/// The same handlers; if a guard stands before them, their pages are not stored unless they say so themselves.
pub(super) fn private_page<S>(handlers: routing::MethodRouter<S>, access: Access) -> routing::MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    match access {
        Access::Public => handlers,
        Access::Optional(_) | Access::Required(_) => {
            handlers.route_layer(MapResponseLayer::new(keep_private as fn(Response) -> Response))
        }
    }
}

/// A browser that goes back asks again for a page with `no-store`, and so does not show it after the session ended.
fn keep_private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let is_page = headers.get(CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes().get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"))
    });
    if is_page && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.append(VARY, HeaderValue::from_static("authorization, cookie"));
    }
    response
}
