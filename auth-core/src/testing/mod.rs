//! Tools for tests of applications and of stores. Requires the feature `testing`.
//!
//! [`ManualClock`] is a clock that a test moves. [`store_contract!`](crate::store_contract) tests a store against the
//! contract of [`store`](crate::store).
//!
//! ```
//! use std::time::Duration;
//!
//! use auth_core::clock::{Clock as _, Timestamp};
//! use auth_core::store::memory::MemoryStore;
//! use auth_core::testing::ManualClock;
//!
//! let start = Timestamp::from_seconds(1_800_000_000);
//! let clock = ManualClock::new(start);
//! // The store and the authenticator of a test get the same clock.
//! let store = MemoryStore::with_clock(clock.clone());
//!
//! clock.advance(Duration::from_secs(60));
//! assert_eq!(clock.now().since(start), Duration::from_secs(60));
//! # let _ = store;
//! ```

mod clock;
pub mod contract;

pub use crate::store_contract;
pub use clock::ManualClock;
