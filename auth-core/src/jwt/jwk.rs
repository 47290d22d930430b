//! JSON Web Keys (RFC 7517, 7518 section 6, 8037 section 2): reading keys, and publishing public keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::Algorithm;
use super::algorithm::Curve;
use crate::config::ConfigError;
use crate::hash::sha256;

/// A JWK as it is read: all members of the supported key types. Values are decoded from base64url when the type is
/// known.
#[derive(Deserialize)]
pub(crate) struct Jwk {
    pub(crate) kty: String,
    pub(crate) kid: Option<String>,
    pub(crate) alg: Option<String>,
    #[serde(rename = "use")]
    pub(crate) usage: Option<String>,
    pub(crate) key_ops: Option<Vec<String>>,
    pub(crate) crv: Option<String>,
    pub(crate) x: Option<String>,
    pub(crate) y: Option<String>,
    pub(crate) n: Option<String>,
    pub(crate) e: Option<String>,
    pub(crate) k: Option<SecretString>,
    pub(crate) d: Option<SecretString>,
    pub(crate) p: Option<SecretString>,
    pub(crate) q: Option<SecretString>,
    pub(crate) dp: Option<SecretString>,
    pub(crate) dq: Option<SecretString>,
    pub(crate) qi: Option<SecretString>,
}

impl Jwk {
    pub(crate) fn parse(json: &str) -> Result<Self, ConfigError> {
        serde_json::from_str(json).map_err(|_| {
            ConfigError::new(
                "jwk",
                "not a JSON Web Key",
                "a JWK is a JSON object with the member `kty` (RFC 7517)",
            )
        })
    }

    /// Whether `use` and `key_ops` allow to use the key for `operation` (RFC 7517 sections 4.2 and 4.3).
    pub(crate) fn is_for(&self, operation: &str) -> bool {
        self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == operation))
    }

    /// The algorithm of this key; `None` if its key type or algorithm is not supported.
    ///
    /// Without `alg` the key type determines it: RS256, ES256, ES384, EdDSA or HS256. The header of a token never
    /// does.
    pub(crate) fn algorithm(&self) -> Result<Option<Algorithm>, ConfigError> {
        let of_kind: &[Algorithm] = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ],
            ("EC", Some("P-256")) => &[Algorithm::ES256],
            ("EC", Some("P-384")) => &[Algorithm::ES384],
            ("OKP", Some("Ed25519")) => &[Algorithm::EdDSA],
            ("oct", _) => &[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512],
            _ => return Ok(None),
        };
        let Some(alg) = &self.alg else { return Ok(of_kind.first().copied()) };
        let Ok(algorithm) = alg.parse::<Algorithm>() else { return Ok(None) };
        if of_kind.contains(&algorithm) {
            return Ok(Some(algorithm));
        }
        Err(ConfigError::new("jwk.alg", "`alg` does not match `kty` and `crv`", "correct or remove `alg`"))
    }

    pub(crate) fn bytes(member: &'static str, text: Option<&str>) -> Result<Vec<u8>, ConfigError> {
        text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(|| {
            ConfigError::new(
                member,
                "the member is missing, or not base64url without padding",
                "export the key again",
            )
        })
    }

    pub(crate) fn secret(
        member: &'static str,
        text: Option<&SecretString>,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, ConfigError> {
        Self::bytes(member, text.map(SecretString::expose_secret)).map(zeroize::Zeroizing::new)
    }
}

/// A public key as it is published. The type has no fields for private or symmetric keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PublicJwk {
    #[serde(flatten)]
    parameters: PublicParameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
}

/// The required members of each key type, in the lexicographic order of RFC 7638 section 3.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum PublicParameters {
    Ec { crv: &'static str, kty: &'static str, x: String, y: String },
    Okp { crv: &'static str, kty: &'static str, x: String },
    Rsa { e: String, kty: &'static str, n: String },
}

impl PublicParameters {
    /// The parameters of an uncompressed point.
    pub(crate) fn ec(curve: Curve, point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(curve.coordinate_length())?;
        (y.len() == x.len()).then(|| Self::Ec {
            crv: curve.name(),
            kty: "EC",
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        })
    }

    pub(crate) fn ed25519(point: &[u8]) -> Self {
        Self::Okp { crv: "Ed25519", kty: "OKP", x: URL_SAFE_NO_PAD.encode(point) }
    }

    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::Rsa { e: URL_SAFE_NO_PAD.encode(exponent), kty: "RSA", n: URL_SAFE_NO_PAD.encode(modulus) }
    }

    /// The SHA-256 thumbprint (RFC 7638) in base64url.
    pub(crate) fn thumbprint(&self) -> String {
        let canonical = serde_json::to_vec(self).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(sha256(&canonical))
    }
}

impl PublicJwk {
    pub(crate) fn new(parameters: PublicParameters, kid: Option<&str>, algorithm: Algorithm) -> Self {
        Self { parameters, kid: kid.map(str::to_owned), alg: algorithm_name(algorithm), usage: "sig" }
    }
}

/// A JWK Set as it is published.
#[derive(Debug, Serialize)]
pub(crate) struct PublicJwks {
    pub(super) keys: Vec<PublicJwk>,
}

/// The value of `alg` (RFC 7518 section 3.1).
pub(crate) const fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HS256 => "HS256",
        Algorithm::HS384 => "HS384",
        Algorithm::HS512 => "HS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::EdDSA => "EdDSA",
        _ => "",
    }
}
