//! Token form and algorithm: what an attacker can do to a token without the key, and what an honest key must not sign.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics says so")]

#[path = "hostile_token/algorithm.rs"]
mod algorithm;
mod common;
#[path = "hostile_token/form.rs"]
mod form;
#[path = "hostile_token/json.rs"]
mod json;
#[path = "hostile_token/signature.rs"]
mod signature;

use common::forge::ALGORITHMS;
use common::target::Target;

#[tokio::test]
async fn the_forgers_honest_tokens_are_accepted_for_every_algorithm() {
    for algorithm in ALGORITHMS {
        let target = Target::new(algorithm).await;
        target.accepts(target.forger.alg(), &target.forger.honest()).await;
    }
}
