//! Verifying one access token of about 500 bytes with eleven claims: `jsonwebtoken::decode` into the same struct, ours,
//! and the bare signature check of aws-lc with a key that is parsed once.
#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]

mod support;

use auth_core::jwt::Algorithm;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use divan::{Bencher, black_box};
use support::{PeerUser, Subject};

const ALGORITHMS: [Algorithm; 4] = [Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256];

fn main() {
    let subject = Subject::new(Algorithm::HS256);
    println!("token: {} bytes", subject.token.len());
    divan::main();
    ratios();
}

#[divan::bench(args = ALGORITHMS)]
fn a_bare_signature_check(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let subject = Subject::new(algorithm);
    let check = bare(&subject, algorithm);
    bencher.bench(|| assert!(check(black_box(&subject))));
}

#[divan::bench(args = ALGORITHMS)]
fn b_auth_core(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let subject = Subject::new(algorithm);
    bencher.bench(|| ours(black_box(&subject)));
}

#[divan::bench(args = ALGORITHMS)]
fn c_jsonwebtoken(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let subject = Subject::new(algorithm);
    bencher.bench(|| peer(black_box(&subject)));
}

fn ours(subject: &Subject) {
    let verified = subject.verifier.verify(&subject.keys, subject.token.as_bytes(), subject.now()).unwrap();
    assert!(verified.claims().roles.has(support::ShopRole::Customer));
}

fn peer(subject: &Subject) {
    let user = jsonwebtoken::decode::<PeerUser>(&subject.token, &subject.peer_key, &subject.peer_validation)
        .unwrap();
    assert_eq!(user.claims.epoch, support::EPOCH);
}

fn bare(subject: &Subject, algorithm: Algorithm) -> Box<dyn Fn(&Subject) -> bool + Sync> {
    if algorithm == Algorithm::HS256 {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 64]);
        return Box::new(move |subject| {
            hmac::verify(&key, subject.message.as_bytes(), &subject.signature).is_ok()
        });
    }
    let public = serde_json::to_value(subject.keys.public_jwks()).unwrap();
    let key = parsed(algorithm, public.pointer("/keys/0").unwrap());
    Box::new(move |subject| key.verify_sig(subject.message.as_bytes(), &subject.signature).is_ok())
}

fn parsed(algorithm: Algorithm, jwk: &serde_json::Value) -> ParsedPublicKey {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use base64::Engine as _;

    let member = |name: &str| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(jwk.get(name).unwrap().as_str().unwrap())
            .unwrap()
    };
    match algorithm {
        Algorithm::ES256 => {
            let point = [&[4][..], &member("x"), &member("y")].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap()
        }
        Algorithm::EdDSA => ParsedPublicKey::new(&ED25519, member("x")).unwrap(),
        _ => {
            let components = aws_lc_rs::signature::RsaPublicKeyComponents { n: member("n"), e: member("e") };
            let der: PublicKeyX509Der<'_> = components.as_der().unwrap();
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der.as_ref()).unwrap()
        }
    }
}

/// The three side by side, interleaved, so that a busy neighbour hits all of them.
fn ratios() {
    println!("\nfastest of 60 rounds        bare        ours     ratio    jsonwebtoken   ours/peer");
    for algorithm in ALGORITHMS {
        let subject = Subject::new(algorithm);
        let check = bare(&subject, algorithm);
        let calls = if algorithm == Algorithm::HS256 { 2000 } else { 200 };
        let mut best = [std::time::Duration::MAX; 3];
        for _ in 0..60 {
            let round = [
                support::fastest(1, calls, || assert!(check(black_box(&subject)))),
                support::fastest(1, calls, || ours(black_box(&subject))),
                support::fastest(1, calls, || peer(black_box(&subject))),
            ];
            best.iter_mut().zip(round).for_each(|(best, time)| *best = time.min(*best));
        }
        let [bare, ours, peer] = best.map(|time| time.as_nanos() as f64 / 1000.0);
        println!(
            "{:<20} {bare:>8.2} µs {ours:>8.2} µs {:>8.2} {peer:>12.2} µs {:>10.2}",
            format!("{algorithm:?}"),
            ours / bare,
            ours / peer
        );
    }
}
