//! Refresh tokens: their form, the pure rule of their rotation, and the rotation against a store.

mod family;
mod pepper;
mod policy;
mod rotate;
mod token;

pub use family::{
    Decision, Delivery, Evidence, FamilyWrite, Presentation, Verdict, decide, deliver, is_late,
};
pub use pepper::{Pepper, Peppers};
pub use policy::{Pair, Pairing, RotationPolicy, Sharing};
pub use rotate::{Refresh, RefreshError, Rotated};
pub use token::{ParseTokenError, ParsedToken, RefreshToken};
