//! A ring's keys come and go while tokens are out.

use std::sync::Arc;

use auth_core::jwt::{Algorithm, KeySet, SigningKey, VerifyingKey};
use auth_tests::{Call, Forger, Shop, problem};

fn key(forger: &Forger) -> VerifyingKey {
    forger.signing_key().verifying_key().clone()
}

#[tokio::test]
async fn a_key_is_added_signs_and_is_retired_without_a_token_lost_before_its_time() {
    let (old, new) = (Forger::new(Algorithm::ES256), Forger::new(Algorithm::EdDSA));
    let shop = Shop::new(old.ring()).await;
    let ring = shop.auth.keys();
    let first = shop.tokens(7).await.0;
    shop.me(&first).await.assert_ok("7 by jwt", "signed by the old key");
    shop.me(&new.honest()).await.assert_is(&problem::invalid_token(), "the new key is not known yet");

    ring.add(key(&new)).unwrap();
    shop.me(&new.honest()).await.assert_ok("7 by jwt", "known, and signs on another node");
    shop.me(&first).await.assert_ok("7 by jwt", "still known");
    assert_eq!(kids(&shop).await, [old.kid.as_str(), &new.kid]);
    assert_eq!(kid_of(&shop.tokens(7).await.0), old.kid, "it does not sign yet");

    ring.sign_with(new.signing_key()).unwrap();
    let second = shop.tokens(7).await.0;
    assert_eq!(kid_of(&second), new.kid);
    shop.me(&first).await.assert_ok("7 by jwt", "the one before still verifies");
    shop.me(&second).await.assert_ok("7 by jwt", "the new one");
    assert_eq!(kids(&shop).await.len(), 2);

    ring.retire(key(&old).id().unwrap()).unwrap();
    shop.me(&first).await.assert_is(&problem::invalid_token(), "cached a moment ago, and dead at once");
    shop.me(&second).await.assert_ok("7 by jwt", "the new one");
    assert_eq!(kids(&shop).await, [new.kid.as_str()]);
}

#[tokio::test]
async fn the_key_that_signs_is_not_retired_nor_one_that_is_not_there() {
    let forger = Forger::new(Algorithm::ES256);
    let shop = Shop::new(forger.ring()).await;
    let ring = shop.auth.keys();
    assert_eq!(ring.retire(key(&forger).id().unwrap()).unwrap_err().field(), "keys");
    let other = Forger::new(Algorithm::ES256);
    assert_eq!(ring.retire(key(&other).id().unwrap()).unwrap_err().field(), "keys");
    shop.me(&forger.honest()).await.assert_ok("7 by jwt", "unchanged");
}

#[tokio::test]
async fn signing_with_a_key_that_is_there_already_adds_it_no_second_time() {
    let (old, new) = (Forger::new(Algorithm::ES256), Forger::new(Algorithm::ES256));
    let shop = Shop::new(old.ring()).await;
    shop.auth.keys().add(key(&new)).unwrap();
    shop.auth.keys().sign_with(new.signing_key()).unwrap();
    shop.auth.keys().sign_with(old.signing_key()).unwrap();
    shop.auth.keys().sign_with(new.signing_key()).unwrap();
    assert_eq!(kids(&shop).await.len(), 2);
    shop.me(&old.honest()).await.assert_ok("7 by jwt", "old");
    shop.me(&new.honest()).await.assert_ok("7 by jwt", "new");
}

#[test]
fn of_changes_at_once_none_is_lost() {
    let ring = Forger::new(Algorithm::ES256).ring();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let ring = ring.clone();
            std::thread::spawn(move || {
                for _ in 0..8 {
                    ring.add(SigningKey::generate(Algorithm::EdDSA).unwrap().verifying_key().clone())
                        .unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let published = serde_json::to_value(ring.public_jwks()).unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 1 + 64);
}

/// Many threads verify while the set of known headers fills.
#[test]
fn a_key_set_is_shared_by_many_threads() {
    let forger = Forger::new(Algorithm::EdDSA);
    let keys = Arc::new(KeySet::new([key(&forger)]).unwrap());
    let tokens: Arc<Vec<String>> = Arc::new(
        (0..32)
            .map(|at| forger.sign(forger.header().replace('}', &format!(r#","x":{at}}}"#)), "payload"))
            .collect(),
    );
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (keys, tokens) = (keys.clone(), tokens.clone());
            std::thread::spawn(move || {
                for token in tokens.iter().chain(tokens.iter()) {
                    assert_eq!(keys.verify_jws(token.as_bytes()), Ok(b"payload".to_vec()));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

async fn kids(shop: &Shop) -> Vec<String> {
    let jwks = Call::get("/.well-known/jwks.json").send(&shop.app).await.value();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid_of(token: &str) -> String {
    let header = auth_tests::forge::decode(token.split('.').next().unwrap());
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}
