//! JSON Web Tokens: keys, signatures, and access tokens: reading, verifying and issuing them (RFC 7515, 7517, 7519,
//! 9068).
//!
//! A key has exactly one algorithm, is parsed once, and either signs or verifies. Nothing in this module does I/O
//! except
//! the functions that read key files.
//!
//! [`KeyRing`] contains the keys of an application, which it passes to
//! [`Builder::keys`](crate::login::Builder::keys). [`KeySet`] verifies signed data of other issuers.
//!
//! ```
//! use auth_core::id::KeyId;
//! use auth_core::jwt::{Algorithm, KeyRing, SigningKey};
//!
//! let first = SigningKey::generate(Algorithm::ES256)?;
//! let old = first.verifying_key().id().cloned().ok_or("a generated key has a `kid`")?;
//! let keys = KeyRing::new(first)?;
//!
//! // To rotate the key, publish the next one first, …
//! let next = SigningKey::generate(Algorithm::EdDSA)?.with_id(KeyId::new("2027-01").ok_or("1 to 255 bytes")?);
//! keys.add(next.verifying_key().clone())?;
//! let published = serde_json::to_value(keys.public_jwks())?;
//! assert_eq!(published["keys"].as_array().map(Vec::len), Some(2));
//!
//! // … sign with it when everybody has fetched it, …
//! keys.sign_with(next)?;
//!
//! // … and retire the old one when the last token that it signed has expired.
//! keys.retire(&old)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Signed data that is not an access token, for example a webhook, is verified with [`KeySet::verify_jws`].

mod algorithm;
mod error;
mod file;
mod issue;
mod jwk;
mod jws;
pub(crate) mod registered;
mod ring;
mod set;
mod signing;
pub(crate) mod verifier;
mod verifying;

pub use error::VerifyError;
pub(crate) use issue::{IssuedToken, write_claims};
pub use jsonwebtoken::Algorithm;
pub use ring::KeyRing;
pub use set::KeySet;
pub use signing::SigningKey;
pub(crate) use verifier::{Expected, Verified, Verifier, check_time, read_claims};
pub use verifying::VerifyingKey;
