//! Refreshing: rotation, current claims, and a new access token.

use axum::BoxError;
use secrecy::{ExposeSecret, SecretString};

use super::claims_loader::{Epoch, Load, LoadError};
use super::revoker::stopped;
use super::token_issuer::Tokens;
use super::{Authenticator, Parts};
use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::jwt::{VerifyError, read_claims};
use crate::refresh::{
    Evidence, Pair, Pairing, ParseTokenError, ParsedToken, Refresh, RotateError, Rotated, RotationPolicy,
    Verdict,
};
use crate::store::{EndReason, LiveLogin, StoreError};

/// Why a refresh was refused. As a response: 401 `invalid_grant` (RFC 6749 section 5.2), or 503 if the client should try
/// again with the same token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The cookie came from another site: 403.
    #[error("the request came from another site")]
    CrossSite,
    /// The token is invalid, expired, revoked or replayed: 401.
    #[error("the refresh token is not accepted")]
    InvalidGrant,
    /// No refresh token: 400.
    #[error("there is no refresh token")]
    Missing,
    /// The store or the claims source failed or did not respond: 503. The client keeps its token.
    #[error("try again in a moment")]
    Unavailable(#[source] BoxError),
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<LoadError> for RefreshError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Source(error) => Self::Unavailable(error),
            LoadError::Store(error) => error.into(),
        }
    }
}

impl<C: Claims> Authenticator<C> {
    /// Rotates a refresh token and issues an access token with the current claims. `access_token` is used only with
    /// [`require_access_token_to_refresh`](super::Builder::require_access_token_to_refresh).
    ///
    /// # Cancel safety
    ///
    /// If the call is dropped, the rotation may have happened. The same token then gets the same response.
    ///
    /// # Errors
    ///
    /// [`RefreshError`].
    pub async fn refresh(
        &self,
        refresh_token: &str,
        access_token: Option<&str>,
    ) -> Result<Tokens, RefreshError> {
        let token = match ParsedToken::parse(refresh_token, self.parts.issuer.peppers()) {
            Ok(token) => token,
            Err(ParseTokenError::Malformed) => return Err(self.parts.refuse_grant()),
            Err(error @ ParseTokenError::UnknownPepper { .. }) => {
                return Err(RefreshError::Unavailable(error.into()));
            }
        };
        let parts = self.parts.clone();
        let access_token = access_token.map(SecretString::from);
        // In a task of its own, so that a detected theft ends the login even if the client disconnects.
        tokio::spawn(async move { parts.refresh(&token, access_token.as_ref()).await })
            .await
            .unwrap_or_else(|error| Err(stopped(&error).into()))
    }
}

impl<C: Claims> Parts<C> {
    async fn refresh(
        &self,
        token: &ParsedToken,
        access_token: Option<&SecretString>,
    ) -> Result<Tokens, RefreshError> {
        if self.uses.has_confirmation(token.login_id()) {
            self.uses.flush(&self.store).await?;
        }
        let pair = self.pair(token, access_token);
        let policy = RotationPolicy {
            grace: self.config.grace,
            idle: self.config.token_idle,
            retention: self.revoker.retention(),
            pairing: self.config.pairing,
            sharing: self.config.sharing,
        };
        let refresh = Refresh {
            store: self.store.store(),
            realm: self.store.realm(),
            peppers: self.issuer.peppers(),
            policy: &policy,
        };
        let sent = self.clock.sending();
        let rotated = {
            let write = self.revoker.feed().begin_write();
            let rotated = refresh.rotate(token, pair).await.map_err(|error| self.refused(error));
            drop(write);
            rotated?
        };
        self.clock.heard(&sent, rotated.now);
        self.observe_rotation(&rotated);
        let (epoch, claims) = self.current_claims(&rotated).await?;
        let elapsed = self.clock.monotonic().saturating_sub(sent.at);
        let rotated = refresh.deliver(token, rotated, elapsed).await.map_err(|error| self.refused(error))?;
        Ok(self.issuer.issue(&claims, &rotated.login.row, epoch, &rotated.token, rotated.now)?)
    }

    /// Whether the access token in the request has the same login and position. Its expiry is not checked.
    fn pair(&self, token: &ParsedToken, access_token: Option<&SecretString>) -> Pair {
        let Some(access_token) = access_token else { return Pair::Missing };
        if self.config.pairing == Pairing::Optional {
            return Pair::Missing;
        }
        match self.access_tokens.verify_untimed(access_token.expose_secret().as_bytes()) {
            Ok(verified)
                if verified.login_id() == Some(token.login_id())
                    && verified.position() == Some(token.position()) =>
            {
                Pair::Brought
            }
            Err(VerifyError::UnknownKey) => Pair::Unverifiable,
            Ok(_) | Err(_) => Pair::Missing,
        }
    }

    /// The current claims and their epoch: the one that was read with the rotation, never a later one. Without a source these
    /// are the stored claims; a login whose claims changed ends, and stored claims that do not match the claims type are
    /// refused.
    async fn current_claims(&self, rotated: &Rotated) -> Result<(u64, C), RefreshError> {
        let LiveLogin { row, subject_epoch, .. } = &rotated.login;
        match self.loader.load(&row.subject, Epoch(*subject_epoch)).await? {
            Load::Current(loaded) => {
                let is_kept = loaded.json == row.claims && loaded.epoch == row.epoch;
                if !is_kept && !self.loader.keep(row.id, &loaded).await? {
                    // The login ended, or another request changed the family first: the next attempt tells which.
                    return Err(RefreshError::Unavailable("the login changed meanwhile".into()));
                }
                Ok((loaded.epoch, loaded.claims))
            }
            Load::Gone => {
                self.revoker.end_all(&row.subject, None, EndReason::SubjectEnded).await?;
                Err(self.refuse_grant())
            }
            Load::NoSource if rotated.login.is_outdated() => {
                self.revoker.end(&row.subject, row.id, EndReason::ClaimsChanged).await?;
                Err(self.refuse_grant())
            }
            Load::NoSource => read_claims(&row.claims, &row.subject).map_or_else(
                || {
                    // Written by another version of the application, which can still use them.
                    tracing::warn!(login = %row.id, "the stored claims do not match the claims type");
                    self.revoker.observe(&AuditEvent::Refused { reason: RefusalReason::StoredClaims });
                    Err(RefreshError::InvalidGrant)
                },
                |claims| Ok((*subject_epoch, claims)),
            ),
        }
    }

    fn refuse_grant(&self) -> RefreshError {
        self.revoker.observe(&AuditEvent::Refused { reason: RefusalReason::RefreshToken });
        RefreshError::InvalidGrant
    }

    fn refused(&self, error: RotateError) -> RefreshError {
        match error {
            RotateError::Store(error) => error.into(),
            RotateError::Random(error) => RefreshError::Unavailable(error.into()),
            error @ (RotateError::MovedOn { .. } | RotateError::UnknownPepper { .. }) => {
                RefreshError::Unavailable(error.into())
            }
            RotateError::Stolen { login, subject, generations, age, evidence, logged } => {
                self.revoker.ended(&subject, login, EndReason::Stolen, logged);
                if let Evidence::Shared { streak } = evidence {
                    self.revoker.observe(&AuditEvent::Shared { login, streak, age });
                }
                self.revoker.observe(&AuditEvent::Theft { login, subject, generations, age });
                RefreshError::InvalidGrant
            }
            RotateError::AheadOfStore { login } => {
                self.revoker.observe(&AuditEvent::StoreBehind { login });
                RefreshError::InvalidGrant
            }
            RotateError::Ended { .. }
            | RotateError::Exhausted { .. }
            | RotateError::UnknownSecret { .. }
            | RotateError::UnverifiablePair { .. } => self.refuse_grant(),
        }
    }

    fn observe_rotation(&self, rotated: &Rotated) {
        let (login, generation) = (rotated.login.row.id, rotated.token.position().generation);
        if let Verdict::Shared { streak } = rotated.verdict {
            self.revoker.observe(&AuditEvent::Shared { login, streak, age: rotated.age() });
        }
        self.revoker.observe(&match rotated.verdict {
            Verdict::Rotate { .. } => AuditEvent::Rotated { login, generation },
            _ => AuditEvent::Replayed { login, generation },
        });
    }
}
