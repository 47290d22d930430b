//! Stores: each keeps the contract, the contract notices stores that do not, memory and SQLite are one, and what an SQLite
//! file does beyond that.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, and the helpers of tests, fail by panicking"
)]

mod broken;
mod contract;
mod differential;
mod sqlite;
