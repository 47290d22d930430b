//! Issuing access tokens (RFC 9068).

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use secrecy::{ExposeSecret, SecretString};
use serde::Serializer as _;
use serde::ser::SerializeMap;
use serde_json::json;

use super::Shared;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, TokenId};
use crate::refresh::{ParsedToken, RefreshToken};
use crate::store::{LoginRow, StoreError};

/// What a program gets when it signs in or refreshes (RFC 6749 section 5.1). As a response: the JSON of the RFC, not to
/// be stored.
pub struct Tokens {
    pub(super) login: LoginId,
    pub(super) access_token: SecretString,
    pub(super) expires_in: u64,
    pub(super) refresh_token: Option<RefreshToken>,
}

impl Tokens {
    /// The login they belong to.
    pub const fn login_id(&self) -> LoginId {
        self.login
    }

    /// The access token.
    pub fn access_token(&self) -> &str {
        self.access_token.expose_secret()
    }

    /// The refresh token; none where a cookie carries it.
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_ref().map(RefreshToken::expose)
    }

    /// How long the access token lives, in seconds.
    pub const fn expires_in(&self) -> u64 {
        self.expires_in
    }
}

/// Shows neither token.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("login", &self.login)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

impl IntoResponse for Tokens {
    fn into_response(self) -> Response {
        let mut body = json!({
            "access_token": self.access_token(),
            "token_type": "Bearer",
            "expires_in": self.expires_in,
        });
        if let (Some(token), Some(body)) = (self.refresh_token(), body.as_object_mut()) {
            body.insert("refresh_token".to_owned(), token.into());
        }
        let mut response = Json(body).into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl<C: Claims> Shared<C> {
    /// The refresh token of a login, and an access token that came with it.
    pub(super) fn tokens(
        &self,
        claims: &C,
        login: &LoginRow,
        refresh: &ParsedToken,
        now: Timestamp,
    ) -> Result<Tokens, StoreError> {
        let lifetime = self.access_lifetime(login, now);
        Ok(Tokens {
            login: login.id,
            access_token: self.access_token(claims, login, (refresh.generation, refresh.branch), now)?,
            expires_in: lifetime,
            refresh_token: refresh.encode(&self.peppers),
        })
    }

    /// The seconds that an access token lives: never longer than its login.
    fn access_lifetime(&self, login: &LoginRow, now: Timestamp) -> u64 {
        let left = login.expires_at.seconds().saturating_sub(now.seconds()).max(1).unsigned_abs();
        self.config.access_ttl.as_secs().min(left)
    }

    fn access_token(
        &self,
        claims: &C,
        login: &LoginRow,
        rotation: (u32, u16),
        now: Timestamp,
    ) -> Result<SecretString, StoreError> {
        let token = TokenId::random().map_err(StoreError::new)?;
        let key = self.keys.signing();
        let payload = self.payload(claims, login, rotation, token, now).map_err(StoreError::new)?;
        let mut text = String::with_capacity(key.access_token_header().len() + payload.len() * 2 + 128);
        text.push_str(key.access_token_header());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(&payload, &mut text);
        let signature = key.sign(text.as_bytes()).map_err(StoreError::new)?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut text);
        Ok(text.into())
    }

    fn payload(
        &self,
        claims: &C,
        login: &LoginRow,
        rotation: (u32, u16),
        token: TokenId,
        now: Timestamp,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let config = &self.config;
        let mut payload = Vec::with_capacity(512);
        let mut serializer = serde_json::Serializer::new(&mut payload);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("iss", &config.issuer)?;
        map.serialize_entry("aud", &config.audience)?;
        map.serialize_entry("client_id", &config.client_id)?;
        map.serialize_entry("iat", &now.seconds())?;
        let lifetime = i64::try_from(self.access_lifetime(login, now)).unwrap_or(i64::MAX);
        map.serialize_entry("exp", &now.seconds().saturating_add(lifetime))?;
        map.serialize_entry("jti", &token)?;
        map.serialize_entry("sid", &login.id)?;
        map.serialize_entry("auth_time", &login.authenticated_at.seconds())?;
        map.serialize_entry("epoch", &login.epoch)?;
        map.serialize_entry("gen", &rotation)?;
        claims.write(&mut map)?;
        map.end()?;
        Ok(payload)
    }
}

/// `sub` and the own claims as a JSON object.
pub(super) fn claims_json<C: Claims>(claims: &C) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::new(&mut json);
    let mut map = serializer.serialize_map(None)?;
    claims.write(&mut map)?;
    map.end()?;
    Ok(json)
}
