//! `alg`: none, another one, and the public key as an HMAC secret.

use auth_core::jwt::VerifyError;
use auth_core::jwt::{Algorithm, KeySet, SigningKey, VerifyingKey};
use auth_tests::Forger;
use auth_tests::forge::{claims, encode, name};
use aws_lc_rs::hmac;

use crate::target::Target;

fn hmac_token(hash: hmac::Algorithm, secret: &[u8], header: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(hash, secret), message.as_bytes());
    format!("{message}.{}", encode(tag))
}

#[tokio::test]
async fn alg_none_in_any_spelling_is_refused_with_and_without_a_signature() {
    let target = Target::new(Algorithm::ES256).await;
    let kid = &target.forger.kid;
    let payload = encode(claims().to_string());
    for alg in
        ["none", "None", "NONE", "nOnE", "HS256 ", " ES256", "ES256 ", "es256", "Es256", "ES256\\u0000", ""]
    {
        for header in [
            format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#),
        ] {
            let good_signature = target.forger.sign(&header, claims().to_string());
            target.refuses_any_jws(&header, &good_signature, VerifyError::AlgorithmMismatch).await;
            let unsigned = format!("{}.{payload}.", encode(&header));
            target.refuses_any_jws(&header, &unsigned, VerifyError::Malformed).await;
            let junk = format!("{}.{payload}.{}", encode(&header), encode("junk"));
            target.refuses_any_jws(&header, &junk, VerifyError::AlgorithmMismatch).await;
        }
    }
}

#[tokio::test]
async fn alg_missing_or_no_string_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let kid = &target.forger.kid;
    for alg in
        ["", r#""alg":null,"#, r#""alg":256,"#, r#""alg":["ES256"],"#, r#""alg":{},"#, r#""Alg":"ES256","#]
    {
        let header = format!(r#"{{{alg}"typ":"at+jwt","kid":"{kid}"}}"#);
        let token = target.forger.sign(&header, claims().to_string());
        target.refuses_any_jws(&header, &token, VerifyError::Malformed).await;
    }
}

#[tokio::test]
async fn a_public_key_is_never_an_hmac_secret_in_whatever_form() {
    let hashes = [
        (Algorithm::HS256, hmac::HMAC_SHA256),
        (Algorithm::HS384, hmac::HMAC_SHA384),
        (Algorithm::HS512, hmac::HMAC_SHA512),
    ];
    for algorithm in
        [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]
    {
        let target = Target::new(algorithm).await;
        let pem = target.forger.public_pem();
        let jwk = target.forger.public_jwk().to_string();
        let secrets: [(&str, &[u8]); 6] = [
            ("PEM", pem.as_bytes()),
            ("PEM without its last line break", pem.trim_end().as_bytes()),
            ("DER", target.forger.public_der()),
            ("raw", target.forger.public_raw()),
            ("JWK", jwk.as_bytes()),
            ("kid", target.forger.kid.as_bytes()),
        ];
        for (form, secret) in secrets {
            for (symmetric, hash) in hashes {
                let row = format!("{} key as {form} for {}", target.forger.alg(), name(symmetric));
                let kid = &target.forger.kid;
                let named = format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{kid}"}}"#, name(symmetric));
                let token = hmac_token(hash, secret, &named);
                target.refuses_any_jws(&row, &token, VerifyError::AlgorithmMismatch).await;
                let unnamed = format!(r#"{{"alg":"{}","typ":"at+jwt"}}"#, name(symmetric));
                let token = hmac_token(hash, secret, &unnamed);
                target.refuses_any_jws(&row, &token, VerifyError::AlgorithmMismatch).await;
                let honest_header = target.forger.header();
                let token = hmac_token(hash, secret, &honest_header);
                target.refuses_any_jws(&row, &token, VerifyError::SignatureMismatch).await;
            }
        }
    }
}

#[test]
fn of_a_jwk_without_alg_the_kind_decides_and_not_the_header() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let forger = Forger::new(algorithm);
        let mut jwk = forger.public_jwk();
        jwk.as_object_mut().unwrap().remove("alg");
        let keys = KeySet::from_jwks_json(&format!(r#"{{"keys":[{jwk}]}}"#)).unwrap();
        assert_eq!(keys.keys()[0].algorithm(), algorithm);
        assert!(keys.verify_jws(forger.honest().as_bytes()).is_ok());
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{}"}}"#, forger.kid);
        for secret in [forger.public_der(), forger.public_raw(), jwk.to_string().as_bytes()] {
            let token = hmac_token(hmac::HMAC_SHA256, secret, &header);
            assert_eq!(
                keys.verify_jws(token.as_bytes()),
                Err(VerifyError::AlgorithmMismatch),
                "{algorithm:?}"
            );
        }
    }
}

/// A key has one algorithm, so no other of its family verifies with it, good signature or not.
#[tokio::test]
async fn another_algorithm_of_the_same_family_is_refused() {
    for (own, other) in [
        (Algorithm::RS256, Algorithm::RS384),
        (Algorithm::RS256, Algorithm::PS256),
        (Algorithm::PS256, Algorithm::RS256),
        (Algorithm::PS384, Algorithm::PS512),
        (Algorithm::HS256, Algorithm::HS512),
        (Algorithm::HS512, Algorithm::HS256),
        (Algorithm::ES256, Algorithm::ES384),
        (Algorithm::EdDSA, Algorithm::ES256),
    ] {
        let target = Target::new(own).await;
        let header = target.forger.header().replace(target.forger.alg(), name(other));
        let row = format!("{own:?} as {other:?}");
        let token = target.forger.sign(&header, claims().to_string());
        target.refuses_any_jws(&row, &token, VerifyError::AlgorithmMismatch).await;
        let is_rsa = matches!(own, Algorithm::RS256 | Algorithm::PS256 | Algorithm::PS384);
        if is_rsa {
            let key = SigningKey::from_pem(&target.forger.private, other).unwrap();
            let message = format!("{}.{}", encode(&header), encode(claims().to_string()));
            let signature = encode(key.sign(message.as_bytes()).unwrap());
            let token = format!("{message}.{signature}");
            target.refuses_any_jws(&row, &token, VerifyError::AlgorithmMismatch).await;
        }
    }
}

#[test]
fn short_secrets_are_refused_when_they_are_loaded() {
    for (algorithm, shortest) in [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)] {
        for length in [0, 1, 16, shortest - 1] {
            let secret = vec![7; length];
            assert_eq!(
                VerifyingKey::from_secret(&secret, algorithm).unwrap_err().field(),
                "secret",
                "{length}"
            );
            assert_eq!(
                SigningKey::from_secret(&secret, algorithm).unwrap_err().field(),
                "secret",
                "{length}"
            );
            let jwk = format!(r#"{{"kty":"oct","alg":"{}","k":"{}"}}"#, name(algorithm), encode(&secret));
            assert_eq!(SigningKey::from_jwk_json(&jwk).unwrap_err().field(), "secret", "{length}");
            let set = format!(r#"{{"keys":[{jwk}]}}"#);
            assert_eq!(KeySet::from_jwks_json(&set).unwrap_err().field(), "secret", "{length}");
        }
        assert!(VerifyingKey::from_secret(&vec![7; shortest], algorithm).is_ok());
    }
}

#[test]
fn a_secret_is_for_hmac_and_a_key_pair_is_not() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        assert_eq!(VerifyingKey::from_secret(&[7; 64], algorithm).unwrap_err().field(), "alg");
        assert_eq!(SigningKey::from_secret(&[7; 64], algorithm).unwrap_err().field(), "alg");
        let forger = Forger::new(algorithm);
        assert!(VerifyingKey::from_pem(&forger.public_pem(), Algorithm::HS256).is_err());
        assert!(SigningKey::from_pem(&forger.private, Algorithm::HS256).is_err());
    }
}

#[test]
fn rsa_under_2048_bits_is_refused_when_it_is_loaded() {
    const PRIVATE: &str = include_str!("rsa1024.pem");
    const PUBLIC: &str = include_str!("rsa1024.pub.pem");
    const JWK: &str = include_str!("rsa1024.jwk.json");
    for algorithm in [Algorithm::RS256, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384] {
        assert_eq!(SigningKey::from_pem(PRIVATE, algorithm).unwrap_err().field(), "private key");
        assert_eq!(VerifyingKey::from_pem(PUBLIC, algorithm).unwrap_err().field(), "public key");
    }
    assert_eq!(SigningKey::from_jwk_json(JWK).unwrap_err().field(), "private key");
    let set = format!(r#"{{"keys":[{JWK}]}}"#);
    assert_eq!(KeySet::from_jwks_json(&set).unwrap_err().field(), "public key");
}

#[test]
fn one_key_has_one_algorithm() {
    let secret = [7; 64];
    let hs256 = VerifyingKey::from_secret(&secret, Algorithm::HS256).unwrap();
    let hs512 = VerifyingKey::from_secret(&secret, Algorithm::HS512).unwrap();
    assert_eq!(KeySet::new([hs256, hs512]).unwrap_err().field(), "keys");
    let pem = Forger::new(Algorithm::RS256).public_pem();
    let rs256 = VerifyingKey::from_pem(&pem, Algorithm::RS256).unwrap();
    let ps256 = VerifyingKey::from_pem(&pem, Algorithm::PS256).unwrap();
    assert_eq!(KeySet::new([rs256.clone(), ps256]).unwrap_err().field(), "keys");
    let ring = Forger::new(Algorithm::RS256);
    let as_ps256 = VerifyingKey::from_pem(&ring.public_pem(), Algorithm::PS256).unwrap();
    assert_eq!(ring.ring().add(as_ps256).unwrap_err().field(), "keys");
}

#[test]
fn symmetric_and_public_keys_do_not_mix() {
    let public = Forger::new(Algorithm::ES256);
    let secret = Forger::new(Algorithm::HS256);
    let key = |forger: &Forger| forger.signing_key().verifying_key().clone();
    assert_eq!(KeySet::new([key(&public), key(&secret)]).unwrap_err().field(), "keys");
    let ring = public.ring();
    assert_eq!(ring.add(key(&secret)).unwrap_err().field(), "keys");
    assert_eq!(ring.sign_with(secret.signing_key()).unwrap_err().field(), "keys");
    let jwks = format!(r#"{{"keys":[{},{}]}}"#, public.public_jwk(), secret.private);
    assert_eq!(KeySet::from_jwks_json(&jwks).unwrap_err().field(), "keys");
}
