//! The problems of the table of responses in docs/reference.md, each in full: status, challenges, the other headers that matter, and
//! the body byte for byte.

use http::StatusCode;
use http::header::RETRY_AFTER;

use crate::Answer;

/// What is compared of a problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) challenges: Vec<&'static str>,
    pub(crate) retry_after: Option<&'static str>,
    pub(crate) body: &'static str,
}

impl Problem {
    /// The same status, challenges and `Retry-After`, whatever the body.
    #[track_caller]
    pub fn assert_head(&self, answer: &Answer, row: &str) {
        let seen = (answer.status, answer.challenges(), answer.header(RETRY_AFTER));
        assert_eq!(seen, (self.status, self.challenges.clone(), self.retry_after), "{row}");
    }
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
const PLAIN_HTTP: &str = r#"{"type":"about:blank","title":"Open this page over https or on localhost: browsers do not keep the cookie over plain http","status":403}"#;
const NOT_FOUND: &str = r#"{"type":"about:blank","title":"Not found","status":404}"#;
const STALE: &str = r#"{"type":"about:blank","title":"Sign in again to do this","status":401}"#;
const UNAVAILABLE: &str = r#"{"type":"about:blank","title":"Try again in a moment","status":503}"#;
const CONFLICT: &str =
    r#"{"type":"about:blank","title":"The session changed or ended in the meantime","status":409}"#;

fn problem(status: StatusCode, challenges: Vec<&'static str>, body: &'static str) -> Problem {
    Problem { status, challenges, retry_after: None, body }
}

/// 401i for a bearer token, where both schemes are accepted.
pub fn invalid_token() -> Problem {
    problem(StatusCode::UNAUTHORIZED, vec![BEARER_INVALID, COOKIE], INVALID)
}

/// 401i for a bearer token, where no other scheme is accepted.
pub fn invalid_token_alone() -> Problem {
    problem(StatusCode::UNAUTHORIZED, vec![BEARER_INVALID], INVALID)
}

/// 401i for a session cookie, where both schemes are accepted.
pub fn invalid_cookie() -> Problem {
    problem(StatusCode::UNAUTHORIZED, vec![COOKIE_INVALID, BEARER], INVALID)
}

/// 401i for a session cookie, where no other scheme is accepted.
pub fn invalid_cookie_alone() -> Problem {
    problem(StatusCode::UNAUTHORIZED, vec![COOKIE_INVALID], INVALID)
}

/// 401n, where both schemes are accepted.
pub fn no_credential() -> Problem {
    problem(StatusCode::UNAUTHORIZED, vec![BEARER, COOKIE], NEEDED)
}

/// 401n, where only tokens are.
pub fn no_token() -> Problem {
    problem(StatusCode::UNAUTHORIZED, vec![BEARER], NEEDED)
}

/// 401n, where only sessions are.
pub fn no_session() -> Problem {
    problem(StatusCode::UNAUTHORIZED, vec![COOKIE], NEEDED)
}

/// 400r.
pub fn malformed() -> Problem {
    problem(StatusCode::BAD_REQUEST, vec![BEARER_MALFORMED, COOKIE], MALFORMED)
}

/// 403s for a role or a check.
pub fn forbidden() -> Problem {
    let challenges = vec![
        r#"Bearer realm="shop", error="insufficient_scope""#,
        r#"Cookie realm="shop", error="insufficient_scope""#,
    ];
    problem(StatusCode::FORBIDDEN, challenges, FORBIDDEN)
}

/// 403s for `orders:write`.
pub fn no_write_scope() -> Problem {
    let challenges = vec![
        r#"Bearer realm="shop", error="insufficient_scope", scope="orders:write""#,
        r#"Cookie realm="shop", error="insufficient_scope", scope="orders:write""#,
    ];
    problem(StatusCode::FORBIDDEN, challenges, FORBIDDEN)
}

/// Too old for `fresh("5m")` (RFC 9470).
pub fn stale() -> Problem {
    let challenges = vec![
        r#"Bearer realm="shop", error="insufficient_user_authentication", max_age=300"#,
        r#"Cookie realm="shop", error="insufficient_user_authentication", max_age=300"#,
    ];
    problem(StatusCode::UNAUTHORIZED, challenges, STALE)
}

/// 403x: the request came from another site.
pub fn cross_site() -> Problem {
    problem(StatusCode::FORBIDDEN, vec![], CROSS_SITE)
}

/// 403x of a sign-in over plain HTTP.
pub fn plain_http() -> Problem {
    problem(StatusCode::FORBIDDEN, vec![], PLAIN_HTTP)
}

/// 404.
pub fn not_found() -> Problem {
    problem(StatusCode::NOT_FOUND, vec![], NOT_FOUND)
}

/// 409 for a session that changed or ended in the meantime.
pub fn conflict() -> Problem {
    problem(StatusCode::CONFLICT, vec![], CONFLICT)
}

/// 503.
pub fn unavailable() -> Problem {
    let retry_after = Some("1");
    Problem { retry_after, ..problem(StatusCode::SERVICE_UNAVAILABLE, vec![], UNAVAILABLE) }
}
