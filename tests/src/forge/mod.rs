//! Tokens made by hand: access tokens that no honest issuer would sign, and refresh tokens as whoever has the pepper could
//! make them.

mod claims;
mod key;
mod refresh;

pub use claims::{claims, claims_and, claims_with, claims_with_text, claims_without};
pub use key::{ALGORITHMS, Forger, decode, encode, name, pem};
pub use refresh::{Forged, PEPPER, pepper, peppers};
