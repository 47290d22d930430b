//! Which credential a request carries. `Authorization` decides; a bad one never falls back to a cookie.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;

use crate::session::{CookieName, SessionId};

/// The longest `Cookie` header that is looked at, all of them together.
const MAX_COOKIES: usize = 8 * 1024;

/// What a request authenticates with, not yet believed.
pub(crate) enum Credential<'a> {
    None,
    Bearer(&'a [u8]),
    Session(SessionId),
}

/// Why a request has no usable credential although it has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialError {
    /// RFC 6750 section 3.1, `invalid_request`.
    Malformed,
    /// An `Authorization` header that is not a bearer token.
    NotBearer,
    /// A cookie that is not one of ours, or not surely.
    BadCookie,
}

impl<'a> Credential<'a> {
    pub(crate) fn of(parts: &'a Parts, cookie: &CookieName) -> Result<Self, CredentialError> {
        let mut authorization = parts.headers.get_all(AUTHORIZATION).iter();
        match (authorization.next(), authorization.next()) {
            (None, _) => Ok(match session_id(&parts.headers, cookie)? {
                Some(id) => Self::Session(id),
                None => Self::None,
            }),
            (Some(value), None) => {
                let token = bearer(value.as_bytes())?;
                match parts.uri.query().is_some_and(has_access_token) {
                    true => Err(CredentialError::Malformed),
                    false => Ok(Self::Bearer(token)),
                }
            }
            (Some(_), Some(_)) => Err(CredentialError::Malformed),
        }
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

/// A token in the query as well is a second way of sending one (RFC 6750 section 2.3, 3.1).
fn has_access_token(query: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some("access_token"))
}

/// The session id in the cookies. A name that only looks like ours (another case, no name at all), or ours twice, is
/// an attempt to plant one: the request is refused rather than guessed at.
pub(crate) fn session_id(
    headers: &HeaderMap,
    name: &CookieName,
) -> Result<Option<SessionId>, CredentialError> {
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
            if name.is(key) {
                let id = value.get(1..).and_then(SessionId::parse).ok_or(CredentialError::BadCookie)?;
                if found.replace(id).is_some() {
                    return Err(CredentialError::BadCookie);
                }
            }
        }
    }
    Ok(found)
}
