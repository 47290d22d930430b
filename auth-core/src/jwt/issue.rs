//! Issuing access tokens (RFC 9068). [`Registered`](super::registered::Registered) reads the claims that are written
//! here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Serializer as _;
use serde::ser::SerializeMap;

use super::signing::SigningKey;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, Position, TokenId};

/// The version of the set of claims in tokens (`ver`). A claim that a later version adds is required only in tokens
/// of that version and later ones, so that tokens that were issued before an update are still accepted.
const CLAIM_SET: u32 = SET_WITH_REALM;
/// From this version on, tokens have `client_id`, `sid`, `auth_time`, `epoch` and `gen`.
pub(super) const SET_WITH_LOGIN: u32 = 1;
/// From this version on, tokens have `realm` if the realm was given a name.
pub(super) const SET_WITH_REALM: u32 = 2;

/// The content of an access token to be signed.
pub(crate) struct IssuedToken<'a, C> {
    pub(crate) issuer: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) client_id: &'a str,
    /// The realm; `None` if it is defined by issuer and audience.
    pub(crate) realm: Option<&'a str>,
    pub(crate) issued_at: Timestamp,
    /// The lifetime in seconds.
    pub(crate) lifetime: u64,
    pub(crate) id: TokenId,
    pub(crate) login: LoginId,
    pub(crate) authenticated_at: Timestamp,
    pub(crate) epoch: u64,
    pub(crate) position: Position,
    pub(crate) claims: &'a C,
}

/// The reason why an access token could not be issued.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueError {
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written")]
    Claims(#[from] serde_json::Error),
    /// The signature requires randomness, and the system's random number generator failed.
    #[error(transparent)]
    Random(#[from] std::io::Error),
}

impl<C: Claims> IssuedToken<'_, C> {
    /// Signs the token and returns its compact serialisation (RFC 7515 section 7.1).
    pub(crate) fn sign(&self, key: &SigningKey) -> Result<SecretString, IssueError> {
        let payload = self.payload()?;
        let mut text = String::with_capacity(key.access_token_header().len() + payload.len() * 2 + 128);
        text.push_str(key.access_token_header());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(&payload, &mut text);
        let signature = key.sign(text.as_bytes())?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut text);
        Ok(text.into())
    }

    fn payload(&self) -> Result<Vec<u8>, serde_json::Error> {
        let issued_at = self.issued_at.seconds();
        let lifetime = i64::try_from(self.lifetime).unwrap_or(i64::MAX);
        let mut payload = Vec::with_capacity(512);
        let mut serializer = serde_json::Serializer::new(&mut payload);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("iss", self.issuer)?;
        map.serialize_entry("aud", self.audience)?;
        map.serialize_entry("client_id", self.client_id)?;
        map.serialize_entry("iat", &issued_at)?;
        map.serialize_entry("exp", &issued_at.saturating_add(lifetime))?;
        map.serialize_entry("jti", &self.id)?;
        map.serialize_entry("sid", &self.login)?;
        map.serialize_entry("auth_time", &self.authenticated_at.seconds())?;
        map.serialize_entry("epoch", &self.epoch)?;
        map.serialize_entry("gen", &self.position)?;
        map.serialize_entry("ver", &CLAIM_SET)?;
        if let Some(realm) = self.realm {
            map.serialize_entry("realm", realm)?;
        }
        self.claims.write(&mut map)?;
        map.end()?;
        Ok(payload)
    }
}

/// `sub` and the other claims of the type as a JSON object.
pub(crate) fn write_claims<C: Claims>(claims: &C) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::new(&mut json);
    let mut map = serializer.serialize_map(None)?;
    claims.write(&mut map)?;
    map.end()?;
    Ok(json)
}
