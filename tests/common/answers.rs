//! The answers of the table, each in full: status, challenges, the other headers that matter, and the body byte for byte.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};

use super::http::Answer;

/// What is compared of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    status: StatusCode,
    challenges: Vec<&'static str>,
    retry_after: Option<&'static str>,
    body: &'static str,
}

const BEARER: &str = r#"Bearer realm="shop""#;
const COOKIE: &str = r#"Cookie realm="shop""#;
const BEARER_INVALID: &str = r#"Bearer realm="shop", error="invalid_token""#;
const COOKIE_INVALID: &str = r#"Cookie realm="shop", error="invalid_token""#;
const BEARER_MALFORMED: &str = r#"Bearer realm="shop", error="invalid_request""#;
const INVALID: &str = r#"{"type":"about:blank","title":"The credential is not valid","status":401}"#;
const NEEDED: &str = r#"{"type":"about:blank","title":"A credential is needed","status":401}"#;
const MALFORMED: &str =
    r#"{"type":"about:blank","title":"The request's credentials are malformed","status":400}"#;
const FORBIDDEN: &str = r#"{"type":"about:blank","title":"The caller may not do this","status":403}"#;
const CROSS_SITE: &str =
    r#"{"type":"about:blank","title":"The request came from another site","status":403}"#;
const NOT_FOUND: &str = r#"{"type":"about:blank","title":"Not found","status":404}"#;
const STALE: &str = r#"{"type":"about:blank","title":"Sign in again to do this","status":401}"#;
const UNAVAILABLE: &str = r#"{"type":"about:blank","title":"Try again in a moment","status":503}"#;
const CONFLICT: &str =
    r#"{"type":"about:blank","title":"The session changed or ended meanwhile","status":409}"#;

fn expected(status: StatusCode, challenges: Vec<&'static str>, body: &'static str) -> Expected {
    Expected { status, challenges, retry_after: None, body }
}

/// 401i for a bearer token, where both schemes are accepted.
pub(crate) fn invalid_token() -> Expected {
    expected(StatusCode::UNAUTHORIZED, vec![BEARER_INVALID, COOKIE], INVALID)
}

/// 401i for a bearer token, where no other scheme is accepted.
pub(crate) fn invalid_token_alone() -> Expected {
    expected(StatusCode::UNAUTHORIZED, vec![BEARER_INVALID], INVALID)
}

/// 401i for a session cookie, where both schemes are accepted.
pub(crate) fn invalid_cookie() -> Expected {
    expected(StatusCode::UNAUTHORIZED, vec![COOKIE_INVALID, BEARER], INVALID)
}

/// 401i for a session cookie, where no other scheme is accepted.
pub(crate) fn invalid_cookie_alone() -> Expected {
    expected(StatusCode::UNAUTHORIZED, vec![COOKIE_INVALID], INVALID)
}

/// 401n, where both schemes are accepted.
pub(crate) fn no_credential() -> Expected {
    expected(StatusCode::UNAUTHORIZED, vec![BEARER, COOKIE], NEEDED)
}

/// 401n, where only tokens are.
pub(crate) fn no_token() -> Expected {
    expected(StatusCode::UNAUTHORIZED, vec![BEARER], NEEDED)
}

/// 401n, where only sessions are.
pub(crate) fn no_session() -> Expected {
    expected(StatusCode::UNAUTHORIZED, vec![COOKIE], NEEDED)
}

/// 400r.
pub(crate) fn malformed() -> Expected {
    expected(StatusCode::BAD_REQUEST, vec![BEARER_MALFORMED, COOKIE], MALFORMED)
}

/// 403s for a role or a check.
pub(crate) fn forbidden() -> Expected {
    let challenges = vec![
        r#"Bearer realm="shop", error="insufficient_scope""#,
        r#"Cookie realm="shop", error="insufficient_scope""#,
    ];
    expected(StatusCode::FORBIDDEN, challenges, FORBIDDEN)
}

/// 403s for `orders:write`.
pub(crate) fn no_write_scope() -> Expected {
    let challenges = vec![
        r#"Bearer realm="shop", error="insufficient_scope", scope="orders:write""#,
        r#"Cookie realm="shop", error="insufficient_scope", scope="orders:write""#,
    ];
    expected(StatusCode::FORBIDDEN, challenges, FORBIDDEN)
}

/// Too old for `fresh("5m")` (RFC 9470).
pub(crate) fn stale() -> Expected {
    let challenges = vec![
        r#"Bearer realm="shop", error="insufficient_user_authentication", max_age=300"#,
        r#"Cookie realm="shop", error="insufficient_user_authentication", max_age=300"#,
    ];
    expected(StatusCode::UNAUTHORIZED, challenges, STALE)
}

pub(crate) fn cross_site() -> Expected {
    expected(StatusCode::FORBIDDEN, vec![], CROSS_SITE)
}

pub(crate) fn not_found() -> Expected {
    expected(StatusCode::NOT_FOUND, vec![], NOT_FOUND)
}

pub(crate) fn conflict() -> Expected {
    expected(StatusCode::CONFLICT, vec![], CONFLICT)
}

pub(crate) fn unavailable() -> Expected {
    let retry_after = Some("1");
    Expected { retry_after, ..expected(StatusCode::SERVICE_UNAVAILABLE, vec![], UNAVAILABLE) }
}

impl Answer {
    /// Asserts that this is that answer, and a problem that nobody may store.
    pub(crate) fn assert_is(&self, expected: &Expected, row: &str) {
        let challenges = self.challenges();
        let is_same = self.status == expected.status
            && challenges == expected.challenges
            && self.header(RETRY_AFTER) == expected.retry_after
            && self.body == expected.body;
        assert!(is_same, "{row}: expected {expected:#?}, got {self:#?}");
        assert_eq!(self.header(CONTENT_TYPE), Some("application/problem+json"), "{row}");
        assert_eq!(self.header(CACHE_CONTROL), Some("no-store"), "{row}");
        assert_eq!(self.set_cookies(), [""; 0], "{row}");
    }

    /// Asserts that the handler was reached and answered with this body.
    pub(crate) fn assert_ok(&self, body: &str, row: &str) {
        assert_eq!((self.status, self.body.as_str()), (StatusCode::OK, body), "{row}: {self:#?}");
    }
}
