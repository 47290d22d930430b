//! Token form and algorithm: what an attacker can do to a token without the key, and what an honest key must not sign.

#[path = "hostile_token/algorithm.rs"]
mod algorithm;
mod common;
#[path = "hostile_token/form.rs"]
mod form;
#[path = "hostile_token/json.rs"]
mod json;
#[path = "hostile_token/signature.rs"]
mod signature;

use std::time::Duration;

use auth_core::key::{Algorithm, KeySet};
use auth_core::verify::{Expected, Verifier, VerifyError};
use auth_tests::ShopUser;
use common::forge::Forger;
use common::http::{Answer, Call};
use common::shop::Shop;
use common::{NOW, answers};
use http::header::AUTHORIZATION;

/// One key, a shop that trusts it, and the verifier alone.
struct Target {
    forger: Forger,
    shop: Shop,
    keys: KeySet,
    verifier: Verifier<ShopUser>,
}

impl Target {
    async fn new(algorithm: Algorithm) -> Self {
        let forger = Forger::new(algorithm);
        let key = forger.signing_key().verifying_key().clone();
        let shop = Shop::new(forger.ring()).await;
        Self { shop, keys: KeySet::new([key]).unwrap_or_else(|error| unreachable!("{error}")), verifier: verifier(), forger }
    }

    /// The verifier says why; the caller of the API only learns that the token is not valid, however often it asks.
    async fn refuses(&self, row: &str, token: &str, because: VerifyError) {
        self.verifier_refuses(row, token.as_bytes(), because);
        for _ in 0..2 {
            self.present(token).await.assert_is(&answers::invalid_token(), row);
        }
    }

    /// As [`refuses`](Self::refuses), for what is not even the form of a bearer token (RFC 6750 section 2.1).
    async fn refuses_the_request(&self, row: &str, token: &str, because: VerifyError) {
        self.verifier_refuses(row, token.as_bytes(), because);
        self.present(token).await.assert_is(&answers::malformed(), row);
    }

    /// As [`refuses`](Self::refuses), and any JWS of that header is refused for the same reason.
    async fn refuses_any_jws(&self, row: &str, token: &str, because: VerifyError) {
        self.jws_refuses(row, token.as_bytes(), because);
        self.refuses(row, token, because).await;
    }

    fn verifier_refuses(&self, row: &str, token: &[u8], because: VerifyError) {
        let refused = self.verifier.verify(&self.keys, token, NOW).map(|_| "accepted");
        assert_eq!(refused, Err(because), "{row}");
    }

    fn jws_refuses(&self, row: &str, token: &[u8], because: VerifyError) {
        assert_eq!(self.keys.verify_jws(token), Err(because), "{row}");
    }

    async fn accepts(&self, row: &str, token: &str) {
        let accepted = self.verifier.verify(&self.keys, token.as_bytes(), NOW);
        assert_eq!(accepted.map(|verified| verified.subject().to_string()), Ok("7".to_owned()), "{row}");
        self.present(token).await.assert_ok("7 by jwt", row);
    }

    async fn present(&self, token: &str) -> Answer {
        Call::get("/me").header(AUTHORIZATION, format!("Bearer {token}")).send(&self.shop.app).await
    }
}

fn verifier() -> Verifier<ShopUser> {
    Verifier::new(Expected {
        issuer: "https://shop.example".to_owned(),
        audience: "shop".to_owned(),
        leeway: Duration::ZERO,
        max_length: 8 * 1024,
    })
}

#[tokio::test]
async fn the_forgers_honest_tokens_are_accepted_for_every_algorithm() {
    for algorithm in common::forge::ALGORITHMS {
        let target = Target::new(algorithm).await;
        target.accepts(target.forger.alg(), &target.forger.honest()).await;
    }
}
