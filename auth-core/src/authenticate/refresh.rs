//! Refreshing: rotation, the claims as they are now, and a new access token.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use cookie::SameSite;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::issue::Tokens;
use super::session::{encode_claims, load_claims, parse_claims};
use super::source::BoxError;
use super::{Authenticator, Shared};
use crate::audit::{AuditEvent, RefusedBecause};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::extract::problem::{oauth_problem, unavailable};
use crate::extract::{LocalPath, LoginAttempt};
use crate::refresh::{
    ParsedToken, Presented, RefreshError, RefreshToken, Rotated, RotationPolicy, present, rotate, theft,
};
use crate::session::protected;
use crate::store::{EndReason, LoginRow, StoreError};
use crate::verify::VerifyError;

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
    name: &'static str,
    path: String,
}

impl Default for RefreshCookie {
    /// `__Secure-refresh` for `/auth/refresh`.
    fn default() -> Self {
        Self { name: "__Secure-refresh", path: "/auth/refresh".to_owned() }
    }
}

impl RefreshCookie {
    /// For a refresh endpoint at another path, such as `/api/auth/refresh` when the routes are nested.
    pub fn at(path: &LocalPath) -> Self {
        Self { path: path.to_string(), ..Self::default() }
    }

    fn set(&self, token: &RefreshToken, lifetime: Duration) -> Option<HeaderValue> {
        let mut cookie = protected(self.name, token.expose(), SameSite::Strict, &self.path);
        cookie.set_max_age(cookie::time::Duration::try_from(lifetime).ok());
        crate::session::header(&cookie)
    }

    pub(super) fn unset(&self) -> Option<HeaderValue> {
        crate::session::forget(self.name, SameSite::Strict, &self.path)
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
            Self::Missing => {
                oauth_problem(StatusCode::BAD_REQUEST, "invalid_request", "A refresh token is needed")
            }
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
        let Some(token) = ParsedToken::parse(refresh_token, &self.shared.peppers) else {
            return Err(self.shared.refuse_grant());
        };
        let shared = self.shared.clone();
        let access_token = access_token.map(SecretString::from);
        // In a task of its own: a client that goes away does not keep a theft from being acted on.
        tokio::spawn(async move { shared.refresh(&token, access_token.as_ref()).await })
            .await
            .unwrap_or_else(|error| Err(RefreshRejection::Unavailable(error.into())))
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
        self.check_same_site(&attempt)?;
        Ok(self.with_refresh_cookie(self.login_tokens(attempt.device, claims).await?))
    }

    /// Answers the refresh endpoint: the token of the body, or else of the cookie.
    pub(crate) async fn answer_refresh(
        &self,
        body_token: Option<&str>,
        parts: &http::request::Parts,
    ) -> Result<Response, RefreshRejection> {
        if parts.headers.get_all(AUTHORIZATION).iter().count() > 1 {
            return Err(RefreshRejection::Missing);
        }
        let access_token = parts
            .headers
            .get(AUTHORIZATION)
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
            self.shared.observe(&AuditEvent::Refused { reason: RefusedBecause::CrossSite });
            return Err(RefreshRejection::CrossSite);
        }
        match self.refresh(token, access_token).await {
            Ok(tokens) => Ok(self.with_refresh_cookie(tokens)),
            Err(RefreshRejection::InvalidGrant) => {
                let mut response = RefreshRejection::InvalidGrant.into_response();
                let forget = config.refresh_cookie.as_ref().and_then(RefreshCookie::unset);
                forget.into_iter().for_each(|forget| _ = response.headers_mut().append(SET_COOKIE, forget));
                Ok(response)
            }
            Err(error) => Err(error),
        }
    }

    /// The refresh token moves from the body to its cookie, where one is configured.
    fn with_refresh_cookie(&self, mut tokens: Tokens) -> Response {
        let config = &self.shared.config;
        let cookie = config
            .refresh_cookie
            .as_ref()
            .zip(tokens.refresh_token.as_ref())
            .and_then(|(cookie, token)| cookie.set(token, config.token_lifetime));
        if cookie.is_some() {
            tokens.refresh_token = None;
        }
        let mut response = tokens.into_response();
        cookie.into_iter().for_each(|cookie| _ = response.headers_mut().append(SET_COOKIE, cookie));
        response
    }
}

impl<C: Claims> Shared<C> {
    fn rotation_policy(&self, now: Timestamp) -> RotationPolicy {
        let config = &self.config;
        RotationPolicy { grace: config.grace, idle: config.token_idle, log_until: self.log_until(now) }
    }

    async fn refresh(
        &self,
        token: &ParsedToken,
        access_token: Option<&SecretString>,
    ) -> Result<Tokens, RefreshRejection> {
        let now = self.clock.now();
        if self.journal.has_confirmation(token.login_id()) {
            self.journal.flush(&*self.store, now).await?;
        }
        self.check_pairing(token, access_token, now).await?;
        let policy = self.rotation_policy(now);
        let rotated = match rotate(&*self.store, &self.peppers, token, &policy, now).await {
            Ok(rotated) => rotated,
            Err(error) => return Err(self.refresh_failed(error, now)),
        };
        self.observe_rotation(&rotated);
        let (login, claims) = self.current_claims(rotated.login, now).await?;
        Ok(self.tokens(&claims, &login, &rotated.token, now)?)
    }

    /// With pairing, the access token must be of the same login, generation and branch, whatever the time. A refresh
    /// token that would be accepted, but comes alone, is theft. An access token of a key that is retired proves nothing
    /// either way: refused, and nothing ends.
    async fn check_pairing(
        &self,
        token: &ParsedToken,
        access_token: Option<&SecretString>,
        now: Timestamp,
    ) -> Result<(), RefreshRejection> {
        if self.config.pairing == Pairing::Optional {
            return Ok(());
        }
        let verified = access_token.map(|access| {
            self.verifier.verify_untimed(&self.keys.verifying(), access.expose_secret().as_bytes())
        });
        match verified {
            Some(Ok(verified))
                if verified.login_id() == Some(token.login_id())
                    && verified.rotation() == Some((token.generation, token.branch)) =>
            {
                return Ok(());
            }
            Some(Err(VerifyError::UnknownKey)) => return Err(self.refuse_grant()),
            _ => {}
        }
        let Some(login) = self.store.load_login(token.login_id(), now).await? else {
            return Err(self.refuse_grant());
        };
        let Some(family) = &login.family else { return Err(self.refuse_grant()) };
        let policy = self.rotation_policy(now);
        let generations = match present(family, &token.presentation(), policy.grace, now) {
            Presented::UnknownSecret => return Err(self.refuse_grant()),
            Presented::AheadOfStore => {
                return Err(self.refresh_failed(RefreshError::AheadOfStore { login: login.id }, now));
            }
            _ => family.generation.saturating_sub(token.generation),
        };
        let age = now.since(family.rotated_at.max(login.created_at));
        let error = theft(&*self.store, login, generations, age, &policy, now).await?;
        Err(self.refresh_failed(error, now))
    }

    /// The login with claims as they are now. Without a source these are the stored ones, and a login whose claims
    /// changed ends.
    async fn current_claims(
        &self,
        mut login: LoginRow,
        now: Timestamp,
    ) -> Result<(LoginRow, C), RefreshRejection> {
        let epoch = self.store.epoch(&login.subject).await?;
        let Some(source) = &self.source else {
            return match parse_claims::<C>(&login) {
                Some(claims) if login.epoch == epoch => Ok((login, claims)),
                _ => {
                    self.end_login(&login.subject, login.id, EndReason::ClaimsChanged, now).await?;
                    Err(self.refuse_grant())
                }
            };
        };
        match load_claims(&**source, &login.subject).await.map_err(RefreshRejection::Unavailable)? {
            None => {
                self.end_subject(&login.subject, EndReason::SubjectEnded, now).await?;
                Err(self.refuse_grant())
            }
            Some(claims) => {
                let json = encode_claims(&claims)?;
                if json != login.claims || epoch != login.epoch {
                    self.store.save_claims(login.id, &json, epoch, now, now).await?;
                }
                login.claims = json;
                login.epoch = epoch;
                Ok((login, claims))
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
