//! Signs any access token: headers and payloads that no honest issuer would make. With aws-lc directly, not with the code
//! under test.

use auth_core::jwt::{Algorithm, KeyRing, SigningKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::claims;
use crate::watch_this_test;

/// Every algorithm there is.
pub const ALGORITHMS: [Algorithm; 12] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Base64url.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Out of base64url.
pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A key pair or secret, its text for `auth-core`, and the public half in every form it is known in.
pub struct Forger {
    material: Material,
    algorithm: Algorithm,
    /// What the header names.
    pub kid: String,
    /// PEM, or a JWK for a secret.
    pub private: String,
    /// The HMAC secret, or SPKI DER.
    public_der: Vec<u8>,
    /// The point, or PKCS#1.
    public_raw: Vec<u8>,
}

enum Material {
    Hmac(Box<hmac::Key>),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Forger {
    /// A new key of that algorithm.
    pub fn new(algorithm: Algorithm) -> Self {
        watch_this_test();
        match algorithm {
            Algorithm::HS256 => Self::symmetric(algorithm, hmac::HMAC_SHA256),
            Algorithm::HS384 => Self::symmetric(algorithm, hmac::HMAC_SHA384),
            Algorithm::HS512 => Self::symmetric(algorithm, hmac::HMAC_SHA512),
            Algorithm::ES256 => Self::ecdsa(algorithm, &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => Self::ecdsa(algorithm, &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDSA => Self::ed25519(),
            Algorithm::RS256 => Self::rsa(algorithm, &signature::RSA_PKCS1_SHA256),
            Algorithm::RS384 => Self::rsa(algorithm, &signature::RSA_PKCS1_SHA384),
            Algorithm::RS512 => Self::rsa(algorithm, &signature::RSA_PKCS1_SHA512),
            Algorithm::PS256 => Self::rsa(algorithm, &signature::RSA_PSS_SHA256),
            Algorithm::PS384 => Self::rsa(algorithm, &signature::RSA_PSS_SHA384),
            Algorithm::PS512 => Self::rsa(algorithm, &signature::RSA_PSS_SHA512),
            other => panic!("{other:?} is not known here"),
        }
    }

    fn symmetric(algorithm: Algorithm, hash: hmac::Algorithm) -> Self {
        let mut secret = [0; 64];
        rand::fill(&mut secret).unwrap();
        let private = json!({ "kty": "oct", "alg": name(algorithm), "k": encode(secret) }).to_string();
        let material = Material::Hmac(Box::new(hmac::Key::new(hash, &secret)));
        Self::of(material, algorithm, private, secret.to_vec(), secret.to_vec())
    }

    fn rsa(algorithm: Algorithm, encoding: &'static dyn RsaEncoding) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref().to_vec();
        let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
        let raw = pair.public_key().as_ref().to_vec();
        Self::of(Material::Rsa(pair, encoding), algorithm, private_pem(&pkcs8), spki, raw)
    }

    fn ecdsa(algorithm: Algorithm, curve: &'static signature::EcdsaSigningAlgorithm) -> Self {
        let pair = EcdsaKeyPair::generate(curve).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
        let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
        let raw = pair.public_key().as_ref().to_vec();
        Self::of(Material::Ecdsa(pair), algorithm, private_pem(&pkcs8), spki, raw)
    }

    fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
        let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
        let raw = pair.public_key().as_ref().to_vec();
        Self::of(Material::Ed25519(pair), Algorithm::EdDSA, private_pem(&pkcs8), spki, raw)
    }

    fn of(
        material: Material,
        algorithm: Algorithm,
        private: String,
        public_der: Vec<u8>,
        public_raw: Vec<u8>,
    ) -> Self {
        let mut forger = Self { material, algorithm, kid: String::new(), private, public_der, public_raw };
        forger.kid = forger.signing_key().verifying_key().id().map(ToString::to_string).unwrap();
        forger
    }

    /// The same key for `auth-core`.
    pub fn signing_key(&self) -> SigningKey {
        match self.material {
            Material::Hmac(_) => SigningKey::from_jwk_json(&self.private).unwrap(),
            _ => SigningKey::from_pem(&self.private, self.algorithm).unwrap(),
        }
    }

    /// A ring of only this key.
    pub fn ring(&self) -> KeyRing {
        KeyRing::new(self.signing_key()).unwrap()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What the header calls the algorithm.
    pub fn alg(&self) -> &'static str {
        name(self.algorithm)
    }

    /// SPKI.
    pub fn public_der(&self) -> &[u8] {
        &self.public_der
    }

    /// The point, or PKCS#1.
    pub fn public_raw(&self) -> &[u8] {
        &self.public_raw
    }

    /// The public half as PEM.
    pub fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public_der)
    }

    /// The public JWK as `auth-core` publishes it.
    pub fn public_jwk(&self) -> Value {
        serde_json::to_value(self.ring().public_jwks()).unwrap()["keys"][0].clone()
    }

    /// The header of an honest access token.
    pub fn header(&self) -> String {
        format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{}"}}"#, self.alg(), self.kid)
    }

    /// The raw signature.
    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.material {
            Material::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Material::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Material::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Material::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// A token of these very segments, with a good signature over them.
    pub fn sign_segments(&self, header: &str, payload: &str) -> String {
        let message = format!("{header}.{payload}");
        let signature = encode(self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// A token with this header and payload, with a good signature over them.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_segments(&encode(header), &encode(payload))
    }

    /// A token with an honest header.
    pub fn token(&self, payload: impl AsRef<[u8]>) -> String {
        self.sign(self.header(), payload)
    }

    /// An honest token of user 7.
    pub fn honest(&self) -> String {
        self.token(claims().to_string())
    }
}

/// A PEM block.
pub fn pem(tag: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {tag}-----\n{}\n-----END {tag}-----\n", lines.join("\n"))
}

fn private_pem(pkcs8: &[u8]) -> String {
    pem("PRIVATE KEY", pkcs8)
}

/// What a header calls it.
pub fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HS256 => "HS256",
        Algorithm::HS384 => "HS384",
        Algorithm::HS512 => "HS512",
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::EdDSA => "EdDSA",
        other => panic!("{other:?} is not known here"),
    }
}

impl std::fmt::Debug for Forger {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Forger").field("kid", &self.kid).finish_non_exhaustive()
    }
}
