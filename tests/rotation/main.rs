//! Rotation of refresh tokens: the model and the rule, every row of the table in section 6 of the design over both
//! stores, and the endpoint as a client sees it.

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
