//! Token form and algorithm: what an attacker can do to a token without the key, and what an honest key must not sign.

use auth_tests::forge::ALGORITHMS;

use crate::target::Target;

mod algorithm;
mod form;
mod json;
mod signature;

#[tokio::test]
async fn the_forgers_honest_tokens_are_accepted_for_every_algorithm() {
    for algorithm in ALGORITHMS {
        let target = Target::new(algorithm).await;
        target.accepts(target.forger.alg(), &target.forger.honest()).await;
    }
}
