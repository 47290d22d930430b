//! What the tests of the shop share: the program as its users start it, and a client that takes answers apart.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

pub(crate) mod answer;
pub(crate) mod build;
pub(crate) mod call;
pub(crate) mod database;
pub(crate) mod remote;
pub(crate) mod shop;

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The longest that anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer; fails after [`PATIENCE`].
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
