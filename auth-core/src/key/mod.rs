//! Keys. A key carries exactly one algorithm, is parsed once, and can do one thing: sign or verify.

mod algorithm;
mod file;
mod jwk;
mod ring;
mod set;
mod signing;
mod verifying;

pub use jsonwebtoken::Algorithm;
pub(crate) use jwk::algorithm_name;
pub use jwk::{JwkSet, PublicJwk};
pub use ring::KeyRing;
pub use set::KeySet;
pub use signing::SigningKey;
pub use verifying::VerifyingKey;
