//! Refresh tokens: their form, the pure state machine of their rotation, and the rotation against a store.

mod family;
mod pepper;
mod rotate;
mod token;

pub use family::{Pair, Presentation, Verdict, decide};
pub use pepper::{Pepper, Peppers};
pub use rotate::{Pairing, RefreshError, Rotated, RotationPolicy, rotate};
pub use token::{ParsedToken, RefreshToken};
