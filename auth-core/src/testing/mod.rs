//! What tests of an application, and of a store, need. With the feature `testing`.

mod clock;
pub mod contract;
pub mod contract2;

pub use crate::store_contract;
pub use crate::store_contract2;
pub use clock::ManualClock;
