//! The algorithms, and their counterparts in aws-lc.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaSigningAlgorithm,
    RsaEncoding, VerificationAlgorithm,
};
use jsonwebtoken::Algorithm;

use crate::config::ConfigError;

/// An algorithm, by the kind of its key.
#[derive(Clone, Copy)]
pub(crate) enum Suite {
    Hmac(hmac::Algorithm),
    Rsa(&'static dyn RsaEncoding, &'static dyn VerificationAlgorithm),
    Ecdsa(Curve),
    Ed25519,
}

/// A curve of ECDSA. There is one algorithm for each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    pub(crate) const fn coordinate_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    pub(crate) fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Self::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        }
    }

    pub(crate) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
        }
    }
}

/// The suite of `algorithm`. An algorithm that a later version of jsonwebtoken adds is an error.
pub(crate) fn suite(algorithm: Algorithm) -> Result<Suite, ConfigError> {
    Ok(match algorithm {
        Algorithm::HS256 => Suite::Hmac(hmac::HMAC_SHA256),
        Algorithm::HS384 => Suite::Hmac(hmac::HMAC_SHA384),
        Algorithm::HS512 => Suite::Hmac(hmac::HMAC_SHA512),
        Algorithm::RS256 => Suite::Rsa(&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Suite::Rsa(&signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Suite::Rsa(&signature::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Suite::Rsa(&signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Suite::Rsa(&signature::RSA_PSS_SHA384, &signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Suite::Rsa(&signature::RSA_PSS_SHA512, &signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Suite::Ecdsa(Curve::P256),
        Algorithm::ES384 => Suite::Ecdsa(Curve::P384),
        Algorithm::EdDSA => Suite::Ed25519,
        _ => return Err(ConfigError::new("alg", "this algorithm is not supported", "use ES256 or EdDSA")),
    })
}

/// Checks the length of an HMAC secret: at least the size of the hash (RFC 7518 section 3.2).
pub(crate) fn check_secret(algorithm: hmac::Algorithm, secret: &[u8]) -> Result<(), ConfigError> {
    if secret.len() < algorithm.digest_algorithm().output_len() {
        return Err(ConfigError::new(
            "secret",
            "an HMAC secret must be at least as long as its hash: 32, 48 or 64 bytes for HS256, HS384, HS512",
            "generate one with `openssl rand -base64 64`, or use `KeyRing::generate`",
        ));
    }
    Ok(())
}

pub(crate) fn hmac_required() -> ConfigError {
    ConfigError::new(
        "alg",
        "a secret can be used with HS256, HS384 and HS512 only",
        "for other algorithms, load a private key from PEM or JWK",
    )
}

pub(crate) fn hmac_refused() -> ConfigError {
    ConfigError::new(
        "alg",
        "HS256, HS384 and HS512 use a secret, not a key pair",
        "use `SigningKey::from_secret`",
    )
}
