//! Answers, and the exact form of the usual ones.

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn all(&self, name: &HeaderName) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A text member of the JSON body.
    pub(crate) fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap().to_owned()
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.all(&SET_COOKIE)
    }

    /// `name=value` of the one cookie that is set.
    pub(crate) fn cookie(&self) -> String {
        let [cookie] = self.set_cookies()[..] else { panic!("{:?}", self.set_cookies()) };
        cookie.split(';').next().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn assert_text(&self, text: &str) {
        assert_eq!((self.status, self.text()), (StatusCode::OK, text));
    }

    /// A problem that must not be stored, and sets no cookie.
    #[track_caller]
    fn assert_problem(&self, body: Value) {
        assert_eq!(u64::from(self.status.as_u16()), body["status"], "{self:?}");
        assert_eq!(self.json(), body);
        assert_eq!(self.header(&CONTENT_TYPE), Some("application/problem+json"));
        assert_eq!(self.header(&CACHE_CONTROL), Some("no-store"));
        assert!(self.set_cookies().is_empty(), "{self:?}");
    }

    #[track_caller]
    fn assert_title(&self, status: u16, title: &str) {
        self.assert_problem(json!({ "type": "about:blank", "title": title, "status": status }));
    }

    /// 503: the client keeps what it has and tries again.
    #[track_caller]
    pub(crate) fn assert_unavailable(&self) {
        self.assert_title(503, "Try again in a moment");
        assert_eq!(self.header(&RETRY_AFTER), Some("1"));
        assert_eq!(self.header(&WWW_AUTHENTICATE), None);
    }

    /// 401 for an access token, on a route that takes both schemes.
    #[track_caller]
    pub(crate) fn assert_invalid_token(&self) {
        self.assert_title(401, "The credential is not valid");
        let bearer = r#"Bearer realm="shop", error="invalid_token""#;
        assert_eq!(self.all(&WWW_AUTHENTICATE), [bearer, r#"Cookie realm="shop""#]);
        assert_eq!(self.header(&RETRY_AFTER), None);
    }

    /// 401 for a session cookie, on a route that takes both schemes.
    #[track_caller]
    pub(crate) fn assert_invalid_session(&self) {
        self.assert_title(401, "The credential is not valid");
        let cookie = r#"Cookie realm="shop", error="invalid_token""#;
        assert_eq!(self.all(&WWW_AUTHENTICATE), [cookie, r#"Bearer realm="shop""#]);
        assert_eq!(self.header(&RETRY_AFTER), None);
    }

    /// 403 for a role that is not there, on a route that takes both schemes.
    #[track_caller]
    pub(crate) fn assert_insufficient(&self) {
        self.assert_title(403, "The caller may not do this");
        let expected = [
            r#"Bearer realm="shop", error="insufficient_scope""#,
            r#"Cookie realm="shop", error="insufficient_scope""#,
        ];
        assert_eq!(self.all(&WWW_AUTHENTICATE), expected);
    }

    #[track_caller]
    pub(crate) fn assert_cross_site(&self) {
        self.assert_title(403, "The request came from another site");
        assert_eq!(self.header(&WWW_AUTHENTICATE), None);
    }

    #[track_caller]
    pub(crate) fn assert_not_found(&self) {
        self.assert_title(404, "Not found");
    }

    /// 401 of the refresh endpoint.
    #[track_caller]
    pub(crate) fn assert_invalid_grant(&self) {
        self.assert_problem(json!({
            "type": "about:blank",
            "title": "The refresh token is not accepted; sign in again",
            "status": 401,
            "error": "invalid_grant",
        }));
        assert_eq!(self.header(&RETRY_AFTER), None);
    }

    /// 400 of the refresh endpoint.
    #[track_caller]
    pub(crate) fn assert_missing_grant(&self) {
        self.assert_problem(json!({
            "type": "about:blank",
            "title": "A refresh token is needed",
            "status": 400,
            "error": "invalid_request",
        }));
    }
}

/// The payload of an access token, unverified.
pub(crate) fn claims_of(access_token: &str) -> Value {
    let payload = access_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
