//! Answers that contain or remove credentials: none of them may be stored.

use std::convert::Infallible;

use axum::Json;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::login::{Authenticator, LoginError, RefreshError, SignedIn, SignedOut, Tokens};
use crate::store::Ticket;
use crate::web::{CredentialError, LoginAttempt, bearer_token, refresh_token};

/// Browsers remove what they cached of this origin, also the pages that they would show again on "back".
static CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

impl IntoResponse for Tokens {
    fn into_response(self) -> Response {
        let mut body = json!({
            "access_token": self.access_token(),
            "token_type": "Bearer",
            "expires_in": self.expires_in(),
        });
        if let (Some(token), Some(body)) = (self.refresh_token(), body.as_object_mut()) {
            body.insert("refresh_token".to_owned(), token.into());
        }
        let mut response = Json(body).into_response();
        not_to_be_stored(response.headers_mut());
        response
    }
}

impl IntoResponseParts for SignedIn {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        response.headers_mut().append(SET_COOKIE, self.into_cookie());
        not_to_be_stored(response.headers_mut());
        Ok(response)
    }
}

/// Alone: 204.
impl IntoResponse for SignedIn {
    fn into_response(self) -> Response {
        (self, StatusCode::NO_CONTENT).into_response()
    }
}

impl IntoResponseParts for SignedOut {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        let cookies = self.into_cookies();
        if !cookies.is_empty() {
            response.headers_mut().insert(&CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
        }
        for cookie in cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        not_to_be_stored(response.headers_mut());
        Ok(response)
    }
}

/// Alone: 204.
impl IntoResponse for SignedOut {
    fn into_response(self) -> Response {
        (self, StatusCode::NO_CONTENT).into_response()
    }
}

impl<C: Claims> Authenticator<C> {
    /// As [`login_tokens`](Self::login_tokens), with the refresh token in its cookie instead of the body, for an
    /// application in a browser. If the browser had a login, by session or refresh cookie, it is ended.
    ///
    /// # Errors
    ///
    /// [`LoginError`]; from another site it is `CrossSite`.
    pub async fn login_browser_tokens(
        &self,
        attempt: LoginAttempt,
        claims: C,
    ) -> Result<Response, LoginError> {
        self.check_same_site(&attempt)?;
        let ticket = self.begin(&claims.subject()?).await?;
        self.login_browser_tokens_with(&ticket, attempt, claims).await
    }

    /// As [`login_browser_tokens`](Self::login_browser_tokens), for a sign-in that [began](Self::begin) before.
    ///
    /// # Errors
    ///
    /// [`LoginError`]; from another site it is `CrossSite`.
    pub async fn login_browser_tokens_with(
        &self,
        ticket: &Ticket,
        attempt: LoginAttempt,
        claims: C,
    ) -> Result<Response, LoginError> {
        Ok(self.with_refresh_cookie(self.login_tokens_of_browser(ticket, attempt, claims).await?))
    }

    /// Answers the refresh endpoint: the token of the body, or else of the cookie.
    pub(crate) async fn answer_refresh(&self, body_token: Option<&str>, parts: &Parts) -> Response {
        let answered = self.try_refresh(body_token, parts).await;
        answered.unwrap_or_else(|error| error.into_response_of(Some(&self.site().audience)))
    }

    async fn try_refresh(&self, body_token: Option<&str>, parts: &Parts) -> Result<Response, RefreshError> {
        // The access token is used only with pairing, where a malformed one counts as missing.
        let access_token = match bearer_token(&parts.headers) {
            Err(CredentialError::Malformed) if authorization_is_doubled(&parts.headers) => {
                return Err(RefreshError::Missing);
            }
            found => found.ok().flatten().and_then(|token| str::from_utf8(token).ok()),
        };
        if let Some(token) = body_token {
            return self.refresh(token, access_token).await.map(IntoResponse::into_response);
        }
        let refused = |reason| self.observe(&AuditEvent::Refused { reason });
        let site = self.site();
        let cookie = site.refresh_cookie.as_ref().ok_or(RefreshError::Missing)?;
        let Some(token) = refresh_token(&parts.headers, cookie.name()).transpose() else {
            return Err(RefreshError::Missing);
        };
        if !site.csrf.allows_request(parts) {
            refused(RefusalReason::CrossSite);
            return Err(RefreshError::CrossSite);
        }
        let token = token.map_err(|_bad_cookie| {
            refused(RefusalReason::RefreshToken);
            RefreshError::InvalidGrant
        })?;
        Ok(self.with_refresh_cookie(self.refresh(token, access_token).await?))
    }

    /// Moves the refresh token from the body to its cookie, if one is configured.
    fn with_refresh_cookie(&self, tokens: Tokens) -> Response {
        let site = self.site();
        let cookie = site
            .refresh_cookie
            .as_ref()
            .zip(tokens.refresh_token())
            .and_then(|(cookie, token)| cookie.set(token, site.refresh_lifetime));
        let Some(cookie) = cookie else { return tokens.into_response() };
        let mut response = tokens.without_refresh_token().into_response();
        response.headers_mut().append(SET_COOKIE, cookie);
        response
    }
}

fn authorization_is_doubled(headers: &HeaderMap) -> bool {
    headers.get_all(http::header::AUTHORIZATION).iter().count() > 1
}

pub(super) fn not_to_be_stored(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
