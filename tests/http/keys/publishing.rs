//! The published key set holds public keys and nothing else.

use auth_core::jwt::{Algorithm, KeyRing, KeySet};
use auth_tests::forge::ALGORITHMS;
use auth_tests::{Call, Forger, Shop};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};

/// The members that a key of that kind may have in public.
fn public_members(kty: &str) -> &'static [&'static str] {
    match kty {
        "EC" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
        "OKP" => &["alg", "crv", "kid", "kty", "use", "x"],
        "RSA" => &["alg", "e", "kid", "kty", "n", "use"],
        other => panic!("{other} is published"),
    }
}

fn assert_public(jwks: &Value, row: &str) {
    for jwk in jwks["keys"].as_array().unwrap() {
        let mut members: Vec<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, public_members(jwk["kty"].as_str().unwrap()), "{row}");
    }
}

#[tokio::test]
async fn the_key_set_has_no_private_member_and_no_secret_for_any_algorithm() {
    for algorithm in ALGORITHMS {
        let forger = Forger::new(algorithm);
        let shop = Shop::new(forger.ring()).await;
        let answer = Call::get("/.well-known/jwks.json").send(&shop.app).await;
        assert_eq!(answer.status.as_u16(), 200);
        assert_eq!(answer.header(CONTENT_TYPE), Some("application/json"));
        assert_eq!(answer.header(CACHE_CONTROL), Some("public, max-age=300"));
        let is_symmetric = forger.alg().starts_with("HS");
        let expected =
            if is_symmetric { json!({ "keys": [] }) } else { json!({ "keys": [forger.public_jwk()] }) };
        assert_eq!(answer.value(), expected, "{algorithm:?}");
        assert_public(&answer.value(), forger.alg());
    }
}

#[test]
fn generated_keys_are_published_by_their_public_half() {
    for algorithm in ALGORITHMS {
        let jwks = serde_json::to_value(KeyRing::generate(algorithm).unwrap().public_jwks()).unwrap();
        assert_public(&jwks, &format!("{algorithm:?}"));
    }
}

/// A set that contains private members by mistake: they are ignored, and not published.
#[test]
fn private_members_of_a_key_set_do_not_come_out_again() {
    let mut jwk = Forger::new(Algorithm::ES256).public_jwk();
    let mut rsa = Forger::new(Algorithm::RS256).public_jwk();
    for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        for key in [&mut jwk, &mut rsa] {
            key.as_object_mut().unwrap().insert(member.to_owned(), json!("c2VjcmV0LW1lbWJlcg"));
        }
    }
    let keys = KeySet::from_jwks_json(&json!({ "keys": [jwk, rsa] }).to_string()).unwrap();
    let published = serde_json::to_value(keys.public_jwks()).unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
    assert_public(&published, "with private members");
    assert!(!format!("{keys:?}{published}").contains("c2VjcmV0"));
}

#[test]
fn a_set_of_secrets_publishes_nothing() {
    let (a, b) = (Forger::new(Algorithm::HS256), Forger::new(Algorithm::HS512));
    let keys = [&a, &b].map(|forger| forger.signing_key().verifying_key().clone());
    for key in &keys {
        assert!(key.thumbprint().is_none());
    }
    let set = KeySet::new(keys).unwrap();
    assert_eq!(serde_json::to_string(&set.public_jwks()).unwrap(), r#"{"keys":[]}"#);
}
