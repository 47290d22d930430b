//! The keys of an issuer: one key signs, and all verify until they are retired.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

use super::Algorithm;
use super::file;
use super::set::KeySet;
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::config::ConfigError;
use crate::id::KeyId;

/// The keys with which an application signs its own tokens. Clones share the keys.
///
/// Rotation without downtime takes three steps: [`add`](Self::add) the next key; when all nodes and verifiers know
/// it, [`sign_with`](Self::sign_with) it; when the last token of the old key has expired, [`retire`](Self::retire)
/// that.
#[derive(Clone, Debug)]
pub struct KeyRing {
    shared: Arc<ArcSwap<Keys>>,
}

#[derive(Debug)]
struct Keys {
    signing: Arc<SigningKey>,
    verifying: Arc<KeySet>,
}

impl KeyRing {
    /// A ring with this key, which signs.
    ///
    /// # Errors
    ///
    /// The same as [`KeySet::new`].
    pub fn new(key: SigningKey) -> Result<Self, ConfigError> {
        let verifying = Arc::new(KeySet::new([key.verifying_key().clone()])?);
        Ok(Self { shared: Arc::new(ArcSwap::from_pointee(Keys { signing: Arc::new(key), verifying })) })
    }

    /// A ring with a new random key, which exists only in this process: tokens are then valid until the process ends.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the system's random number generator fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, ConfigError> {
        Self::new(SigningKey::generate(algorithm)?)
    }

    /// A ring with a private key in PEM; see [`SigningKey::from_pem`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the text is not such a key.
    pub fn from_pem(pem: &str, algorithm: Algorithm) -> Result<Self, ConfigError> {
        Self::new(SigningKey::from_pem(pem, algorithm)?)
    }

    /// A ring with a private or symmetric JWK; see [`SigningKey::from_jwk_json`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the text is not such a key.
    pub fn from_jwk_json(json: &str) -> Result<Self, ConfigError> {
        Self::new(SigningKey::from_jwk_json(json)?)
    }

    /// A ring with the key in an environment variable: PEM or JWK.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the variable is not set or does not contain such a key.
    pub fn from_env(variable: &str, algorithm: Algorithm) -> Result<Self, ConfigError> {
        let text = std::env::var(variable).map(zeroize::Zeroizing::new).map_err(|_| {
            ConfigError::of_name(
                "keys",
                format!("the environment variable `{variable}` is not set, or not UTF-8"),
                "set it to a private key in PEM or JWK",
            )
        })?;
        Self::new(file::parse(&text, algorithm)?)
    }

    /// A ring with the key in a file: PEM or JWK. On Unix the file must be accessible only to its owner.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file cannot be read, is (on Unix) accessible to other users, or does not contain such
    /// a key.
    pub fn from_file(path: impl AsRef<Path>, algorithm: Algorithm) -> Result<Self, ConfigError> {
        Self::new(file::read(path.as_ref(), algorithm)?)
    }

    /// The same as [`from_file`](Self::from_file), but a file that does not exist is created with a new random key,
    /// accessible only to its owner.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file cannot be read or created, is (on Unix) accessible to other users, or does not
    /// contain such a key.
    pub fn from_file_or_generate(path: impl AsRef<Path>, algorithm: Algorithm) -> Result<Self, ConfigError> {
        Self::new(file::read_or_generate(path.as_ref(), algorithm)?)
    }

    /// Adds a key that verifies and is published, but does not sign.
    ///
    /// # Errors
    ///
    /// The same as [`KeySet::new`]; the ring is then unchanged.
    pub fn add(&self, key: VerifyingKey) -> Result<(), ConfigError> {
        self.change(|keys| {
            let all = keys.verifying.keys().iter().cloned().chain([key.clone()]);
            Ok(Keys { signing: keys.signing.clone(), verifying: Arc::new(KeySet::new(all)?) })
        })
    }

    /// Signs with `key` from now on. The key is added if the ring does not have it, and the previous one still
    /// verifies.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when another key has the same `kid`, and the same errors as [`KeySet::new`]; the ring is then
    /// unchanged.
    pub fn sign_with(&self, key: SigningKey) -> Result<(), ConfigError> {
        let key = Arc::new(key);
        self.change(|keys| {
            let new = key.verifying_key();
            let is_other =
                |known: &&VerifyingKey| known.id() == new.id() && known.fingerprint() != new.fingerprint();
            if keys.verifying.keys().iter().any(|known| is_other(&known)) {
                return Err(ConfigError::new("keys", "duplicate `kid`", "give the new key its own `kid`"));
            }
            let others = keys.verifying.keys().iter().filter(|known| known.id() != new.id());
            let all = [new].into_iter().chain(others).cloned();
            Ok(Keys { signing: key.clone(), verifying: Arc::new(KeySet::new(all)?) })
        })
    }

    /// Removes a key: tokens that it signed are refused from now on.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when this is the key that signs, or the ring does not have it; the ring is then unchanged.
    pub fn retire(&self, id: &KeyId) -> Result<(), ConfigError> {
        self.change(|keys| {
            if keys.signing.verifying_key().id() == Some(id) {
                return Err(ConfigError::new(
                    "keys",
                    "the key that signs cannot be retired",
                    "call `sign_with` with another key first",
                ));
            }
            let rest: Vec<_> =
                keys.verifying.keys().iter().filter(|key| key.id() != Some(id)).cloned().collect();
            if rest.len() == keys.verifying.keys().len() {
                return Err(ConfigError::new(
                    "keys",
                    "there is no key with this `kid`",
                    "`public_jwks` lists the public keys of the ring",
                ));
            }
            Ok(Keys { signing: keys.signing.clone(), verifying: Arc::new(KeySet::new(rest)?) })
        })
    }

    /// The public keys, to be serialised as a JWK Set (RFC 7517 section 5), as it is served at `/.well-known/jwks.json`.
    /// HMAC secrets are never included.
    pub fn public_jwks(&self) -> impl Serialize + Debug + use<> {
        self.verifying().public_jwks()
    }

    /// The key that signs.
    pub(crate) fn signing(&self) -> Arc<SigningKey> {
        self.shared.load().signing.clone()
    }

    /// The keys that verify.
    pub(crate) fn verifying(&self) -> Arc<KeySet> {
        self.shared.load().verifying.clone()
    }

    /// Applies a change. If another change was made at the same time, it is applied again to the new keys.
    fn change(&self, change: impl Fn(&Keys) -> Result<Keys, ConfigError>) -> Result<(), ConfigError> {
        loop {
            let current = self.shared.load_full();
            let previous = self.shared.compare_and_swap(&current, Arc::new(change(&current)?));
            if Arc::ptr_eq(&previous, &current) {
                return Ok(());
            }
        }
    }
}
