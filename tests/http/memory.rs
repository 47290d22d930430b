//! What refusing costs: an allocator that counts shows that no refusal allocates in the size of what is refused, and
//! that nothing grows with the number of refusals.

use std::alloc::System;

use auth_core::jwt::VerifyError;
use auth_core::jwt::{Algorithm, KeySet};
use auth_tests::forge::{claims, claims_with_text, encode};
use auth_tests::{Call, Forger, NOW, Shop, in_own_process, own_name, problem, session_of, watch_this_test};
use axum::body::Body;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::target;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MEGABYTE: usize = 1 << 20;
/// The most that answering a refused request may allocate in all, freed or not.
const MOST: usize = 64 * 1024;
/// Room for what the harness does meanwhile on its own threads.
const HARNESS: usize = 8 * 1024;

/// Set in a process that measures.
const ALONE: &str = "AUTH_TESTS_ALONE";

/// The allocator counts for all threads, so this test is run again in a process of its own, where no other test is, and
/// measures only there.
pub(crate) fn alone(measure: impl FnOnce()) {
    watch_this_test();
    if std::env::var_os(ALONE).is_some() {
        return measure();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = runtime.block_on(in_own_process(&own_name(), [(ALONE, "1")]));
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// What was allocated meanwhile, freed or not, and what of it is left.
pub(crate) fn measured<T>(act: impl FnOnce() -> T) -> (T, usize, isize) {
    let region = Region::new(ALLOCATOR);
    let done = act();
    let change = region.change();
    let grown = change.bytes_reallocated.max(0).unsigned_abs();
    let left = change.bytes_allocated as isize - change.bytes_deallocated as isize;
    (done, change.bytes_allocated + grown, left)
}

fn enormous(forger: &Forger) -> Vec<(&'static str, String)> {
    let honest = forger.honest();
    let [header, payload, signature] = honest.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let big = "A".repeat(MEGABYTE);
    let open = forger.header().replace('}', ",");
    let members = (0..10_000).map(|at| format!(r#""x{at}":{at}"#)).collect::<Vec<_>>().join(",");
    let nested = format!("{}{}", "[".repeat(MEGABYTE / 4), "]".repeat(MEGABYTE / 4));
    vec![
        ("a header of 1 MB", format!("{big}.{payload}.{signature}")),
        ("a payload of 1 MB", format!("{header}.{big}.{signature}")),
        ("a signature of 1 MB", format!("{header}.{payload}.{big}")),
        ("a megabyte without a dot", big.clone()),
        ("a megabyte of dots", ".".repeat(MEGABYTE)),
        ("thousands of segments", "a.".repeat(MEGABYTE / 2)),
        ("thousands of dots after a token", format!("{honest}{}", ".".repeat(100_000))),
        ("thousands of dots before a token", format!("{}{honest}", ".".repeat(100_000))),
        ("a header with 10,000 members", forger.sign(format!("{open}{members}}}"), claims().to_string())),
        (
            "a header with a string of 1 MB",
            forger.sign(format!(r#"{open}"x":"{big}"}}"#), claims().to_string()),
        ),
        ("a kid of 1 MB", forger.sign(format!(r#"{{"alg":"ES256","kid":"{big}"}}"#), claims().to_string())),
        ("a string of 1 MB, signed", forger.token(claims_with_text("email", &format!("\"{big}\"")))),
        ("250,000 levels, signed", forger.token(claims_with_text("x", &nested))),
    ]
}

#[test]
fn refusing_an_enormous_token_allocates_next_to_nothing() {
    alone(|| {
        let forger = Forger::new(Algorithm::ES256);
        let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
        let verifier = target::verifier();
        for (row, token) in enormous(&forger) {
            let (refused, bytes, _) = measured(|| verifier.verify(&keys, token.as_bytes(), NOW).map(|_| ()));
            assert_eq!(refused, Err(VerifyError::TooLarge), "{row}");
            assert!(bytes < HARNESS, "{row}: {bytes} bytes");
        }
    });
}

/// Here up to a megabyte is looked at, so the bound is on what lies in front of the signature check.
#[test]
fn refusing_an_enormous_jws_allocates_next_to_nothing() {
    alone(|| {
        let forger = Forger::new(Algorithm::ES256);
        let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
        for (row, mut token) in enormous(&forger).into_iter().filter(|(row, _)| !row.contains("signed")) {
            token.truncate(MEGABYTE);
            let (refused, bytes, _) = measured(|| keys.verify_jws(token.as_bytes()).map(|_| ()));
            assert!(refused.is_err(), "{row}");
            assert!(bytes < MOST, "{row}: {bytes} bytes");
        }
    });
}

#[test]
fn a_request_with_an_enormous_token_allocates_next_to_nothing() {
    alone(|| {
        let forger = Forger::new(Algorithm::ES256);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shop = runtime.block_on(Shop::new(forger.ring()));
        for (row, token) in enormous(&forger) {
            let call = Call::get("/me").bearer(&token);
            let (answer, bytes, _) = measured(|| runtime.block_on(call.send(&shop.app)));
            answer.assert_is(&problem::invalid_token(), row);
            assert!(bytes < MOST, "{row}: {bytes} bytes");
        }
        let cookie = session_of(&"A".repeat(MEGABYTE));
        let many = "a=b; ".repeat(MEGABYTE / 5);
        for (row, value) in [("a cookie of 1 MB", &cookie), ("200,000 cookies", &many)] {
            let call = Call::get("/me").cookie(value);
            let (answer, bytes, _) = measured(|| runtime.block_on(call.send(&shop.app)));
            answer.assert_is(&problem::invalid_cookie(), row);
            assert!(bytes < MOST, "{row}: {bytes} bytes");
        }
    });
}

/// Neither its size, nor what it says of its size, nor how it is nested.
#[test]
fn an_enormous_body_for_a_refresh_allocates_next_to_nothing() {
    alone(|| {
        let forger = Forger::new(Algorithm::ES256);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shop = runtime.block_on(Shop::new(forger.ring()));
        let nested = format!("{}{}", "[".repeat(8000), "]".repeat(8000));
        let members = (0..1300).map(|at| format!(r#""x{at}":{at}"#)).collect::<Vec<_>>().join(",");
        for (row, length, body, status) in [
            ("1 MB", None, "A".repeat(MEGABYTE), 413),
            ("said to be enormous", Some(u64::MAX), "{}".to_owned(), 400),
            ("8,000 levels", None, nested.clone(), 400),
            ("8,000 levels in a member", None, format!(r#"{{"x":{nested}}}"#), 400),
            ("1,300 members", None, format!("{{{members}}}"), 400),
            ("a token of 16 KB", None, format!(r#"{{"refresh_token":"{}"}}"#, "A".repeat(16_000)), 401),
        ] {
            let mut call = Call::post("/auth/refresh").header(CONTENT_TYPE, "application/json");
            if let Some(length) = length {
                call = call.header(CONTENT_LENGTH, length.to_string());
            }
            let call = call.body(Body::from(body));
            let (answer, bytes, _) = measured(|| runtime.block_on(call.send(&shop.app)));
            assert_eq!(answer.status.as_u16(), status, "{row}");
            assert!(bytes < MOST, "{row}: {bytes} bytes");
        }
    });
}

#[test]
fn a_million_unknown_keys_leave_nothing_behind() {
    alone(|| {
        let forger = Forger::new(Algorithm::ES256);
        let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
        let verifier = target::verifier();
        let (payload, signature) = (encode(claims().to_string()), encode([1; 64]));
        let attack = |numbers: std::ops::Range<u32>| {
            for number in numbers {
                let header = encode(format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{number}"}}"#));
                let token = format!("{header}.{payload}.{signature}");
                let refused = verifier.verify(&keys, token.as_bytes(), NOW).map(|_| ());
                assert_eq!(refused, Err(VerifyError::UnknownKey), "{number}");
            }
        };
        let ((), _, left) = measured(|| attack(0..1_000_000));
        assert!(left < HARNESS as isize, "{left} bytes left after a million refusals");
    });
}

/// The caches and queues around the verifier do not grow either. The first requests fill what is filled once.
#[test]
fn requests_with_unknown_keys_sessions_and_signatures_leave_nothing_behind() {
    alone(|| {
        let forger = Forger::new(Algorithm::ES256);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shop = runtime.block_on(Shop::new(forger.ring()));
        let payload = encode(claims().to_string());
        let attack = |numbers: std::ops::Range<u32>| {
            for number in numbers {
                let kid = encode(format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{number}"}}"#));
                let unknown = format!("{kid}.{payload}.{}", encode([1; 64]));
                let signature = [number.to_be_bytes().as_slice(), &[1; 60]].concat();
                let forged = format!("{}.{payload}.{}", encode(forger.header()), encode(signature));
                let session = session_of(&encode([number.to_be_bytes().as_slice(), &[1; 12]].concat()));
                for call in [
                    Call::get("/me").bearer(&unknown),
                    Call::get("/me").bearer(&forged),
                    Call::get("/me").cookie(&session),
                ] {
                    let answer = runtime.block_on(call.send(&shop.app));
                    assert_eq!(answer.status.as_u16(), 401);
                }
            }
        };
        attack(0..200);
        let ((), _, left) = measured(|| attack(1000..4000));
        assert!(left < 2 * HARNESS as isize, "{left} bytes left after 9,000 refusals");
    });
}
