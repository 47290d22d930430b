//! Headers that keep caches from storing answers that depend on the caller.
//!
//! A shared cache does not store answers to requests with `Authorization` (RFC 9111 section 3.5), but it may store an
//! answer to a request with a cookie, and give it to others.

use axum::response::Response;
use http::header::{CACHE_CONTROL, VARY};
use http::{HeaderMap, HeaderValue};
use tower::util::MapResponseLayer;

use super::access::Access;
use crate::requirement::Scheme;

/// The request headers that an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Varies {
    Authorization,
    /// If both are present, `Authorization` decides, so an answer that depends on a cookie depends on it too.
    AuthorizationAndCookie,
    Cookie,
}

impl Varies {
    /// `None` for the answers of public handlers, which set these headers themselves.
    pub(crate) fn of(access: Access) -> Option<Self> {
        match access {
            Access::Public => None,
            Access::Optional(requirement) | Access::Required(requirement) => {
                Some(match requirement.schemes().accept(Scheme::Session) {
                    true => Self::AuthorizationAndCookie,
                    false => Self::Authorization,
                })
            }
        }
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Authorization => &["authorization"],
            Self::AuthorizationAndCookie => &["authorization", "cookie"],
            Self::Cookie => &["cookie"],
        }
    }

    /// `Cache-Control: no-store`, unless the answer has a `Cache-Control`, and `Vary`.
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        for name in self.names() {
            if !varies_by(headers, name) {
                headers.append(VARY, HeaderValue::from_static(name));
            }
        }
    }

    /// Adds the headers to every answer.
    pub(crate) fn layer(
        self,
    ) -> MapResponseLayer<impl FnOnce(Response) -> Response + Clone + Send + Sync + 'static> {
        MapResponseLayer::new(move |mut response: Response| {
            self.mark(response.headers_mut());
            response
        })
    }
}

fn varies_by(headers: &HeaderMap, name: &str) -> bool {
    let mut all = headers
        .get_all(VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    all.any(|one| one.trim() == "*" || one.trim().eq_ignore_ascii_case(name))
}
