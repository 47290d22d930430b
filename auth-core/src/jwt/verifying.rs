//! Keys that verify signatures: public keys and HMAC secrets.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ED25519, ParsedPublicKey, RsaPublicKeyComponents};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Algorithm;
use super::algorithm::{Curve, Suite, check_secret, hmac_refused, hmac_required, suite};
use super::jwk::{Jwk, PublicJwk, PublicParameters};
use crate::config::ConfigError;
use crate::hash::sha256;
use crate::id::KeyId;

/// A key for verifying signatures of one algorithm. Cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey {
    id: Option<KeyId>,
    algorithm: Algorithm,
    material: Arc<Material>,
    public: Option<PublicParameters>,
    fingerprint: [u8; 32],
}

/// The parsed key in the form of aws-lc.
enum Material {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl VerifyingKey {
    /// A public key in PEM: `PUBLIC KEY` (SPKI), or `RSA PUBLIC KEY` (PKCS#1).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the text is not such a key, the key does not match `algorithm`, or it is an RSA key with
    /// fewer than 2048 bits.
    pub fn from_pem(pem: &str, algorithm: Algorithm) -> Result<Self, ConfigError> {
        let pem = pem::parse(pem).map_err(|_| public_key_error())?;
        match (pem.tag(), suite(algorithm)?) {
            ("PUBLIC KEY" | "RSA PUBLIC KEY", suite) => {
                Self::from_public(None, algorithm, suite, pem.contents())
            }
            _ => Err(public_key_error()),
        }
    }

    /// An HMAC secret.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the secret is shorter than the hash, or `algorithm` is not HS256, HS384 or HS512.
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, ConfigError> {
        let Suite::Hmac(hash) = suite(algorithm)? else { return Err(hmac_required()) };
        check_secret(hash, secret)?;
        let key = hmac::Key::new(hash, secret);
        let label = hmac::sign(&key, b"auth-core kid");
        let id = label.as_ref().get(..16).map(|prefix| URL_SAFE_NO_PAD.encode(prefix));
        Ok(Self {
            id: id.as_deref().and_then(KeyId::new),
            algorithm,
            fingerprint: sha256(secret),
            material: Arc::new(Material::Hmac(Box::new(key))),
            public: None,
        })
    }

    /// A public or symmetric JWK. Private members are ignored. `None` if the key type, the algorithm or the use is
    /// not supported, so that the key must be ignored (RFC 7517 section 5).
    pub(crate) fn from_jwk(jwk: &Jwk) -> Result<Option<Self>, ConfigError> {
        let Some(algorithm) = jwk.algorithm()? else { return Ok(None) };
        if !jwk.is_for("verify") {
            return Ok(None);
        }
        let suite = suite(algorithm)?;
        let mut key = match suite {
            Suite::Hmac(_) => Self::from_secret(&Jwk::secret("jwk.k", jwk.k.as_ref())?, algorithm)?,
            Suite::Ecdsa(curve) => {
                let coordinate = |member, text: &Option<String>| {
                    Jwk::bytes(member, text.as_deref()).and_then(|bytes| match bytes.len() {
                        length if length == curve.coordinate_length() => Ok(bytes),
                        _ => Err(ConfigError::new(
                            member,
                            "the coordinate does not have the length that the curve requires",
                            "export the key again",
                        )),
                    })
                };
                let point = [&[4], &*coordinate("jwk.x", &jwk.x)?, &*coordinate("jwk.y", &jwk.y)?].concat();
                Self::from_public(None, algorithm, suite, &point)?
            }
            Suite::Ed25519 => {
                let point = Jwk::bytes("jwk.x", jwk.x.as_deref())?;
                Self::from_public(None, algorithm, suite, &point)?
            }
            Suite::Rsa(..) => {
                let n = Jwk::bytes("jwk.n", jwk.n.as_deref())?;
                let e = Jwk::bytes("jwk.e", jwk.e.as_deref())?;
                let components = RsaPublicKeyComponents { n: &n, e: &e };
                let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(&components)
                    .map_err(|_| public_key_error())?;
                Self::from_public(None, algorithm, suite, der.as_ref())?
            }
        };
        key.id = match jwk.kid.as_deref() {
            None => None,
            Some(kid) => Some(KeyId::new(kid).ok_or_else(|| {
                ConfigError::new("jwk.kid", "a `kid` must have 1 to 255 bytes", "change or remove the `kid`")
            })?),
        };
        Ok(Some(key))
    }

    /// A public key in SPKI DER, or in the raw form that aws-lc accepts for the algorithm (point, PKCS#1).
    pub(crate) fn from_public(
        id: Option<KeyId>,
        algorithm: Algorithm,
        suite: Suite,
        bytes: &[u8],
    ) -> Result<Self, ConfigError> {
        let (key, public) = match suite {
            Suite::Hmac(_) => return Err(hmac_refused()),
            Suite::Rsa(_, verification) => {
                let key = ParsedPublicKey::new(verification, bytes).map_err(|_| public_key_error())?;
                let public = rsa_parameters(&key)?;
                (key, public)
            }
            Suite::Ecdsa(curve) => {
                let key =
                    ParsedPublicKey::new(curve.verification(), bytes).map_err(|_| public_key_error())?;
                let public = ec_parameters(curve, &key)?;
                (key, public)
            }
            Suite::Ed25519 => {
                let key = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| public_key_error())?;
                let public = PublicParameters::ed25519(last(key.as_ref(), 32)?);
                (key, public)
            }
        };
        let fingerprint = sha256(public.thumbprint().as_bytes());
        Ok(Self {
            id,
            algorithm,
            material: Arc::new(Material::Public(key)),
            public: Some(public),
            fingerprint,
        })
    }

    /// The same key with another `kid`.
    #[must_use]
    pub fn with_id(mut self, id: KeyId) -> Self {
        self.id = Some(id);
        self
    }

    /// The `kid` by which tokens name the key.
    pub const fn id(&self) -> Option<&KeyId> {
        self.id.as_ref()
    }

    /// The algorithm of the key.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key as a public JWK; `None` for an HMAC secret.
    pub(super) fn public_jwk(&self) -> Option<PublicJwk> {
        let kid = self.id.as_ref().map(KeyId::as_str);
        self.public.clone().map(|parameters| PublicJwk::new(parameters, kid, self.algorithm))
    }

    /// The SHA-256 thumbprint of a public key (RFC 7638) in base64url; `None` for an HMAC secret, because its
    /// thumbprint would help to guess it.
    pub fn thumbprint(&self) -> Option<String> {
        self.public.as_ref().map(PublicParameters::thumbprint)
    }

    pub(crate) fn is_symmetric(&self) -> bool {
        matches!(*self.material, Material::Hmac(_))
    }

    /// A hash that is equal for two keys with the same material, whatever their `kid` and algorithm.
    pub(crate) const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Whether `signature` is a valid signature of `message` by this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &*self.material {
            Material::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Material::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// Shows the `kid` and the algorithm, never the key.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn rsa_parameters(key: &ParsedPublicKey) -> Result<PublicParameters, ConfigError> {
    let der = key.as_der().map_err(|_| public_key_error())?;
    let public = rsa::PublicKey::from_der(der.as_ref()).map_err(|_| public_key_error())?;
    let components = RsaPublicKeyComponents::<Vec<u8>>::from(&public);
    if public.modulus_len() < 256 {
        return Err(public_key_error());
    }
    Ok(PublicParameters::rsa(&components.n, &components.e))
}

fn ec_parameters(curve: Curve, key: &ParsedPublicKey) -> Result<PublicParameters, ConfigError> {
    let der = key.as_der().map_err(|_| public_key_error())?;
    let point = last(der.as_ref(), 1 + 2 * curve.coordinate_length())?;
    PublicParameters::ec(curve, point).ok_or_else(public_key_error)
}

/// The last bytes of an SPKI, which are the key itself.
fn last(bytes: &[u8], count: usize) -> Result<&[u8], ConfigError> {
    bytes.len().checked_sub(count).and_then(|start| bytes.get(start..)).ok_or_else(public_key_error)
}

fn public_key_error() -> ConfigError {
    ConfigError::new(
        "public key",
        "not a public key for this algorithm (RSA: 2048 to 8192 bits, ES256: curve P-256, ES384: curve P-384)",
        "export it with `openssl pkey -pubout`, or correct the algorithm",
    )
}
