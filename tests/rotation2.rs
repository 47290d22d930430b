//! Rotation of refresh tokens: the rule against its model in every state, and the rotation against a store.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, and the helpers of tests, fail by panicking"
)]

mod rotation2 {
    mod burst;
    mod clocks;
    mod every_state;
    mod forge;
    mod gated;
    mod hostile;
    mod model;
    mod schedules;
    mod support;
    mod walks;
}
