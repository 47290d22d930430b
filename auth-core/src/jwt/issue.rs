//! Writing access tokens (RFC 9068). What is written here is read by [`Registered`](super::registered::Registered).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Serializer as _;
use serde::ser::SerializeMap;

use super::signing::SigningKey;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, Position, TokenId};

/// Which set of claims tokens have (`ver`). A claim that a later set adds is required of tokens of that set on: those that
/// were issued before an update still work after it.
const CLAIM_SET: u32 = SET_WITH_REALM;
/// From this set on, `sid`, `epoch` and `gen` are there.
pub(super) const SET_WITH_LOGIN: u32 = 1;
/// From this set on, `realm` is there, where the realm has a name of its own.
pub(super) const SET_WITH_REALM: u32 = 2;

/// An access token that is about to be signed.
pub(crate) struct IssuedToken<'a, C> {
    pub(crate) issuer: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) client_id: &'a str,
    /// The realm; none where issuer and audience name it.
    pub(crate) realm: Option<&'a str>,
    pub(crate) issued_at: Timestamp,
    /// In seconds.
    pub(crate) lifetime: u64,
    pub(crate) id: TokenId,
    pub(crate) login: LoginId,
    pub(crate) authenticated_at: Timestamp,
    pub(crate) epoch: u64,
    pub(crate) position: Position,
    pub(crate) claims: &'a C,
}

/// Why an access token could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueError {
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written")]
    Claims(#[from] serde_json::Error),
    /// The signature needs randomness, and there was none.
    #[error(transparent)]
    Random(#[from] std::io::Error),
}

impl<C: Claims> IssuedToken<'_, C> {
    /// The compact serialisation, signed.
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

/// `sub` and the own claims as a JSON object.
pub(crate) fn write_claims<C: Claims>(claims: &C) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::new(&mut json);
    let mut map = serializer.serialize_map(None)?;
    claims.write(&mut map)?;
    map.end()?;
    Ok(json)
}
