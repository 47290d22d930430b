//! Every parser of client input, with random input: none panics, none takes time or memory out of proportion to
//! its input, and what is written is read back unchanged.

mod cost;
mod input;
mod requests;
mod round_trips;
mod texts;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Tries that many inputs.
fn for_all<S: Strategy>(cases: u32, inputs: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    auth_tests::watch_this_test();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config).run(&inputs, test).unwrap_or_else(|failure| panic!("{failure}"));
}
