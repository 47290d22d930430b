//! What a token is thrown at: the verifier alone, which says why it refuses, and a shop, which does not.

use std::time::Duration;

use auth_core::__private::{Expected, Verifier};
use auth_core::clock::Timestamp;
use auth_core::jwt::VerifyError;
use auth_core::jwt::{Algorithm, KeySet};
use auth_tests::{Answer, Call, Forger, NOW, Shop, ShopUser, problem};
use http::header::AUTHORIZATION;

/// One key, a shop that trusts it, and the verifier alone.
pub(crate) struct Target {
    pub(crate) forger: Forger,
    pub(crate) shop: Shop,
    pub(crate) keys: KeySet,
    pub(crate) verifier: Verifier<ShopUser>,
}

impl Target {
    pub(crate) async fn new(algorithm: Algorithm) -> Self {
        let forger = Forger::new(algorithm);
        let key = forger.signing_key().verifying_key().clone();
        let shop = Shop::new(forger.ring()).await;
        Self { shop, keys: KeySet::new([key]).unwrap(), verifier: verifier(), forger }
    }

    /// The verifier says why; the caller of the API only learns that the token is not valid, however often it asks.
    pub(crate) async fn refuses(&self, row: &str, token: &str, because: VerifyError) {
        self.verifier_refuses(row, token.as_bytes(), because);
        for _ in 0..2 {
            self.present(token).await.assert_is(&problem::invalid_token(), row);
        }
    }

    /// As [`refuses`](Self::refuses), for what is not even the form of a bearer token (RFC 6750 section 2.1).
    pub(crate) async fn refuses_the_request(&self, row: &str, token: &str, because: VerifyError) {
        self.verifier_refuses(row, token.as_bytes(), because);
        self.present(token).await.assert_is(&problem::malformed(), row);
    }

    /// As [`refuses`](Self::refuses), and any JWS of that header is refused for the same reason.
    pub(crate) async fn refuses_any_jws(&self, row: &str, token: &str, because: VerifyError) {
        self.jws_refuses(row, token.as_bytes(), because);
        self.refuses(row, token, because).await;
    }

    pub(crate) fn verifier_refuses(&self, row: &str, token: &[u8], because: VerifyError) {
        let refused = self.verifier.verify(&self.keys, token, NOW).map(|_| "accepted");
        assert_eq!(refused, Err(because), "{row}");
    }

    pub(crate) fn jws_refuses(&self, row: &str, token: &[u8], because: VerifyError) {
        assert_eq!(self.keys.verify_jws(token), Err(because), "{row}");
    }

    /// Refuses at that time, or accepts with `None`; alone and in the shop.
    pub(crate) async fn at(&self, row: &str, now: Timestamp, token: &str, because: Option<VerifyError>) {
        let verified = self.verifier.verify(&self.keys, token.as_bytes(), now).map(|_| ());
        assert_eq!(verified, because.map_or(Ok(()), Err), "{row}");
        self.shop.clock.set(now);
        let answer = self.present(token).await;
        match because {
            None => answer.assert_ok("7 by jwt", row),
            Some(_) => answer.assert_is(&problem::invalid_token(), row),
        }
    }

    pub(crate) async fn accepts(&self, row: &str, token: &str) {
        let accepted = self.verifier.verify(&self.keys, token.as_bytes(), NOW);
        assert_eq!(accepted.map(|verified| verified.subject().to_string()), Ok("7".to_owned()), "{row}");
        self.present(token).await.assert_ok("7 by jwt", row);
    }

    pub(crate) async fn present(&self, token: &str) -> Answer {
        Call::get("/me").header(AUTHORIZATION, format!("Bearer {token}")).send(&self.shop.app).await
    }
}

pub(crate) fn verifier() -> Verifier<ShopUser> {
    Verifier::new(Expected {
        issuer: "https://shop.example".to_owned(),
        audience: "shop".to_owned(),
        realm: None,
        leeway: Duration::ZERO,
        max_length: 8 * 1024,
    })
}
