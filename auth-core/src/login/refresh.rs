//! Refreshing: rotation, the claims as they are now, and a new access token.

use secrecy::{ExposeSecret, SecretString};

use super::claims_loader::{Load, LoadError};
use super::source::BoxError;
use super::token_issuer::Tokens;
use super::{Authenticator, Parts};
use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::jwt::VerifyError;
use crate::refresh::{Pair, Pairing, ParsedToken, RefreshError, Rotated, RotationPolicy, Verdict, rotate};
use crate::store::{EndReason, LoginRow, StoreError};

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

impl From<StoreError> for RefreshRejection {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<LoadError> for RefreshRejection {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Source(error) => Self::Unavailable(error),
            LoadError::Store(error) => error.into(),
        }
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
        let Some(token) = ParsedToken::parse(refresh_token, self.parts.issuer.peppers()) else {
            return Err(self.parts.refuse_grant());
        };
        let parts = self.parts.clone();
        let access_token = access_token.map(SecretString::from);
        // In a task of its own: a client that goes away does not keep a theft from being acted on.
        tokio::spawn(async move { parts.refresh(&token, access_token.as_ref()).await })
            .await
            .unwrap_or_else(|error| Err(RefreshRejection::Unavailable(error.into())))
    }
}

impl<C: Claims> Parts<C> {
    async fn refresh(
        &self,
        token: &ParsedToken,
        access_token: Option<&SecretString>,
    ) -> Result<Tokens, RefreshRejection> {
        let now = self.clock.now();
        if self.uses.has_confirmation(token.login_id()) {
            self.uses.flush(&*self.store, now).await?;
        }
        let pair = self.pair(token, access_token)?;
        let policy = RotationPolicy {
            grace: self.config.grace,
            idle: self.config.token_idle,
            log_until: self.revoker.log_until(now),
        };
        let rotated = rotate(&*self.store, self.issuer.peppers(), token, pair, &policy, now).await;
        let rotated = rotated.map_err(|error| self.refused(error))?;
        self.observe_rotation(&rotated);
        let (login, claims) = self.current_claims(rotated.login, now).await?;
        Ok(self.issuer.issue(&claims, &login, &rotated.token, now)?)
    }

    /// With pairing, the access token must be of the same login and position, whatever the time. An access token of a key
    /// that is retired proves nothing either way: refused, and nothing ends.
    fn pair(
        &self,
        token: &ParsedToken,
        access_token: Option<&SecretString>,
    ) -> Result<Pair, RefreshRejection> {
        if self.config.pairing == Pairing::Optional {
            return Ok(Pair::Complete);
        }
        let Some(access_token) = access_token else { return Ok(Pair::Incomplete) };
        match self.access_tokens.verify_untimed(access_token.expose_secret().as_bytes()) {
            Ok(verified)
                if verified.login_id() == Some(token.login_id())
                    && verified.position() == Some(token.position) =>
            {
                Ok(Pair::Complete)
            }
            Err(VerifyError::UnknownKey) => Err(self.refuse_grant()),
            Ok(_) | Err(_) => Ok(Pair::Incomplete),
        }
    }

    /// The login with claims as they are now. Without a source these are the stored ones, and a login whose claims
    /// changed ends.
    async fn current_claims(
        &self,
        mut login: LoginRow,
        now: Timestamp,
    ) -> Result<(LoginRow, C), RefreshRejection> {
        match self.loader.load(&login.subject).await? {
            Load::Current(loaded) => {
                if loaded.json != login.claims || loaded.epoch != login.epoch {
                    self.loader.keep(login.id, &loaded, now).await?;
                }
                (login.claims, login.epoch) = (loaded.json, loaded.epoch);
                Ok((login, loaded.claims))
            }
            Load::Gone => {
                self.revoker.end_all(&login.subject, EndReason::SubjectEnded).await?;
                Err(self.refuse_grant())
            }
            Load::NoSource => match self.loader.stored(&login).await? {
                Some(claims) => Ok((login, claims)),
                None => {
                    self.revoker.end(&login.subject, login.id, EndReason::ClaimsChanged).await?;
                    Err(self.refuse_grant())
                }
            },
        }
    }

    fn refuse_grant(&self) -> RefreshRejection {
        self.revoker.observe(&AuditEvent::Refused { reason: RefusalReason::RefreshToken });
        RefreshRejection::InvalidGrant
    }

    fn refused(&self, error: RefreshError) -> RefreshRejection {
        match error {
            RefreshError::Store(error) => error.into(),
            RefreshError::Random(error) => RefreshRejection::Unavailable(error.into()),
            RefreshError::Reused { login, subject, generations, age } => {
                self.revoker.ended(&subject, [login], EndReason::Stolen);
                self.revoker.observe(&AuditEvent::Theft { login, subject, generations, age });
                RefreshRejection::InvalidGrant
            }
            RefreshError::AheadOfStore { login } => {
                self.revoker.observe(&AuditEvent::StoreBehind { login });
                RefreshRejection::InvalidGrant
            }
            RefreshError::Ended | RefreshError::UnknownSecret { .. } => self.refuse_grant(),
        }
    }

    fn observe_rotation(&self, rotated: &Rotated) {
        let (login, generation) = (rotated.login.id, rotated.token.position.generation);
        self.revoker.observe(&match rotated.verdict {
            Verdict::Rotate => AuditEvent::Rotated { login, generation },
            _ => AuditEvent::Replayed { login, generation },
        });
    }
}
