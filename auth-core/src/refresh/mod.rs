//! Refresh tokens: their form, the pure state machine of their rotation, and the rotation against a store.

mod family;
mod pepper;
mod rotate;
mod token;

pub use family::{Presentation, Presented, present};
pub use pepper::{Pepper, Peppers};
pub(crate) use rotate::theft;
pub use rotate::{RefreshError, Rotated, RotationPolicy, rotate};
pub use token::{ParsedToken, RefreshToken};
