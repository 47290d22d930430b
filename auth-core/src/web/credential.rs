//! The credential of a request, and the only parser of each kind.
//!
//! If there is an `Authorization` header, cookies are not used, even if the header is malformed.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;

use super::cookie::CookieName;
use crate::session::SessionId;

/// The maximum length of all `Cookie` headers together.
const MAX_COOKIES: usize = 8 * 1024;

/// The credential of a request, not yet verified.
pub(crate) enum Credential<'a> {
    None,
    Bearer(&'a [u8]),
    Session(SessionId),
}

/// Why the credential of a request cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialError {
    /// RFC 6750 section 3.1, `invalid_request`.
    Malformed,
    /// An `Authorization` header that is not a bearer token.
    NotBearer,
    /// A cookie with a name that only resembles ours, or a duplicate cookie.
    BadCookie,
}

impl<'a> Credential<'a> {
    pub(crate) fn of(parts: &'a Parts, cookie: &CookieName) -> Result<Self, CredentialError> {
        match bearer_token(&parts.headers)? {
            None => Ok(match session_id(&parts.headers, cookie)? {
                Some(id) => Self::Session(id),
                None => Self::None,
            }),
            Some(token) => match parts.uri.query().is_some_and(has_access_token) {
                true => Err(CredentialError::Malformed),
                false => Ok(Self::Bearer(token)),
            },
        }
    }
}

/// The token of the one `Authorization` header, if there is one.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<Option<&[u8]>, CredentialError> {
    let mut authorization = headers.get_all(AUTHORIZATION).iter();
    match (authorization.next(), authorization.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => bearer(value.as_bytes()).map(Some),
        (Some(_), Some(_)) => Err(CredentialError::Malformed),
    }
}

/// `Bearer` in any case, one space or more, and the characters of a `b64token` (RFC 6750 section 2.1).
fn bearer(value: &[u8]) -> Result<&[u8], CredentialError> {
    let space =
        value.iter().position(|byte| *byte == b' ').ok_or(match value.eq_ignore_ascii_case(b"bearer") {
            true => CredentialError::Malformed,
            false => CredentialError::NotBearer,
        })?;
    let (scheme, rest) = value.split_at(space);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(CredentialError::NotBearer);
    }
    let token = rest.trim_ascii_start();
    let is_token_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    match !token.is_empty()
        && rest.get(1..).is_some_and(|rest| !rest.contains(&b'\t'))
        && token.iter().all(is_token_byte)
    {
        true => Ok(token),
        false => Err(CredentialError::Malformed),
    }
}

/// Refuses a token in the query beside the one in the header: only one method is allowed (RFC 6750 sections 2.3, 3.1).
fn has_access_token(query: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some("access_token"))
}

/// The session id in the cookies.
pub(crate) fn session_id(
    headers: &HeaderMap,
    name: &CookieName,
) -> Result<Option<SessionId>, CredentialError> {
    let value = cookie(headers, name)?;
    value.map(|value| SessionId::parse(value).ok_or(CredentialError::BadCookie)).transpose()
}

/// The refresh token in the cookies, not yet parsed.
pub(crate) fn refresh_token<'a>(
    headers: &'a HeaderMap,
    name: &CookieName,
) -> Result<Option<&'a str>, CredentialError> {
    let value = cookie(headers, name)?;
    value.map(|value| str::from_utf8(value).map_err(|_| CredentialError::BadCookie)).transpose()
}

/// The value of the cookie. If its name occurs in another case, without a name, or twice, somebody may have injected a
/// cookie: the request is refused.
fn cookie<'a>(headers: &'a HeaderMap, name: &CookieName) -> Result<Option<&'a [u8]>, CredentialError> {
    let mut found = None;
    let mut length = 0;
    for header in headers.get_all(COOKIE) {
        length += header.len();
        if length > MAX_COOKIES {
            return Err(CredentialError::BadCookie);
        }
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            let (key, value) = match memchr::memchr(b'=', pair) {
                Some(equals) => pair.split_at(equals),
                None => (pair, &[][..]),
            };
            let is_nameless = key.is_empty() && value.get(1..).is_some_and(|rest| name.is_prefix_of(rest));
            if is_nameless || (name.resembles(key) && !name.is(key)) {
                return Err(CredentialError::BadCookie);
            }
            if name.is(key) && found.replace(value.get(1..).unwrap_or_default()).is_some() {
                return Err(CredentialError::BadCookie);
            }
        }
    }
    Ok(found)
}
