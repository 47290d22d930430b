//! Refresh tokens: their form, the pure rule of their rotation, and the rotation against a store.

pub(crate) mod family;
mod pepper;
pub(crate) mod policy;
pub(crate) mod rotate;
pub(crate) mod token;

pub(crate) use family::{Evidence, Verdict};
pub use pepper::{Pepper, Peppers};
pub(crate) use policy::{Pair, Pairing, RotationPolicy, Sharing};
pub(crate) use rotate::{Refresh, RotateError, Rotated};
pub(crate) use token::{ParseTokenError, ParsedToken, RefreshToken};
