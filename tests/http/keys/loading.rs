//! What is wrong with a key is said when it is loaded.

use auth_core::id::KeyId;
use auth_core::jwt::{Algorithm, KeyRing, KeySet, SigningKey, VerifyingKey};
use auth_tests::Forger;
use auth_tests::forge::{ALGORITHMS, encode};
use serde_json::{Value, json};

fn key(forger: &Forger) -> VerifyingKey {
    forger.signing_key().verifying_key().clone()
}

fn jwks(keys: &[Value]) -> Result<KeySet, auth_core::ConfigError> {
    KeySet::from_jwks_json(&json!({ "keys": keys }).to_string())
}

fn changed(jwk: &Value, member: &str, value: Value) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().insert(member.to_owned(), value);
    jwk
}

fn without(jwk: &Value, member: &str) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().remove(member);
    jwk
}

#[test]
fn two_keys_of_one_kid_are_refused() {
    let name = KeyId::new("2027").unwrap();
    let (first, second) = (Forger::new(Algorithm::ES256), Forger::new(Algorithm::EdDSA));
    let named = |forger: &Forger| forger.signing_key().with_id(name.clone());
    let verifying = |forger: &Forger| named(forger).verifying_key().clone();
    assert_eq!(KeySet::new([verifying(&first), verifying(&second)]).unwrap_err().field(), "keys");
    let (a, b) =
        (changed(&first.public_jwk(), "kid", json!("x")), changed(&second.public_jwk(), "kid", json!("x")));
    assert_eq!(jwks(&[a, b]).unwrap_err().field(), "keys");
    let ring = KeyRing::new(named(&first)).unwrap();
    assert_eq!(ring.add(verifying(&second)).unwrap_err().field(), "keys");
    assert_eq!(ring.sign_with(named(&second)).unwrap_err().field(), "keys");
    let still = serde_json::to_value(ring.public_jwks()).unwrap();
    assert_eq!(still["keys"].as_array().unwrap().len(), 1, "the ring is unchanged");
    assert_eq!(still["keys"][0]["crv"], "P-256");
}

#[test]
fn a_kid_has_1_to_255_bytes() {
    let jwk = Forger::new(Algorithm::ES256).public_jwk();
    for bad in [json!(""), json!("k".repeat(256))] {
        assert_eq!(jwks(&[changed(&jwk, "kid", bad)]).unwrap_err().field(), "jwk.kid");
    }
    for bad in [json!(1), json!([])] {
        assert_eq!(jwks(&[changed(&jwk, "kid", bad)]).unwrap_err().field(), "jwks");
    }
    assert!(jwks(&[changed(&jwk, "kid", json!("k".repeat(255)))]).is_ok());
    assert!(KeyId::new("").is_none() && KeyId::new(&"k".repeat(256)).is_none());
}

#[test]
fn a_key_for_another_purpose_is_ignored() {
    let good = Forger::new(Algorithm::ES256).public_jwk();
    let other = Forger::new(Algorithm::EdDSA).public_jwk();
    let rsa = Forger::new(Algorithm::RS256).public_jwk();
    for (row, key) in [
        ("use: enc", changed(&other, "use", json!("enc"))),
        ("use: ENC", changed(&other, "use", json!("ENC"))),
        ("use of its own", changed(&other, "use", json!("https://example/use"))),
        ("no operation", changed(&other, "key_ops", json!([]))),
        ("to encrypt", changed(&rsa, "key_ops", json!(["encrypt", "wrapKey"]))),
        ("to sign", changed(&other, "key_ops", json!(["sign"]))),
        ("RSA-OAEP", changed(&rsa, "alg", json!("RSA-OAEP"))),
        ("an algorithm nobody knows", changed(&other, "alg", json!("XYZ"))),
        ("none", changed(&other, "alg", json!("none"))),
        ("a kind nobody knows", json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA" })),
        ("X25519", json!({ "kty": "OKP", "crv": "X25519", "x": encode([9; 32]) })),
        ("Ed448", json!({ "kty": "OKP", "crv": "Ed448", "x": encode([9; 57]) })),
        ("secp256k1", json!({ "kty": "EC", "crv": "secp256k1", "x": encode([9; 32]), "y": encode([9; 32]) })),
        ("P-521", json!({ "kty": "EC", "crv": "P-521", "x": encode([9; 66]), "y": encode([9; 66]) })),
        ("ES256K", json!({ "kty": "EC", "crv": "P-256K", "alg": "ES256K", "x": "AA", "y": "AA" })),
    ] {
        let both = jwks(&[key.clone(), good.clone()]);
        assert_eq!(both.unwrap().keys().len(), 1, "{row}: passed over");
        assert_eq!(jwks(&[key]).unwrap_err().field(), "keys", "{row}: none is left");
    }
    for (row, key) in [
        ("use: sig", changed(&good, "use", json!("sig"))),
        ("without use", without(&good, "use")),
        ("to verify", changed(&good, "key_ops", json!(["verify"]))),
        ("with more members", changed(&good, "x5u", json!("http://127.0.0.1/"))),
    ] {
        assert_eq!(jwks(&[key]).unwrap().keys().len(), 1, "{row}");
    }
}

#[test]
fn a_curve_and_an_algorithm_that_disagree_are_refused() {
    let p256 = Forger::new(Algorithm::ES256).public_jwk();
    let p384 = Forger::new(Algorithm::ES384).public_jwk();
    let ed25519 = Forger::new(Algorithm::EdDSA).public_jwk();
    let rsa = Forger::new(Algorithm::RS256).public_jwk();
    let secret = json!({ "kty": "oct", "k": encode([7; 64]) });
    for (jwk, algs) in [
        (&p256, ["ES384", "EdDSA", "RS256", "HS256"]),
        (&p384, ["ES256", "EdDSA", "PS384", "HS384"]),
        (&ed25519, ["ES256", "ES384", "RS256", "HS512"]),
        (&rsa, ["ES256", "EdDSA", "HS256", "HS512"]),
        (&secret, ["ES256", "EdDSA", "RS256", "PS512"]),
    ] {
        for alg in algs {
            let error = jwks(&[changed(jwk, "alg", json!(alg))]).unwrap_err();
            assert_eq!(error.field(), "jwk.alg", "{} as {alg}", jwk["kty"]);
        }
    }
    for (row, jwk, field) in [
        ("the coordinates of the other curve", changed(&p256, "crv", json!("P-384")), "jwk.alg"),
        ("without alg", without(&changed(&p256, "crv", json!("P-384")), "alg"), "jwk.x"),
        ("a short coordinate", changed(&p256, "x", json!(encode([1; 31]))), "jwk.x"),
        ("a long coordinate", changed(&p256, "y", json!(encode([1; 33]))), "jwk.y"),
        ("no coordinate", without(&p256, "y"), "jwk.y"),
        ("not on the curve", changed(&p256, "x", json!(encode([1; 32]))), "public key"),
        (
            "the point at infinity",
            changed(&changed(&p256, "x", json!(encode([0; 32]))), "y", json!(encode([0; 32]))),
            "public key",
        ),
        ("a short point", changed(&ed25519, "x", json!(encode([1; 31]))), "public key"),
        (
            "padded base64",
            changed(&ed25519, "x", json!(format!("{}=", ed25519["x"].as_str().unwrap()))),
            "jwk.x",
        ),
        ("no modulus", without(&rsa, "n"), "jwk.n"),
        ("no exponent", without(&rsa, "e"), "jwk.e"),
        ("an even exponent", changed(&rsa, "e", json!("Ag")), "public key"),
        ("an exponent of one", changed(&rsa, "e", json!("AQ")), "public key"),
        ("no secret", without(&secret, "k"), "jwk.k"),
    ] {
        assert_eq!(jwks(&[jwk]).unwrap_err().field(), field, "{row}");
    }
}

#[test]
fn a_pem_of_another_kind_than_the_algorithm_is_refused() {
    for (of, with) in [
        (Algorithm::ES384, Algorithm::ES256),
        (Algorithm::ES256, Algorithm::ES384),
        (Algorithm::EdDSA, Algorithm::ES256),
        (Algorithm::RS256, Algorithm::ES256),
        (Algorithm::ES256, Algorithm::RS256),
        (Algorithm::ES256, Algorithm::EdDSA),
    ] {
        let forger = Forger::new(of);
        assert_eq!(
            SigningKey::from_pem(&forger.private, with).unwrap_err().field(),
            "private key",
            "{of:?} as {with:?}"
        );
        let public = VerifyingKey::from_pem(&forger.public_pem(), with);
        assert_eq!(public.unwrap_err().field(), "public key", "{of:?} as {with:?}");
    }
    let forger = Forger::new(Algorithm::ES256);
    assert!(
        VerifyingKey::from_pem(&forger.private, Algorithm::ES256).is_err(),
        "private where public is expected"
    );
    assert!(
        SigningKey::from_pem(&forger.public_pem(), Algorithm::ES256).is_err(),
        "public where private is expected"
    );
}

#[test]
fn what_is_no_key_set_is_refused() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[{}]}"#,
        "<!doctype html><title>502</title>",
        r#"{"error":"unavailable"}"#,
    ] {
        assert_eq!(KeySet::from_jwks_json(text).unwrap_err().field(), "jwks", "{text:?}");
    }
    assert_eq!(jwks(&[]).unwrap_err().field(), "keys", "an empty set");
    assert_eq!(KeySet::new([]).unwrap_err().field(), "keys", "an empty set");
}

#[test]
fn a_private_jwk_whose_halves_disagree_is_refused() {
    let (a, b) = (private_jwk(Algorithm::EdDSA), private_jwk(Algorithm::EdDSA));
    assert!(SigningKey::from_jwk_json(&a.to_string()).is_ok());
    let mixed = changed(&a, "x", b["x"].clone());
    assert_eq!(SigningKey::from_jwk_json(&mixed.to_string()).unwrap_err().field(), "private key");
    let for_encryption = changed(&a, "use", json!("enc"));
    assert_eq!(SigningKey::from_jwk_json(&for_encryption.to_string()).unwrap_err().field(), "private key");
    let only_verifies = changed(&a, "key_ops", json!(["verify"]));
    assert_eq!(SigningKey::from_jwk_json(&only_verifies.to_string()).unwrap_err().field(), "private key");
    let public = without(&a, "d");
    assert_eq!(SigningKey::from_jwk_json(&public.to_string()).unwrap_err().field(), "jwk.d");
}

/// An Ed25519 key in PKCS#8 ends with its seed, or has the public key behind it.
fn private_jwk(algorithm: Algorithm) -> Value {
    let forger = Forger::new(algorithm);
    let der = decode_pem(&forger.private);
    let seed = &der[16..48];
    changed(&forger.public_jwk(), "d", json!(encode(seed)))
}

fn decode_pem(pem: &str) -> Vec<u8> {
    use base64::Engine as _;

    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

#[test]
fn every_algorithm_signs_and_verifies_what_it_signed() {
    for algorithm in ALGORITHMS {
        let signing = SigningKey::generate(algorithm).unwrap();
        let verifying = signing.verifying_key().clone();
        assert_eq!(verifying.algorithm(), algorithm);
        let kid = verifying.id().unwrap();
        let alg = auth_tests::forge::name(algorithm);
        let message =
            format!("{}.{}", encode(format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#)), encode("payload"));
        let signature = signing.sign(message.as_bytes()).unwrap();
        let keys = KeySet::new([verifying]).unwrap();
        let token = format!("{message}.{}", encode(signature));
        assert_eq!(keys.verify_jws(token.as_bytes()), Ok(b"payload".to_vec()), "{alg}");
        let other = SigningKey::generate(algorithm).unwrap();
        assert_ne!(other.verifying_key().id(), signing.verifying_key().id(), "{alg}: each key is new");
    }
}

#[test]
fn a_published_key_set_verifies_what_its_ring_signed() {
    for algorithm in
        [Algorithm::RS256, Algorithm::PS384, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]
    {
        let forger = Forger::new(algorithm);
        let published = serde_json::to_string(&forger.ring().public_jwks()).unwrap();
        let keys = KeySet::from_jwks_json(&published).unwrap();
        assert!(keys.verify_jws(forger.honest().as_bytes()).is_ok(), "{algorithm:?}");
        assert_eq!(keys.keys()[0].id(), key(&forger).id());
        let from_pem = VerifyingKey::from_pem(&forger.public_pem(), algorithm).unwrap();
        assert_eq!(from_pem.thumbprint(), keys.keys()[0].thumbprint());
    }
}
