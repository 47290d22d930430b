//! Sets of keys that verify signatures. Each key has one algorithm, and conflicts between keys are errors when the
//! set is created.

use std::fmt::Debug;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use serde::Serialize;

use super::error::VerifyError;
use super::jwk::{Jwk, PublicJwks};
use super::jws::{self, HeaderPurpose};
use super::verifying::VerifyingKey;
use crate::config::ConfigError;
use crate::id::KeyId;

/// A set of keys for verifying signatures, all public or all symmetric.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    by_id: HashMap<KeyId, usize>,
    known_headers: ArcSwap<Vec<KnownHeader>>,
}

/// The header segment of a token whose signature was valid, so that a token with the same segment needs no parsing.
#[derive(Clone, Debug)]
struct KnownHeader {
    segment: Arc<[u8]>,
    purpose: HeaderPurpose,
    key: usize,
}

impl KeySet {
    /// The maximum number of header segments that are remembered. Usually all tokens of a key have the same one.
    const KNOWN_HEADERS: usize = 16;

    /// A set of these keys.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no key, a `kid` is duplicate, the same key is used for two algorithms, or
    /// symmetric and public keys are mixed (RFC 8725 section 3.1).
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, ConfigError> {
        let keys: Vec<VerifyingKey> = keys.into_iter().collect();
        let mut by_id = HashMap::with_capacity(keys.len());
        let mut algorithms = HashMap::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            if let Some(id) = key.id()
                && by_id.insert(id.clone(), index).is_some()
            {
                return Err(ConfigError::new("keys", "duplicate `kid`", "give each key its own `kid`"));
            }
            if algorithms
                .insert(*key.fingerprint(), key.algorithm())
                .is_some_and(|other| other != key.algorithm())
            {
                return Err(ConfigError::new(
                    "keys",
                    "the same key is used for two algorithms",
                    "generate a key for each algorithm",
                ));
            }
        }
        if keys.is_empty() {
            return Err(ConfigError::new(
                "keys",
                "there is no key for verifying signatures",
                "add at least one key",
            ));
        }
        let symmetric = keys.iter().filter(|key| key.is_symmetric()).count();
        if symmetric != 0 && symmetric != keys.len() {
            return Err(ConfigError::new(
                "keys",
                "symmetric and public keys are mixed",
                "put HMAC secrets into a separate set",
            ));
        }
        Ok(Self { keys, by_id, known_headers: ArcSwap::default() })
    }

    /// The keys of a JWK Set (RFC 7517 section 5), public or symmetric.
    ///
    /// Keys of unknown type, and keys that are not for verifying signatures (`use`, `key_ops`), are ignored, as the
    /// RFC says. A key without `alg` has the usual algorithm of its type: RS256, ES256, ES384, EdDSA or HS256.
    /// Private members are ignored, and nothing that a key refers to (`x5u`, `x5c`) is fetched or used.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the text is not a JWK Set, or a key in it is invalid or too short; and the same errors as
    /// [`new`](Self::new) for the keys that were not ignored.
    pub fn from_jwks_json(json: &str) -> Result<Self, ConfigError> {
        #[derive(serde::Deserialize)]
        struct Set {
            keys: Vec<Jwk>,
        }
        let set: Set = serde_json::from_str(json).map_err(|_| {
            ConfigError::new(
                "jwks",
                "not a JWK Set",
                "a JWK Set is a JSON object with the array `keys` (RFC 7517)",
            )
        })?;
        let keys: Result<Vec<_>, _> =
            set.keys.iter().filter_map(|jwk| VerifyingKey::from_jwk(jwk).transpose()).collect();
        Self::new(keys?)
    }

    /// Verifies a JWS in compact serialisation and returns its payload (RFC 7515 section 5.2).
    ///
    /// It is for signed data other than access tokens: `typ`, `cty` and the content of the payload are not checked,
    /// and it may be empty. At most 1 MiB.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] when the format, the header, the key or the signature is not valid.
    pub fn verify_jws(&self, compact: &[u8]) -> Result<Vec<u8>, VerifyError> {
        let signed = jws::Compact::split(compact, 1 << 20)?;
        self.verify_signature(&signed, HeaderPurpose::Any)?;
        jws::decode_payload(&signed)
    }

    /// The public keys, to be serialised as a JWK Set (RFC 7517 section 5). HMAC secrets are never included.
    pub fn public_jwks(&self) -> impl Serialize + Debug + use<> {
        PublicJwks { keys: self.keys.iter().filter_map(VerifyingKey::public_jwk).collect() }
    }

    /// The keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// Checks header and signature, and returns the key that signed.
    pub(super) fn verify_signature(
        &self,
        signed: &jws::Compact<'_>,
        purpose: HeaderPurpose,
    ) -> Result<&VerifyingKey, VerifyError> {
        let known = self.known_headers.load();
        let known = known.iter().find(|known| known.purpose == purpose && *known.segment == *signed.header());
        let (index, is_known) = match known {
            Some(known) => (known.key, true),
            None => (self.choose(signed, purpose)?, false),
        };
        let key = self.keys.get(index).ok_or(VerifyError::UnknownKey)?;
        jws::check_signature(key, signed)?;
        if !is_known {
            self.remember(signed.header(), purpose, index);
        }
        Ok(key)
    }

    /// The key that the header names; `alg` must be the algorithm of the key.
    fn choose(&self, signed: &jws::Compact<'_>, purpose: HeaderPurpose) -> Result<usize, VerifyError> {
        let header = jws::Header::parse(signed.header(), purpose)?;
        let index = match header.kid() {
            Some(kid) => *self.by_id.get(kid).ok_or(VerifyError::UnknownKey)?,
            None => {
                let mut fitting =
                    self.keys.iter().enumerate().filter(|(_, key)| header.is_alg(key.algorithm()));
                match (fitting.next(), fitting.next()) {
                    (Some((index, _)), None) => index,
                    (Some(_), Some(_)) => return Err(VerifyError::UnknownKey),
                    (None, _) => return Err(VerifyError::AlgorithmMismatch),
                }
            }
        };
        match self.keys.get(index) {
            Some(key) if header.is_alg(key.algorithm()) => Ok(index),
            _ => Err(VerifyError::AlgorithmMismatch),
        }
    }

    /// Remembers a header segment. Only those of valid signatures are passed, so that an attacker cannot fill the
    /// list; its size is limited too.
    fn remember(&self, segment: &[u8], purpose: HeaderPurpose, key: usize) {
        self.known_headers.rcu(|known| {
            let mut known = Vec::clone(known);
            let is_there = known.iter().any(|known| known.purpose == purpose && *known.segment == *segment);
            if !is_there && known.len() < Self::KNOWN_HEADERS {
                known.push(KnownHeader { segment: segment.into(), purpose, key });
            }
            known
        });
    }
}
