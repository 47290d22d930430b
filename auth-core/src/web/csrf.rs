//! Cross-site request forgery: asked only where a cookie was the credential that was used, or is about to be set.

use http::header::{HOST, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri};
use url::Url;

use crate::config::ConfigError;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A web origin (RFC 6454): scheme, host and port, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Parses `https://app.example` or `https://app.example:8443`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the text is not an origin, or has a path, query, fragment or user.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        normalise(text).map(Self).ok_or_else(|| {
            ConfigError::new(
                "trusted_origin",
                "not an origin",
                "write scheme and host, such as https://app.example",
            )
        })
    }
}

/// What to do with an unsafe request that has neither `Sec-Fetch-Site` nor `Origin`: no browser of today sends one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderlessClients {
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
            Some(origin) => match origin.to_str().ok().and_then(normalise) {
                Some(origin) => origin,
                None => return false,
            },
            None => return site.is_none() && self.headerless == HeaderlessClients::Allow,
        };
        if self.trusted.iter().any(|Origin(trusted)| *trusted == origin) {
            return true;
        }
        site.is_none() && is_host(&origin, headers, authority)
    }
}

/// Whether the origin's host and port are those of `Host`. The scheme is not known behind a proxy: a port that is not
/// written is the origin's own default.
fn is_host(origin: &str, headers: &HeaderMap, authority: Option<&str>) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => authority,
        (Some(_), Some(_)) => None,
    };
    let Some((scheme, host)) = origin.split_once("://").map(|(scheme, _)| scheme).zip(host) else {
        return false;
    };
    let is_authority =
        host.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some_and(|all| all.as_str() == host));
    is_authority && normalise(&format!("{scheme}://{host}")).is_some_and(|own| own == origin)
}

/// Lower case, default port left out, IPv6 in its short form; `None` for `null` and for what is not an origin.
fn normalise(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_bare = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && !text.ends_with('/')
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.host().is_some();
    is_bare.then(|| url.origin().ascii_serialization())
}
