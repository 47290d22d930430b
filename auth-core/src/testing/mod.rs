//! What tests of an application, and of a store, need. With the feature `testing`.

mod clock;
pub mod contract;

pub use crate::store_contract;
pub use clock::ManualClock;
