//! The signature segment: cut, extended, rearranged, written in another way, or of something else.

use auth_core::jwt::Algorithm;
use auth_core::jwt::VerifyError;
use auth_tests::forge::{ALGORITHMS, claims_with, decode, encode};

use crate::target::Target;

/// A token's message and its raw signature.
fn parts(token: &str) -> (&str, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    (message, decode(signature))
}

#[tokio::test]
async fn a_signature_that_is_empty_cut_or_extended_is_refused() {
    for algorithm in ALGORITHMS {
        let target = Target::new(algorithm).await;
        let honest = target.forger.honest();
        let (message, signature) = parts(&honest);
        let length = signature.len();
        target.refuses_any_jws("empty", &format!("{message}."), VerifyError::Malformed).await;
        let longer = [signature.as_slice(), &[0]].concat();
        let shifted = [&[0], signature.as_slice()].concat();
        let doubled = [signature.as_slice(), &signature].concat();
        let zero = vec![0; length];
        for (row, forged) in [
            ("one byte", &signature[..1]),
            ("half", &signature[..length / 2]),
            ("without its last byte", &signature[..length - 1]),
            ("without its first byte", &signature[1..]),
            ("a byte more at the end", &longer),
            ("a byte more at the start", &shifted),
            ("twice", &doubled),
            ("zeros", &zero),
        ] {
            let row = format!("{algorithm:?}: {row}");
            let token = format!("{message}.{}", encode(forged));
            target.refuses_any_jws(&row, &token, VerifyError::SignatureMismatch).await;
        }
        let huge = format!("{message}.{}", encode(vec![1; 1025]));
        target.refuses_any_jws("longer than any signature", &huge, VerifyError::Malformed).await;
        target.accepts("as it was", &honest).await;
    }
}

#[tokio::test]
async fn a_signature_with_any_byte_changed_is_refused() {
    for algorithm in [Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256] {
        let target = Target::new(algorithm).await;
        let honest = target.forger.honest();
        let (message, signature) = parts(&honest);
        for position in 0..signature.len() {
            let mut forged = signature.clone();
            forged[position] ^= 0x40;
            let token = format!("{message}.{}", encode(&forged));
            let row = format!("{algorithm:?} byte {position}");
            target.verifier_refuses(&row, token.as_bytes(), VerifyError::SignatureMismatch);
        }
    }
}

#[tokio::test]
async fn a_signature_is_of_this_header_and_this_payload() {
    for algorithm in ALGORITHMS {
        let target = Target::new(algorithm).await;
        let honest = target.forger.honest();
        let segments: Vec<&str> = honest.split('.').collect();
        let admin = encode(claims_with("roles", serde_json::json!(["admin"])).to_string());
        let swapped = format!("{}.{admin}.{}", segments[0], segments[2]);
        target.refuses_any_jws("another payload", &swapped, VerifyError::SignatureMismatch).await;
        let spaced = encode(format!("{} ", target.forger.header()));
        let swapped = format!("{spaced}.{}.{}", segments[1], segments[2]);
        target.refuses_any_jws("another header", &swapped, VerifyError::SignatureMismatch).await;
        let other = Target::new(algorithm).await;
        let foreign = other.forger.sign(target.forger.header(), decode(segments[1]));
        target.refuses_any_jws("another key", &foreign, VerifyError::SignatureMismatch).await;
    }
}

#[tokio::test]
async fn an_ecdsa_signature_has_one_form() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384] {
        let target = Target::new(algorithm).await;
        let honest = target.forger.honest();
        let (message, signature) = parts(&honest);
        let (r, s) = signature.split_at(signature.len() / 2);
        let zero = vec![0; r.len()];
        let ones = vec![0xff; r.len()];
        let one = [&zero[1..], &[1]].concat();
        for (row, forged) in [
            ("r and s swapped", [s, r].concat()),
            ("r is zero", [&zero, s].concat()),
            ("s is zero", [r, &zero].concat()),
            ("both are zero", [&*zero, &zero].concat()),
            ("both are one", [&*one, &one].concat()),
            ("both are above the order", [&*ones, &ones].concat()),
            ("both are the order", [order(algorithm), order(algorithm)].concat()),
            ("DER", der(r, s)),
            ("only r", r.to_vec()),
            ("padded", [&[0], r, &[0], s].concat()),
        ] {
            let row = format!("{algorithm:?}: {row}");
            let token = format!("{message}.{}", encode(&forged));
            target.refuses_any_jws(&row, &token, VerifyError::SignatureMismatch).await;
        }
    }
}

/// Adding the order of the group to S gives a second signature to a careless verifier (RFC 8032 section 8.4).
#[tokio::test]
async fn an_ed25519_signature_is_not_malleable() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let target = Target::new(Algorithm::EdDSA).await;
    let honest = target.forger.honest();
    let (message, mut signature) = parts(&honest);
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(carry, 0);
    let token = format!("{message}.{}", encode(&signature));
    target.refuses_any_jws("S + L", &token, VerifyError::SignatureMismatch).await;
}

/// The order of the curve's group.
fn order(algorithm: Algorithm) -> Vec<u8> {
    let hex = match algorithm {
        Algorithm::ES256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        _ => {
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
        }
    };
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// `SEQUENCE { INTEGER r, INTEGER s }`.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap();
        let sign: &[u8] = if bytes[start] & 0x80 == 0 { &[] } else { &[0] };
        let content = [sign, &bytes[start..]].concat();
        [&[2, content.len() as u8], content.as_slice()].concat()
    };
    let content = [integer(r), integer(s)].concat();
    [&[0x30, content.len() as u8], content.as_slice()].concat()
}
