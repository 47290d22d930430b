//! Signing keys in files that only their owner can access.

use std::path::Path;

use super::Algorithm;
use super::signing::SigningKey;
use crate::config::ConfigError;
use crate::private_file;

/// Parses PEM, or a JWK, which begins with `{`.
pub(super) fn parse(text: &str, algorithm: Algorithm) -> Result<SigningKey, ConfigError> {
    if !text.trim_start().starts_with('{') {
        return SigningKey::from_pem(text, algorithm);
    }
    let key = SigningKey::from_jwk_json(text)?;
    match key.verifying_key().algorithm() == algorithm {
        true => Ok(key),
        false => {
            Err(ConfigError::new("keys", "the key has another algorithm", "correct the key or the algorithm"))
        }
    }
}

pub(super) fn read(path: &Path, algorithm: Algorithm) -> Result<SigningKey, ConfigError> {
    parse(&private_file::read("keys", path)?, algorithm)
}

pub(super) fn read_or_generate(path: &Path, algorithm: Algorithm) -> Result<SigningKey, ConfigError> {
    let text = private_file::read_or_make("keys", path, || {
        SigningKey::generate_exported(algorithm).map(|(_, text)| text)
    })?;
    parse(&text, algorithm)
}
