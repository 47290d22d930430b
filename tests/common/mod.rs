//! What the hostile tests share: a small shop to attack, a kit to forge tokens with, and exact answers to expect.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

pub(crate) mod answers;
pub(crate) mod faulty;
pub(crate) mod forge;
pub(crate) mod http;
pub(crate) mod shop;
pub(crate) mod target;

use auth_core::clock::Timestamp;

/// When the tests take place: 2027-01-15T08:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
