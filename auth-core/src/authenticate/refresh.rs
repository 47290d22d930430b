//! Refreshing: rotation, the claims as they are now, and a new access token.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use cookie::SameSite;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::issue::Tokens;
use super::session::{encode_claims, parse_claims};
use super::source::BoxError;
use super::{Authenticator, Shared};
use crate::audit::{AuditEvent, RefusedBecause};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::extract::problem::{oauth_problem, unavailable};
use crate::extract::{Device, LoginAttempt};
use crate::refresh::{
    ParsedToken, Presented, RefreshError, RefreshToken, Rotated, RotationPolicy, rotate, theft,
};
use crate::session::protected;
use crate::store::{EndReason, LoginRow, StoreError};

/// Whether a refresh must bring the access token that came with the refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pairing {
    /// The refresh token is enough.
    #[default]
    Optional,
    /// The access token of the same generation must come along, expired or not, as a bearer token. A refresh without it
    /// is theft: the login is revoked.
    Required,
}

/// A refresh token in a cookie, for applications in a browser: `__Secure-`, HttpOnly, SameSite=Strict, sent to the
/// refresh endpoint only, and checked for cross-site forgery.
#[derive(Clone, Debug)]
pub struct RefreshCookie {
    name: String,
    path: String,
}

impl Default for RefreshCookie {
    /// `__Secure-refresh` for `/auth/refresh`.
    fn default() -> Self {
        Self { name: "__Secure-refresh".to_owned(), path: "/auth/refresh".to_owned() }
    }
}

impl RefreshCookie {
    fn set(&self, token: &RefreshToken, lifetime: Duration) -> Option<HeaderValue> {
        let mut cookie = protected(&self.name, token.expose(), SameSite::Strict, &self.path);
        cookie.set_max_age(cookie::time::Duration::try_from(lifetime).ok());
        crate::session::header(&cookie)
    }

    pub(super) fn unset(&self) -> Option<HeaderValue> {
        crate::session::forget(&self.name, SameSite::Strict, &self.path)
    }

    /// The token in the cookies; none when it is there twice.
    fn find<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut values = cookies
            .flat_map(|text| text.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(|(name, value)| (name == self.name).then_some(value));
        values.next().filter(|_| values.next().is_none())
    }
}

/// A refresh that was refused, as the response that the peer gets: 401 `invalid_grant`, or 503 when it should try again
/// with the same token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshRejection {
    /// The cookie came from another site: 403.
    #[error("the request came from another site")]
    CrossSite,
    /// The token is not accepted, and never will be: 401.
    #[error("the refresh token is not accepted")]
    InvalidGrant,
    /// No refresh token: 400.
    #[error("there is no refresh token")]
    Missing,
    /// The store or the claims source did not answer: 503, and the client keeps its token.
    #[error("try again in a moment")]
    Unavailable(#[source] BoxError),
}

impl IntoResponse for RefreshRejection {
    fn into_response(self) -> Response {
        match self {
            Self::CrossSite => {
                crate::extract::problem::problem(StatusCode::FORBIDDEN, "The request came from another site")
            }
            Self::InvalidGrant => oauth_problem(
                StatusCode::UNAUTHORIZED,
                "invalid_grant",
                "The refresh token is not accepted; sign in again",
            ),
            Self::Missing => oauth_problem(StatusCode::BAD_REQUEST, "invalid_request", "A refresh token is needed"),
            Self::Unavailable(error) => {
                tracing::error!(%error, "a refresh could not be answered");
                unavailable()
            }
        }
    }
}

impl From<StoreError> for RefreshRejection {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl<C: Claims> Authenticator<C> {
    /// Rotates a refresh token and issues an access token with the claims as they are now. `access_token` is looked at
    /// only with [`Pairing::Required`].
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the rotation has happened or not; the same token again gives the same answer.
    ///
    /// # Errors
    ///
    /// [`RefreshRejection`].
    pub async fn refresh(
        &self,
        refresh_token: &str,
        access_token: Option<&str>,
    ) -> Result<Tokens, RefreshRejection> {
        let shared = &*self.shared;
        let now = shared.clock.now();
        let Some(token) = ParsedToken::parse(refresh_token, &shared.peppers) else {
            return Err(shared.refuse_grant());
        };
        shared.check_pairing(&token, access_token, now).await?;
        if shared.journal.has_confirmation(token.login_id()) {
            shared.journal.flush(&*shared.store, now).await?;
        }
        let policy = shared.rotation_policy(now);
        let rotated = match rotate(&*shared.store, &shared.peppers, &token, &policy, now).await {
            Ok(rotated) => rotated,
            Err(error) => return Err(shared.refresh_failed(error, now)),
        };
        shared.observe_rotation(&rotated);
        let login = shared.current_claims(rotated.login, now).await?;
        let claims = parse_claims::<C>(&login.claims)?;
        let rotation = (rotated.token.generation, rotated.token.branch);
        Ok(Tokens {
            access_token: shared.access_token(&claims, &login, Some(rotation), now)?,
            expires_in: shared.config.access_ttl.as_secs(),
            refresh_token: rotated.token.encode(&shared.peppers),
        })
    }

    /// As [`login_tokens`](Self::login_tokens), with the refresh token in its cookie instead of the body, for an
    /// application in a browser.
    ///
    /// # Errors
    ///
    /// [`LoginError`](super::LoginError); from another site it is `CrossSite`.
    pub async fn login_browser_tokens(
        &self,
        attempt: LoginAttempt,
        claims: C,
    ) -> Result<Response, super::LoginError> {
        if !attempt.provenance.is_same_site(&self.shared.config.csrf) {
            return Err(super::LoginError::CrossSite);
        }
        let device: Device = attempt.device;
        Ok(self.with_refresh_cookie(self.login_tokens(device, claims).await?))
    }

    /// Answers the refresh endpoint: the token of the body, or else of the cookie.
    pub(crate) async fn answer_refresh(
        &self,
        body_token: Option<&str>,
        parts: &http::request::Parts,
    ) -> Result<Response, RefreshRejection> {
        let access_token = parts
            .headers
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()));
        if let Some(token) = body_token {
            return self.refresh(token, access_token).await.map(IntoResponse::into_response);
        }
        let config = &self.shared.config;
        let cookie = config.refresh_cookie.as_ref().and_then(|cookie| cookie.find(&parts.headers));
        let token = cookie.ok_or(RefreshRejection::Missing)?;
        if !config.csrf.allows_request(parts) {
            return Err(RefreshRejection::CrossSite);
        }
        self.refresh(token, access_token).await.map(|tokens| self.with_refresh_cookie(tokens))
    }

    fn with_refresh_cookie(&self, tokens: Tokens) -> Response {
        let config = &self.shared.config;
        let (tokens, refresh) = super::login::split_refresh(tokens);
        let cookie = config
            .refresh_cookie
            .as_ref()
            .zip(refresh)
            .and_then(|(cookie, token)| cookie.set(&token, config.token_lifetime));
        let mut response = tokens.into_response();
        if let Some(cookie) = cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

impl<C: Claims> Shared<C> {
    fn rotation_policy(&self, now: Timestamp) -> RotationPolicy {
        let config = &self.config;
        RotationPolicy { grace: config.grace, idle: config.token_idle, log_until: self.log_until(now) }
    }

    /// With pairing, the access token must be of the same login, generation and branch; its expiry does not matter.
    async fn check_pairing(
        &self,
        token: &ParsedToken,
        access_token: Option<&str>,
        now: Timestamp,
    ) -> Result<(), RefreshRejection> {
        if self.config.pairing == Pairing::Optional {
            return Ok(());
        }
        let verified = access_token.and_then(|access| {
            self.verifier.verify_expired(&self.keys.verifying(), access.as_bytes(), now).ok()
        });
        let is_pair = verified.is_some_and(|verified| {
            verified.login_id() == Some(token.login_id())
                && verified.rotation() == Some((token.generation, token.branch))
        });
        if is_pair {
            return Ok(());
        }
        match self.store.load_login(token.login_id(), now).await? {
            None => Err(self.refuse_grant()),
            Some(login) if !login.family.as_ref().is_some_and(|family| token.is_of(family)) => {
                Err(self.refuse_grant())
            }
            Some(login) => {
                let policy = self.rotation_policy(now);
                let error = theft(&*self.store, login, 0, Duration::ZERO, &policy, now).await?;
                Err(self.refresh_failed(error, now))
            }
        }
    }

    /// The login with claims no older than this refresh.
    async fn current_claims(&self, mut login: LoginRow, now: Timestamp) -> Result<LoginRow, RefreshRejection> {
        let Some(source) = &self.source else { return Ok(login) };
        let epoch = self.store.epoch(&login.subject).await?;
        match source.load(&login.subject).await.map_err(RefreshRejection::Unavailable)? {
            None => {
                self.end_subject(&login.subject, EndReason::SubjectEnded, now).await?;
                Err(self.refuse_grant())
            }
            Some(claims) => {
                let claims = encode_claims(&claims)?;
                if claims != login.claims || epoch != login.epoch {
                    self.store.save_claims(login.id, &claims, epoch, now, now).await?;
                }
                login.claims = claims;
                login.epoch = epoch;
                Ok(login)
            }
        }
    }

    fn refuse_grant(&self) -> RefreshRejection {
        self.observe(&AuditEvent::Refused { reason: RefusedBecause::RefreshToken });
        RefreshRejection::InvalidGrant
    }

    fn refresh_failed(&self, error: RefreshError, now: Timestamp) -> RefreshRejection {
        match error {
            RefreshError::Store(error) => error.into(),
            RefreshError::Random(error) => RefreshRejection::Unavailable(error.into()),
            RefreshError::Reused { login, subject, generations, age } => {
                self.note_ended(&[(login, EndReason::Stolen)], &subject, now);
                self.observe(&AuditEvent::Theft { login, subject, generations, age });
                RefreshRejection::InvalidGrant
            }
            RefreshError::AheadOfStore { login } => {
                self.observe(&AuditEvent::StoreBehind { login });
                RefreshRejection::InvalidGrant
            }
            RefreshError::Ended | RefreshError::Malformed | RefreshError::UnknownSecret { .. } => {
                self.refuse_grant()
            }
        }
    }

    fn observe_rotation(&self, rotated: &Rotated) {
        let (login, generation) = (rotated.login.id, rotated.token.generation);
        self.observe(&match rotated.rule {
            Presented::Rotate => AuditEvent::Rotated { login, generation },
            _ => AuditEvent::Replayed { login, generation },
        });
    }
}
