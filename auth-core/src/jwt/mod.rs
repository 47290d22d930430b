//! JSON Web Tokens: keys, signatures, and access tokens read, verified and written (RFC 7515, 7517, 7519, 9068).
//!
//! A key carries exactly one algorithm, is parsed once, and can do one thing: sign or verify. Nothing here does I/O but
//! reading key files.

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
pub use jwk::{JwkSet, PublicJwk};
pub use ring::KeyRing;
pub use set::KeySet;
pub use signing::SigningKey;
pub(crate) use verifier::{Expected, Verified, Verifier, check_time, read_claims};
pub use verifying::VerifyingKey;
