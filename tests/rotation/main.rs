//! Rotation of refresh tokens: the rule against its model, each case of it in memory and in SQLite, and the endpoint as a
//! client sees it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, and the helpers of tests, fail by panicking"
)]

mod at_once;
mod body;
mod claims;
mod confirmation;
mod cookie;
mod forged;
mod lost;
mod pairing;
mod peppers;
mod racing;
mod restored;
mod rule;
mod sharing;
mod table;
