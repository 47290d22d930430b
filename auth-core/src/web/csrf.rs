//! Cross-site request forgery: checked only if a cookie is the credential, or will be set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{HOST, ORIGIN, REFERER, UPGRADE};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::Origin;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What to do with an unsafe request that has none of `Sec-Fetch-Site`, `Origin` and `Referer`: current browsers send
/// no such request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HeaderlessClients {
    /// 403.
    #[default]
    Refuse,
    /// Accepted, for scripts that send a cookie.
    Allow,
}

/// The settings of the check: what counts as the same site.
#[derive(Clone, Debug, Default)]
pub(crate) struct CsrfPolicy {
    pub(crate) trusted: Vec<Origin>,
    pub(crate) headerless: HeaderlessClients,
    /// Whether the hint at a proxy that changes `Host` was logged.
    has_hinted: Arc<AtomicBool>,
}

/// Why a request may not use or set a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SiteError {
    /// It came from another site, or has no header that names the site.
    CrossSite,
    /// Its method cannot sign in.
    Method,
    /// It came from this host over plain HTTP, where browsers neither send nor keep `Secure` cookies.
    PlainHttp,
}

/// The parts of a request that tell where it comes from, kept for a later check.
#[derive(Clone, Debug)]
pub(crate) struct Provenance {
    method: Method,
    headers: HeaderMap,
    authority: Option<Authority>,
    is_checked_callback: bool,
}

impl Provenance {
    pub(crate) fn of(parts: &Parts) -> Self {
        let mut headers = HeaderMap::new();
        for name in [&SEC_FETCH_SITE, &ORIGIN, &REFERER, &HOST] {
            for value in parts.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        let authority = parts.uri.authority().cloned();
        Self { method: parts.method.clone(), headers, authority, is_checked_callback: false }
    }

    /// A request that does not say where it came from.
    pub(super) fn unknown() -> Self {
        Self { method: Method::POST, headers: HeaderMap::new(), authority: None, is_checked_callback: false }
    }

    /// Records that the application has verified by other means that this browser began the sign-in.
    pub(super) const fn mark_checked_callback(&mut self) {
        self.is_checked_callback = true;
    }
}

/// Which requests are accepted besides those of the site's own pages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accept {
    /// Those with `Sec-Fetch-Site: none`, and those without any of the headers if the application allows that.
    Direct,
    /// None: a link in a mail is a `GET` with `none`, or without the headers in older browsers.
    PagesOnly,
}

impl CsrfPolicy {
    pub(crate) fn new(trusted: Vec<Origin>, headerless: HeaderlessClients) -> Self {
        Self { trusted, headerless, has_hinted: Arc::default() }
    }

    /// Whether the request may use its cookie. Safe methods are accepted, except for an upgrade: a WebSocket is opened
    /// with `GET`, and what is sent through it afterwards is not checked.
    pub(crate) fn allows_request(&self, parts: &Parts) -> bool {
        let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
        let is_harmless = is_safe && !parts.headers.contains_key(UPGRADE);
        is_harmless || self.judge(&parts.headers, parts.uri.authority(), Accept::Direct).is_ok()
    }

    /// Whether the request may set a cookie that signs in. This is checked for every method.
    pub(crate) fn check_sign_in(&self, request: &Provenance) -> Result<(), SiteError> {
        let accept = match request.method {
            Method::HEAD | Method::OPTIONS | Method::TRACE => return Err(SiteError::Method),
            _ if request.is_checked_callback => return Ok(()),
            Method::GET => Accept::PagesOnly,
            _ => Accept::Direct,
        };
        self.judge(&request.headers, request.authority.as_ref(), accept)
    }

    /// `Sec-Fetch-Site` decides if it is present. Otherwise `Origin`, or `Referer` if there is no `Origin`, must be the
    /// site's own. A trusted origin is accepted in both cases.
    fn judge(
        &self,
        headers: &HeaderMap,
        authority: Option<&Authority>,
        accept: Accept,
    ) -> Result<(), SiteError> {
        let target = Target::of(headers, authority)?;
        let site = only(headers, &SEC_FETCH_SITE)?.map(HeaderValue::as_bytes);
        let source = match (only(headers, &ORIGIN)?, site) {
            (Some(origin), _) => Some(text(origin).and_then(Origin::read)),
            (None, Some(_)) => None,
            (None, None) => only(headers, &REFERER)?.map(|url| text(url).and_then(Origin::of_url)),
        };
        let foreign = source.as_ref().and_then(Option::as_ref);
        let foreign = foreign.filter(|origin| !self.trusted.contains(origin) && !target.is(origin));
        if foreign.is_some() && matches!(site, None | Some(b"same-origin")) {
            self.hint_at_proxy();
        }
        match (site, source) {
            (Some(b"same-origin"), _) => Ok(()),
            (Some(b"none"), _) if accept == Accept::Direct => Ok(()),
            (_, Some(Some(origin))) if self.trusted.contains(&origin) => Ok(()),
            (None, Some(Some(origin))) if target.is(&origin) => match origin.keeps_secure_cookies() {
                true => Ok(()),
                false => Err(SiteError::PlainHttp),
            },
            (None, None) if accept == Accept::Direct && self.headerless == HeaderlessClients::Allow => Ok(()),
            _ => Err(SiteError::CrossSite),
        }
    }

    fn hint_at_proxy(&self) {
        if !self.has_hinted.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the `Host` of a request is not the host of its `Origin`: it came from another site, or a proxy changes \
                 `Host`; let the proxy pass it on, or name the public origin with `trusted_origin` (said once)"
            );
        }
    }
}

/// The host to which a request was sent: `Host`, `:authority`, or both, each at most once.
struct Target<'a> {
    host: Option<&'a str>,
    authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn of(headers: &'a HeaderMap, authority: Option<&'a Authority>) -> Result<Self, SiteError> {
        let host = only(headers, &HOST)?.map(|host| text(host).ok_or(SiteError::CrossSite)).transpose()?;
        let authority = authority.map(Authority::as_str);
        match host.or(authority) {
            Some(_) => Ok(Self { host, authority }),
            None => Err(SiteError::CrossSite),
        }
    }

    /// Whether the origin has the host and port to which the request was sent.
    fn is(&self, origin: &Origin) -> bool {
        [self.host, self.authority].into_iter().flatten().all(|target| origin.is_at(target))
    }
}

/// The header, if it is present. If it occurs twice, the request is refused.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, SiteError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(SiteError::CrossSite),
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}
