//! From the bytes of a token to claims that hold: one pass, no I/O.

mod error;
pub(crate) mod jws;
mod token;

pub use error::VerifyError;
pub(crate) use jws::HeaderPurpose;
pub use token::{Expected, Verified, Verifier};
pub(crate) use token::{check_time, parse};
