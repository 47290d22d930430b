//! Keys: a token's header does not choose them, loaded keys are checked, and nothing secret is published.

mod loading;
mod publishing;
mod rotation;

use std::io::ErrorKind;
use std::net::TcpListener;

use auth_core::id::KeyId;
use auth_core::jwt::VerifyError;
use auth_core::jwt::{Algorithm, KeySet};
use auth_tests::forge::{claims, claims_with, encode};
use auth_tests::{Forger, NOW, Shop, problem};
use serde_json::json;

use crate::target::{Target, verifier};

/// No request for a key was made.
fn assert_untouched(listener: &TcpListener) {
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_key_in_the_token_is_not_used_and_one_at_an_address_is_not_fetched() {
    let target = Target::new(Algorithm::ES256).await;
    let attacker = Forger::new(Algorithm::ES256);
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", trap.local_addr().unwrap());
    let own = &target.forger.kid;
    let theirs = &attacker.kid;
    let jwk = attacker.public_jwk();
    let x5c = json!([base64_standard(attacker.public_der())]);
    let pointers = [
        json!({ "jwk": jwk }),
        json!({ "jku": url }),
        json!({ "x5u": url }),
        json!({ "x5c": x5c, "x5t": "AAAA", "x5t#S256": "AAAA" }),
        json!({ "jwk": jwk, "jku": url, "x5u": url, "x5c": x5c }),
        json!({ "jku": "file:///etc/passwd" }),
        json!({ "jku": "http://169.254.169.254/latest/meta-data" }),
        json!({ "jwk": null, "jku": 1, "x5u": [], "x5c": "" }),
    ];
    for pointer in pointers {
        let header = |kid: Option<&str>| {
            let mut header = pointer.clone();
            let members = header.as_object_mut().unwrap();
            members.insert("alg".to_owned(), "ES256".into());
            members.insert("typ".to_owned(), "at+jwt".into());
            kid.map(|kid| members.insert("kid".to_owned(), kid.into()));
            header.to_string()
        };
        let row = pointer.to_string();
        let forged = |kid| attacker.sign(header(kid), claims().to_string());
        target.refuses_any_jws(&row, &forged(Some(own)), VerifyError::SignatureMismatch).await;
        target.refuses_any_jws(&row, &forged(None), VerifyError::SignatureMismatch).await;
        target.refuses_any_jws(&row, &forged(Some(theirs)), VerifyError::UnknownKey).await;
        let honest = target.forger.sign(header(Some(own)), claims().to_string());
        target.accepts(&row, &honest).await;
    }
    assert_untouched(&trap);
}

fn base64_standard(bytes: &[u8]) -> String {
    use base64::Engine as _;

    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_kid_is_looked_up_and_nothing_else() {
    let target = Target::new(Algorithm::ES256).await;
    let own = target.forger.kid.clone();
    let cut = &own[..own.len() - 1];
    for kid in [
        "",
        "../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "x' UNION SELECT 'secret' --",
        "$(sleep 9)",
        "| sleep 9",
        "`id`",
        "{{7*7}}",
        "\u{0}",
        "http://127.0.0.1/key",
        "*",
        "%",
        cut,
        &format!("{own} "),
        &format!(" {own}"),
        &format!("{own}\u{0}"),
        &own.to_uppercase(),
        &"k".repeat(1000),
    ] {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid }).to_string();
        let token = target.forger.sign(header, claims().to_string());
        target.refuses_any_jws(kid, &token, VerifyError::UnknownKey).await;
    }
    for kid in [json!(null), json!(1), json!(true), json!([own]), json!({ "kid": own })] {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid }).to_string();
        let token = target.forger.sign(header, claims().to_string());
        target.refuses_any_jws(&kid.to_string(), &token, VerifyError::Malformed).await;
    }
    let enormous = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k".repeat(1 << 20) }).to_string();
    let token = target.forger.sign(enormous, claims().to_string());
    target.refuses("1 MB", &token, VerifyError::TooLarge).await;
}

#[test]
fn without_a_kid_a_token_is_good_only_if_exactly_one_key_fits() {
    let (first, second) = (Forger::new(Algorithm::ES256), Forger::new(Algorithm::ES256));
    let other = Forger::new(Algorithm::EdDSA);
    let key = |forger: &Forger| forger.signing_key().verifying_key().clone();
    let unnamed = |forger: &Forger| {
        let header = format!(r#"{{"alg":"{}","typ":"at+jwt"}}"#, forger.alg());
        forger.sign(header, claims().to_string())
    };
    let verify = |keys: &KeySet, token: &str| keys.verify_jws(token.as_bytes()).map(|_| ());
    let alone = KeySet::new([key(&first)]).unwrap();
    assert_eq!(verify(&alone, &unnamed(&first)), Ok(()));
    assert_eq!(verify(&alone, &unnamed(&second)), Err(VerifyError::SignatureMismatch));
    assert_eq!(verify(&alone, &unnamed(&other)), Err(VerifyError::AlgorithmMismatch));
    let by_algorithm = KeySet::new([key(&first), key(&other)]).unwrap();
    assert_eq!(verify(&by_algorithm, &unnamed(&first)), Ok(()));
    assert_eq!(verify(&by_algorithm, &unnamed(&other)), Ok(()));
    let several = KeySet::new([key(&first), key(&second), key(&other)]).unwrap();
    assert_eq!(verify(&several, &unnamed(&first)), Err(VerifyError::UnknownKey));
    assert_eq!(verify(&several, &unnamed(&second)), Err(VerifyError::UnknownKey));
    assert_eq!(verify(&several, &unnamed(&other)), Ok(()));
    assert_eq!(verify(&several, &first.honest()), Ok(()));
    let swapped = first.sign(second.header(), claims().to_string());
    assert_eq!(verify(&several, &swapped), Err(VerifyError::SignatureMismatch));
}

/// Two issuers, each with a key of its own, and both keys with one name.
#[tokio::test]
async fn a_token_of_one_issuer_is_not_signed_by_the_key_of_another() {
    let name = || KeyId::new("2027").unwrap();
    let (a, b) = (Forger::new(Algorithm::ES256), Forger::new(Algorithm::ES256));
    let ring = |forger: &Forger| auth_core::jwt::KeyRing::new(forger.signing_key().with_id(name())).unwrap();
    let shop_a = Shop::new(ring(&a)).await;
    let shop_b = Shop::with(ring(&b), |builder| builder.issuer("https://b.example")).await;
    let header = r#"{"alg":"ES256","typ":"at+jwt","kid":"2027"}"#;
    let of_a = claims().to_string();
    let of_b = claims_with("iss", json!("https://b.example")).to_string();
    shop_a.me(&a.sign(header, &of_a)).await.assert_ok("7 by jwt", "a by a");
    shop_b.me(&b.sign(header, &of_b)).await.assert_ok("7 by jwt", "b by b");
    for (row, token) in [
        ("a by b, to a", b.sign(header, &of_a)),
        ("b by b, to a", b.sign(header, &of_b)),
        ("b by a, to a", a.sign(header, &of_b)),
    ] {
        shop_a.me(&token).await.assert_is(&problem::invalid_token(), row);
    }
    for (row, token) in [
        ("b by a, to b", a.sign(header, &of_b)),
        ("a by a, to b", a.sign(header, &of_a)),
        ("a by b, to b", b.sign(header, &of_a)),
    ] {
        shop_b.me(&token).await.assert_is(&problem::invalid_token(), row);
    }
    let keys = KeySet::new([a.signing_key().with_id(name()).verifying_key().clone()]).unwrap();
    let verify = |token: String| verifier().verify(&keys, token.as_bytes(), NOW).map(|_| ());
    assert_eq!(verify(b.sign(header, &of_a)), Err(VerifyError::SignatureMismatch));
    assert_eq!(verify(a.sign(header, &of_b)), Err(VerifyError::IssuerMismatch));
}

#[tokio::test]
async fn a_small_forged_signature_of_a_stranger_is_refused_for_every_algorithm() {
    for algorithm in
        [Algorithm::HS256, Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA]
    {
        let target = Target::new(algorithm).await;
        let stranger = Forger::new(algorithm);
        let token = stranger.sign(target.forger.header(), claims().to_string());
        target.refuses_any_jws(target.forger.alg(), &token, VerifyError::SignatureMismatch).await;
        let unknown = stranger.honest();
        target.refuses_any_jws(target.forger.alg(), &unknown, VerifyError::UnknownKey).await;
        let empty = format!(
            "{}.{}.{}",
            encode(target.forger.header()),
            encode(claims().to_string()),
            encode([0; 64])
        );
        target.refuses_any_jws(target.forger.alg(), &empty, VerifyError::SignatureMismatch).await;
    }
}
