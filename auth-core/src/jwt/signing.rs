//! Keys that sign, each with the key that verifies its signatures.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, KeySize};
use aws_lc_rs::signature::{
    EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::Algorithm;
use super::algorithm::{Curve, Suite, hmac_refused, hmac_required, suite};
use super::jwk::{Jwk, algorithm_name};
use super::verifying::VerifyingKey;
use crate::config::ConfigError;
use crate::id::KeyId;
use crate::random::{RandomError, random_bytes};

/// A private key, or an HMAC secret, for one algorithm.
pub struct SigningKey {
    material: Material,
    verifying: VerifyingKey,
    access_token_header: Box<str>,
}

/// The parsed key in the form of aws-lc.
enum Material {
    Hmac(Box<hmac::Key>),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A private key in PEM: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC 1). Its `kid`
    /// is the thumbprint of the public key (RFC 7638).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the text is not such a key, the key does not match `algorithm`, or it is an RSA key with
    /// fewer than 2048 bits.
    pub fn from_pem(pem: &str, algorithm: Algorithm) -> Result<Self, ConfigError> {
        let pem = pem::parse(pem).map_err(|_| private_key_error())?;
        let tag = pem.tag().to_owned();
        let der = &*Zeroizing::new(pem.into_contents());
        let material = match (tag.as_str(), suite(algorithm)?) {
            (_, Suite::Hmac(_)) => return Err(hmac_refused()),
            ("PRIVATE KEY", Suite::Rsa(encoding, _)) => {
                RsaKeyPair::from_pkcs8(der).map(|key| Material::Rsa(key, encoding))
            }
            ("RSA PRIVATE KEY", Suite::Rsa(encoding, _)) => {
                RsaKeyPair::from_der(der).map(|key| Material::Rsa(key, encoding))
            }
            ("PRIVATE KEY", Suite::Ecdsa(curve)) => {
                EcdsaKeyPair::from_pkcs8(curve.signing(), der).map(Material::Ecdsa)
            }
            ("EC PRIVATE KEY", Suite::Ecdsa(curve)) => {
                EcdsaKeyPair::from_private_key_der(curve.signing(), der).map(Material::Ecdsa)
            }
            ("PRIVATE KEY", Suite::Ed25519) => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Material::Ed25519)
            }
            _ => return Err(private_key_error()),
        };
        Self::from_pair(material.map_err(|_| private_key_error())?, algorithm, None)
    }

    /// An HMAC secret. Its `kid` is derived from it with a one-way function.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the secret is shorter than the hash, or `algorithm` is not HS256, HS384 or HS512.
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, ConfigError> {
        let Suite::Hmac(hash) = suite(algorithm)? else { return Err(hmac_required()) };
        let verifying = VerifyingKey::from_secret(secret, algorithm)?;
        Ok(Self::new(Material::Hmac(Box::new(hmac::Key::new(hash, secret))), verifying))
    }

    /// A private or symmetric JWK.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the text is not such a key, its members are inconsistent, or the key is too short.
    pub fn from_jwk_json(json: &str) -> Result<Self, ConfigError> {
        let jwk = Jwk::parse(json)?;
        let algorithm = jwk.algorithm()?.filter(|_| jwk.is_for("sign")).ok_or_else(private_key_error)?;
        let id = match jwk.kid.as_deref() {
            None => None,
            Some(kid) => Some(KeyId::new(kid).ok_or_else(|| {
                ConfigError::new("jwk.kid", "a `kid` must have 1 to 255 bytes", "change or remove the `kid`")
            })?),
        };
        let material = match suite(algorithm)? {
            Suite::Hmac(_) => {
                let mut key = Self::from_secret(&Jwk::secret("jwk.k", jwk.k.as_ref())?, algorithm)?;
                if let Some(id) = id {
                    key = key.with_id(id);
                }
                return Ok(key);
            }
            Suite::Ecdsa(curve) => Material::Ecdsa(ecdsa_from_jwk(&jwk, curve)?),
            Suite::Ed25519 => {
                let seed = Jwk::secret("jwk.d", jwk.d.as_ref())?;
                let point = Jwk::bytes("jwk.x", jwk.x.as_deref())?;
                Material::Ed25519(
                    Ed25519KeyPair::from_seed_and_public_key(&seed, &point)
                        .map_err(|_| private_key_error())?,
                )
            }
            Suite::Rsa(encoding, _) => Material::Rsa(rsa_from_jwk(&jwk)?, encoding),
        };
        Self::from_pair(material, algorithm, id)
    }

    /// A new random key: 2048 bits for RSA, 512 bits for HMAC.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the system's random number generator fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, ConfigError> {
        Self::generate_exported(algorithm).map(|(key, _)| key)
    }

    /// A new random key, and its text for a file: PEM, or JWK for HMAC.
    pub(super) fn generate_exported(algorithm: Algorithm) -> Result<(Self, Zeroizing<String>), ConfigError> {
        let failed = |_| {
            ConfigError::new(
                "keys",
                "the key could not be generated",
                "check the system's random number generator",
            )
        };
        let (material, pkcs8) = match suite(algorithm)? {
            Suite::Hmac(_) => return generate_secret(algorithm),
            Suite::Rsa(encoding, _) => {
                let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(failed)?.as_ref().to_vec();
                (Material::Rsa(key, encoding), der)
            }
            Suite::Ecdsa(curve) => {
                let key = EcdsaKeyPair::generate(curve.signing()).map_err(failed)?;
                let der = key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec();
                (Material::Ecdsa(key), der)
            }
            Suite::Ed25519 => {
                let key = Ed25519KeyPair::generate().map_err(failed)?;
                let der = key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec();
                (Material::Ed25519(key), der)
            }
        };
        let text = Zeroizing::new(pem::encode(&pem::Pem::new("PRIVATE KEY", pkcs8)));
        Ok((Self::from_pair(material, algorithm, None)?, text))
    }

    /// The same key with another `kid`.
    #[must_use]
    pub fn with_id(self, id: KeyId) -> Self {
        Self::new(self.material, self.verifying.with_id(id))
    }

    /// The key that verifies the signatures of this one.
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The header segment of every access token of this key (RFC 9068 section 2.1).
    pub(crate) fn access_token_header(&self) -> &str {
        &self.access_token_header
    }

    /// The signature over `message`: the third segment of a JWS before base64url (RFC 7518 section 3).
    ///
    /// # Errors
    ///
    /// When the algorithm needs randomness and the system's source of it failed.
    pub fn sign(&self, message: &[u8]) -> std::io::Result<Vec<u8>> {
        match &self.material {
            Material::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Material::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &SystemRandom::new(), message, &mut signature).map_err(no_randomness)?;
                Ok(signature)
            }
            Material::Ecdsa(key) => {
                let signature = key.sign(&SystemRandom::new(), message).map_err(no_randomness)?;
                Ok(signature.as_ref().to_vec())
            }
            Material::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }

    fn from_pair(material: Material, algorithm: Algorithm, id: Option<KeyId>) -> Result<Self, ConfigError> {
        let public = match &material {
            Material::Hmac(_) => return Err(hmac_refused()),
            Material::Rsa(key, _) => key.public_key().as_ref().to_vec(),
            Material::Ecdsa(key) => key.public_key().as_ref().to_vec(),
            Material::Ed25519(key) => key.public_key().as_ref().to_vec(),
        };
        let verifying = VerifyingKey::from_public(id, algorithm, suite(algorithm)?, &public)?;
        let thumbprint = verifying.thumbprint();
        let verifying = match (verifying.id(), thumbprint.as_deref().and_then(KeyId::new)) {
            (None, Some(thumbprint)) => verifying.with_id(thumbprint),
            _ => verifying,
        };
        Ok(Self::new(material, verifying))
    }

    fn new(material: Material, verifying: VerifyingKey) -> Self {
        Self { material, access_token_header: header(&verifying), verifying }
    }
}

/// Shows the `kid` and the algorithm, never the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.verifying.id())
            .field("algorithm", &self.verifying.algorithm())
            .finish_non_exhaustive()
    }
}

fn header(key: &VerifyingKey) -> Box<str> {
    #[derive(serde::Serialize)]
    struct Header<'a> {
        alg: &'static str,
        typ: &'static str,
        kid: Option<&'a str>,
    }
    let header =
        Header { alg: algorithm_name(key.algorithm()), typ: "at+jwt", kid: key.id().map(KeyId::as_str) };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).unwrap_or_default()).into()
}

fn generate_secret(algorithm: Algorithm) -> Result<(SigningKey, Zeroizing<String>), ConfigError> {
    let secret: Zeroizing<[u8; 64]> = Zeroizing::new(random_bytes().map_err(|error| {
        ConfigError::new(
            "keys",
            "the key could not be generated",
            "check the system's random number generator",
        )
        .caused_by(error)
    })?);
    let jwk = serde_json::json!({
        "kty": "oct", "alg": algorithm_name(algorithm), "k": URL_SAFE_NO_PAD.encode(secret.as_slice()),
    });
    Ok((SigningKey::from_secret(secret.as_slice(), algorithm)?, Zeroizing::new(jwk.to_string())))
}

fn ecdsa_from_jwk(jwk: &Jwk, curve: Curve) -> Result<EcdsaKeyPair, ConfigError> {
    let private = Jwk::secret("jwk.d", jwk.d.as_ref())?;
    let x = Jwk::bytes("jwk.x", jwk.x.as_deref())?;
    let y = Jwk::bytes("jwk.y", jwk.y.as_deref())?;
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), &private, &point)
        .map_err(|_| private_key_error())
}

fn rsa_from_jwk(jwk: &Jwk) -> Result<RsaKeyPair, ConfigError> {
    let components = KeyPairComponents {
        public_key: RsaPublicKeyComponents {
            n: Jwk::bytes("jwk.n", jwk.n.as_deref())?,
            e: Jwk::bytes("jwk.e", jwk.e.as_deref())?,
        },
        d: Jwk::secret("jwk.d", jwk.d.as_ref())?,
        p: Jwk::secret("jwk.p", jwk.p.as_ref())?,
        q: Jwk::secret("jwk.q", jwk.q.as_ref())?,
        dP: Jwk::secret("jwk.dp", jwk.dp.as_ref())?,
        dQ: Jwk::secret("jwk.dq", jwk.dq.as_ref())?,
        qInv: Jwk::secret("jwk.qi", jwk.qi.as_ref())?,
    };
    RsaKeyPair::from_components(&components).map_err(|_| private_key_error())
}

fn private_key_error() -> ConfigError {
    ConfigError::new(
        "private key",
        "not a private key for this algorithm (RSA: 2048 to 8192 bits, ES256: curve P-256, ES384: curve P-384)",
        "generate one with `openssl genpkey`, or correct the algorithm",
    )
}

fn no_randomness(_: aws_lc_rs::error::Unspecified) -> std::io::Error {
    std::io::Error::other(RandomError)
}
