//! The parsers by themselves, with texts.

use auth_core::__private::Origin;
use auth_core::__private::rotation::ParsedToken;
use auth_core::id::{LoginId, TokenId};
use auth_core::jwt::{Algorithm, KeyRing, KeySet, SigningKey, VerifyingKey};
use auth_core::store::ListCursor;
use auth_core::web::LocalPath;
use auth_tests::forge::{encode, peppers};
use auth_tests::{Forger, NOW};
use proptest::prelude::*;
use url::Url;

use super::for_all;
use super::input::{json, text};
use crate::target;

const CASES: u32 = 2000;
const HEADER: [&str; 10] = ["alg", "typ", "kid", "crit", "cty", "ES256", "none", "at+jwt", "jwk", "b64"];
const CLAIMS: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "sid",
    "epoch",
    "gen",
    "auth_time",
    "scope",
    "roles",
    "nickname",
    "email",
    "client_id",
];
const KEY: [&str; 20] = [
    "keys", "kty", "kid", "alg", "use", "key_ops", "crv", "x", "y", "n", "e", "k", "d", "p", "q", "EC",
    "RSA", "OKP", "oct", "P-256",
];

/// A place of the same site has one way of reading it, by us and by browsers.
#[test]
fn a_local_path_is_one_to_a_browser_or_none_at_all() {
    let site = Url::parse("https://shop.example/a/b").unwrap();
    for_all(CASES, text(&["/", "evil.example", "https:", "javascript:", "%2E", "./", "../"]), |text| {
        if let Some(path) = LocalPath::parse(&text) {
            prop_assert_eq!(path.as_str(), &text);
            prop_assert_eq!(site.join(&text).unwrap().origin(), site.origin());
        }
        Ok(())
    });
}

/// Whatever is read as an origin is the one that a browser reads.
#[test]
fn an_origin_is_what_a_browser_takes_it_for_or_none() {
    let pieces = &["https://", "http://", "app.example", ":443", ":80", "127.0.0.1", "[::1]", "null"];
    for_all(CASES, text(pieces), |text| {
        if Origin::parse(&text).is_ok() {
            let url = Url::parse(&text);
            prop_assert!(url.is_ok(), "{:?} is no URL", text);
            let again = url.unwrap().origin().ascii_serialization();
            prop_assert_eq!(Origin::parse(&text).ok(), Origin::parse(&again).ok(), "{} is {}", text, again);
        }
        Ok(())
    });
}

/// An identifier has one spelling.
#[test]
fn an_identifier_that_is_read_is_written_as_it_was() {
    let pieces = &["AAAAAAAAAAAAAAAAAAAAAA", "ABEiM0RVZneImaq7zN3u_w", "ABEiM0RVZneImaq7zN3u", "_w", "_x"];
    for_all(CASES, text(pieces), |text| {
        if let Ok(id) = text.parse::<LoginId>() {
            prop_assert_eq!(id.to_string(), &*text);
        }
        if let Ok(id) = text.parse::<TokenId>() {
            prop_assert_eq!(id.to_string(), &*text);
        }
        let _ = TokenId::of_jti(&text);
        if let Ok(cursor) = text.parse::<ListCursor>() {
            prop_assert_eq!(cursor.to_string().parse::<ListCursor>(), Ok(cursor));
        }
        Ok(())
    });
}

#[test]
fn a_refresh_token_that_was_not_issued_is_refused() {
    let peppers = peppers();
    for_all(CASES, text(&["ar1_", "AQ", "AQAAAAAAAAAAAAAA", "ar2_", "AR1_"]), |text| {
        prop_assert!(ParsedToken::parse(&text, &peppers).is_err());
        Ok(())
    });
}

/// Nothing that was not signed is accepted, and what was signed is parsed or refused.
#[test]
fn no_token_makes_the_verifier_panic() {
    let forger = Forger::new(Algorithm::ES256);
    let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
    let verifier = target::verifier();
    let segments = (text(&["eyJhbGciOiJFUzI1NiJ9", ".", "e30"]), json(&HEADER), json(&CLAIMS));
    for_all(CASES / 2, segments, |(soup, header, payload)| {
        let unsigned = format!("{}.{}.{}", encode(&header), encode(&payload), encode([1; 64]));
        for token in [&soup, &unsigned] {
            prop_assert!(verifier.verify(&keys, token.as_bytes(), NOW).is_err());
            prop_assert!(keys.verify_jws(token.as_bytes()).is_err());
        }
        let signed = forger.sign(header, &payload);
        if let Ok(read) = keys.verify_jws(signed.as_bytes()) {
            prop_assert_eq!(read, payload.as_bytes());
        }
        let honest_header = forger.sign(forger.header(), &payload);
        if let Ok(verified) = verifier.verify(&keys, honest_header.as_bytes(), NOW) {
            prop_assert_eq!(verified.subject().as_str(), verified.claims().id.to_string());
        }
        prop_assert_eq!(keys.verify_jws(honest_header.as_bytes()), Ok(payload.into_bytes()));
        Ok(())
    });
}

#[test]
fn no_key_of_others_makes_the_reader_panic() {
    for_all(CASES, json(&KEY), |text| {
        for text in [&text, &format!(r#"{{"keys":[{text}]}}"#)] {
            if let Ok(keys) = KeySet::from_jwks_json(text) {
                prop_assert!(keys.verify_jws(b"e30.e30.AA").is_err());
            }
            drop((SigningKey::from_jwk_json(text), KeyRing::from_jwk_json(text)));
            drop(VerifyingKey::from_pem(text, Algorithm::ES256));
        }
        Ok(())
    });
}
