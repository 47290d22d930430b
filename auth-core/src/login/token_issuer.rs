//! Issuing the tokens of a login.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::config::Site;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, TokenId};
use crate::jwt::{IssuedToken, KeyRing};
use crate::refresh::{ParsedToken, Peppers, RefreshToken};
use crate::store::{LoginRow, StoreError};

/// The tokens of a sign-in or a refresh (RFC 6749 section 5.1). As a response: the JSON of the RFC, with
/// `Cache-Control: no-store`.
pub struct Tokens {
    login: LoginId,
    access_token: SecretString,
    expires_in: u64,
    refresh_token: Option<RefreshToken>,
}

impl Tokens {
    /// The login of the tokens.
    pub const fn login_id(&self) -> LoginId {
        self.login
    }

    /// The access token.
    pub fn access_token(&self) -> &str {
        self.access_token.expose_secret()
    }

    /// The refresh token; `None` if a cookie carries it.
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_ref().map(RefreshToken::expose)
    }

    /// The lifetime of the access token, in seconds.
    pub const fn expires_in(&self) -> u64 {
        self.expires_in
    }

    /// The same without the refresh token, which a cookie carries.
    pub(crate) fn without_refresh_token(self) -> Self {
        Self { refresh_token: None, ..self }
    }
}

/// Contains neither token.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("login", &self.login)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// Issues access tokens, and writes refresh tokens out.
#[derive(Debug)]
pub(super) struct TokenIssuer {
    keys: KeyRing,
    peppers: Peppers,
    issuer: String,
    audience: String,
    client_id: String,
    realm: Option<String>,
    access_ttl: Duration,
}

impl TokenIssuer {
    pub(super) fn new(keys: KeyRing, peppers: Peppers, site: &Site, access_ttl: Duration) -> Self {
        Self {
            keys,
            peppers,
            issuer: site.issuer.clone(),
            audience: site.audience.clone(),
            client_id: site.client_id.clone(),
            realm: site.realm.clone(),
            access_ttl,
        }
    }

    pub(super) const fn keys(&self) -> &KeyRing {
        &self.keys
    }

    pub(super) const fn peppers(&self) -> &Peppers {
        &self.peppers
    }

    /// The refresh token of a login, and an access token that came with it, with claims that were loaded under `epoch`.
    /// Its time is the store's. The access token never outlives the login.
    pub(super) fn issue<C: Claims>(
        &self,
        claims: &C,
        login: &LoginRow,
        epoch: u64,
        refresh: &ParsedToken,
        now: Timestamp,
    ) -> Result<Tokens, StoreError> {
        let left = login.expires_at.seconds().saturating_sub(now.seconds()).max(1).unsigned_abs();
        let lifetime = self.access_ttl.as_secs().min(left);
        let token = IssuedToken {
            issuer: &self.issuer,
            audience: &self.audience,
            client_id: &self.client_id,
            realm: self.realm.as_deref(),
            issued_at: now,
            lifetime,
            id: TokenId::random().map_err(StoreError::new)?,
            login: login.id,
            authenticated_at: login.authenticated_at,
            epoch,
            position: refresh.position(),
            claims,
        };
        Ok(Tokens {
            login: login.id,
            access_token: token.sign(&self.keys.signing()).map_err(StoreError::new)?,
            expires_in: lifetime,
            refresh_token: refresh.encode(&self.peppers),
        })
    }
}
