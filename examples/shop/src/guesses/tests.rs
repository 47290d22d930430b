use std::net::{IpAddr, Ipv4Addr};

use governor::clock::FakeRelativeClock;

use super::*;

fn guesses() -> (FakeRelativeClock, Guesses<FakeRelativeClock>) {
    let clock = FakeRelativeClock::default();
    (clock.clone(), Guesses::by(&clock))
}

fn address(number: u32) -> Address {
    IpAddr::from(Ipv4Addr::from_bits(number)).into()
}

/// How many wrong guesses are accepted, of at most this many.
fn wrong(guesses: &Guesses<FakeRelativeClock>, user: &str, from: Address, most: usize) -> usize {
    (0..most).take_while(|_| guesses.admit(user, from).is_ok()).count()
}

fn refused(guesses: &Guesses<FakeRelativeClock>, user: &str, from: Address) -> Duration {
    guesses.admit(user, from).err().unwrap().retry_after
}

#[test]
fn an_address_has_ten_guesses_at_a_user_and_then_one_each_minute() {
    let (clock, guesses) = guesses();

    assert_eq!(wrong(&guesses, "alice", address(1), 20), 10);
    assert_eq!(refused(&guesses, "alice", address(1)), Duration::from_secs(60));

    clock.advance(Duration::from_secs(59));
    assert_eq!(refused(&guesses, "alice", address(1)), Duration::from_secs(1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(wrong(&guesses, "alice", address(1), 20), 1);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(wrong(&guesses, "alice", address(1), 20), 10);
}

#[test]
fn other_addresses_and_other_users_are_counted_apart() {
    let (_, guesses) = guesses();
    assert_eq!(wrong(&guesses, "alice", address(1), 20), 10);

    assert_eq!(wrong(&guesses, "alice", address(2), 1), 1);
    assert_eq!(wrong(&guesses, "bob", address(1), 1), 1);
}

#[test]
fn an_address_has_a_hundred_guesses_at_all_users() {
    let (clock, guesses) = guesses();
    let passed = (0..50).map(|user| wrong(&guesses, &format!("user {user}"), address(1), 3)).sum::<usize>();

    assert_eq!(passed, 100);
    assert_eq!(refused(&guesses, "another", address(1)), Duration::from_secs(6));
    clock.advance(Duration::from_secs(6));
    assert_eq!(wrong(&guesses, "another", address(1), 3), 1);
}

#[test]
fn many_addresses_have_a_hundred_guesses_at_a_user_and_then_one_each() {
    let (clock, guesses) = guesses();
    let passed = (0..20).map(|number| wrong(&guesses, "alice", address(number), 10)).sum::<usize>();

    // The eleventh to twentieth address had no wrong guess before.
    assert_eq!(passed, 100 + 10);
    assert_eq!(refused(&guesses, "alice", address(15)), Duration::from_secs(60));
    clock.advance(Duration::from_secs(60));
    assert_eq!(wrong(&guesses, "alice", address(15), 2), 1);
}

#[test]
fn an_address_without_a_wrong_guess_is_not_limited_by_the_guesses_of_others() {
    let (_, guesses) = guesses();
    for number in 0..20 {
        wrong(&guesses, "alice", address(number), 10);
    }

    for _ in 0..50 {
        guesses.admit("alice", address(100)).ok().unwrap().take_back();
    }
}

#[test]
fn right_passwords_are_not_counted_and_do_not_reset_the_count() {
    let (_, guesses) = guesses();
    for _ in 0..300 {
        guesses.admit("alice", address(1)).ok().unwrap().take_back();
    }
    assert_eq!(wrong(&guesses, "alice", address(1), 9), 9);
    for _ in 0..300 {
        guesses.admit("alice", address(1)).ok().unwrap().take_back();
    }
    assert_eq!(wrong(&guesses, "alice", address(1), 9), 1);
}

#[test]
fn a_refused_guess_is_not_counted() {
    let (_, guesses) = guesses();
    assert_eq!(wrong(&guesses, "alice", address(1), 10), 10);
    for _ in 0..300 {
        refused(&guesses, "alice", address(1));
    }

    assert_eq!(wrong(&guesses, "bob", address(1), 20), 10);
    assert_eq!(wrong(&guesses, "alice", address(2), 20), 10);
}

#[test]
fn memory_is_bounded_for_any_number_of_names() {
    let (_, guesses) = guesses();
    for number in 0..200_000 {
        let _ = guesses.admit(&format!("user {number}"), address(number));
    }

    let limits = &*guesses.0;
    for limiter in [&limits.at_user_from_address, &limits.from_address, &limits.at_user] {
        assert!((1..=65_536).contains(&limiter.len()), "{}", limiter.len());
    }
}
