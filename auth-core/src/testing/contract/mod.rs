//! The contract of [`store`](crate::store), one function a rule: each takes a [`World`] with an empty store and panics
//! if it breaks the rule. [`store_contract!`](crate::store_contract) makes a test of each.
//!
//! The rules are in areas, so that a store that is being written can run those that it is ready for. Some rules of an
//! area need other calls too; they are functions that can be called one by one.
//!
//! Each rule compares with times that the store answered, never with a clock of its own, so that a store may measure with
//! its server's clock, moved by an offset.

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a rule that is broken panics: that is how tests say so"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::store::Store;

pub mod claims;
pub mod creation;
pub mod documents;
pub mod ending;
pub mod families;
mod fixture;
pub mod limits;
pub mod listing;
pub mod liveness;
pub mod log;
pub mod purge;
pub mod realms;
pub mod restored;
pub mod restoring;
pub mod rotation;
mod rules;
pub mod sessions;
pub mod signing_out;
pub mod standing;
pub mod tickets;
pub mod time;
pub mod uses;
pub mod write_back;

/// A store that is empty at first, and its clock.
pub trait World: Send + Sync + 'static {
    /// The store; the same one each time.
    fn store(&self) -> Arc<dyn Store>;

    /// Moves the store's clock on. It may run by itself as well.
    fn advance(&self, by: Duration);

    /// Sets the store's clock back.
    fn step_back(&self, by: Duration);
}

/// A world whose store can lose what was written, as in a restore or a lossy failover.
#[async_trait]
pub trait Restorable: World {
    /// Makes a copy of everything in the store, in place of an earlier one.
    async fn copy(&self);

    /// Puts the copy in the place of everything. Nodes go on with the same store.
    async fn restore(&self);

    /// Deletes everything.
    async fn empty(&self);
}
