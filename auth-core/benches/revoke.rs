//! The revocation list: a look-up among 10,000,000 entries, its memory an entry, and what it adds to a guarded request.
#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]

mod support;

use std::hint::black_box;
use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::LoginId;
use auth_core::revoke::{RevocationList, Standing, Subjects};
use auth_core::store::{EndReason, Revoked};

const ENTRIES: u64 = 10_000_000;

fn main() {
    let list = RevocationList::new();
    let credential =
        |number: u64| Subjects { login: Some(login(number)), subject: None, token: None, key: None };
    let empty = fastest(|number| list.standing(&credential(number)) == Standing::Good);
    println!("look-up in an empty list              {:>8.1} ns", nanos(empty));
    let before = resident();
    let expires_at = Timestamp::from_seconds(support::NOW);
    (0..ENTRIES)
        .for_each(|number| list.insert(&Revoked::Login(login(number), EndReason::SignedOut), expires_at));
    let bytes = (resident() - before) as f64 / ENTRIES as f64;
    println!("entries                               {:>8}", list.len());
    println!("resident memory an entry              {bytes:>8.1} bytes");
    let hit = fastest(|number| list.standing(&credential(number % ENTRIES)) == Standing::Revoked);
    let miss = fastest(|number| list.standing(&credential(ENTRIES + number)) == Standing::Good);
    println!("look-up of a revoked login            {:>8.1} ns", nanos(hit));
    println!("look-up of a login that is not        {:>8.1} ns", nanos(miss));
}

/// Spread over the whole range, as random ids are.
fn login(number: u64) -> LoginId {
    let low = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let high = (number ^ 0x5bf0_3635).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    LoginId::from_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

fn fastest(mut check: impl FnMut(u64) -> bool) -> Duration {
    let mut number = 0_u64;
    support::fastest(30, 200_000, || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 1;
        assert!(black_box(check(black_box(number >> 8))));
    })
}

fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// The process's resident memory in bytes, as Linux tells it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
