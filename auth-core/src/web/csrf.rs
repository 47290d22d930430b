//! Cross-site request forgery: asked only where a cookie was the credential that was used, or is about to be set.

use http::header::{HOST, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

use super::Origin;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What to do with an unsafe request that has neither `Sec-Fetch-Site` nor `Origin`: no browser of today sends one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HeaderlessClients {
    /// 403.
    #[default]
    Refuse,
    /// Let them pass: scripts that carry a cookie.
    Allow,
}

/// What counts as the same site.
#[derive(Clone, Debug, Default)]
pub(crate) struct CsrfPolicy {
    pub(crate) trusted: Vec<Origin>,
    pub(crate) headerless: HeaderlessClients,
}

/// The parts of a request that tell where it comes from, kept for a decision that is made later.
#[derive(Clone, Debug)]
pub(crate) struct Provenance {
    method: Method,
    headers: HeaderMap,
    authority: Option<String>,
}

impl Provenance {
    pub(crate) fn of(parts: &Parts) -> Self {
        let mut headers = HeaderMap::new();
        for name in [&SEC_FETCH_SITE, &ORIGIN, &HOST, &UPGRADE] {
            for value in parts.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        let authority = parts.uri.authority().map(|authority| authority.as_str().to_owned());
        Self { method: parts.method.clone(), headers, authority }
    }

    pub(crate) fn is_same_site(&self, policy: &CsrfPolicy) -> bool {
        policy.allows(&self.method, &self.headers, self.authority.as_deref())
    }
}

impl CsrfPolicy {
    pub(crate) fn allows_request(&self, parts: &Parts) -> bool {
        self.allows(&parts.method, &parts.headers, parts.uri.authority().map(http::uri::Authority::as_str))
    }

    /// Safe methods pass, but for an upgrade: a WebSocket is opened with `GET` and can do anything after that. `Sec-Fetch-Site` decides where it is there; else `Origin` must be the site's own; a trusted
    /// origin passes either way.
    fn allows(&self, method: &Method, headers: &HeaderMap, authority: Option<&str>) -> bool {
        let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
        if is_safe && !headers.contains_key(UPGRADE) {
            return true;
        }
        let mut sites = headers.get_all(&SEC_FETCH_SITE).iter();
        let mut origins = headers.get_all(ORIGIN).iter();
        let (site, origin) = (sites.next(), origins.next());
        if sites.next().is_some() || origins.next().is_some() {
            return false;
        }
        if site.is_some_and(|site| matches!(site.as_bytes(), b"same-origin" | b"none")) {
            return true;
        }
        let origin = match origin {
            Some(origin) => match origin.to_str().ok().and_then(Origin::read) {
                Some(origin) => origin,
                None => return false,
            },
            None => return site.is_none() && self.headerless == HeaderlessClients::Allow,
        };
        if self.trusted.contains(&origin) {
            return true;
        }
        site.is_none() && is_host(&origin, headers, authority)
    }
}

/// Whether the origin's host and port are those that the request was sent to.
fn is_host(origin: &Origin, headers: &HeaderMap, authority: Option<&str>) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => authority,
        (Some(_), Some(_)) => None,
    };
    host.is_some_and(|host| origin.is_at(host))
}
