//! More of everything than is good for a shop: guesses, sign-ins, connections that never get to the point.

mod connections;
mod guesses;
mod memory;

use std::net::Ipv4Addr;

use auth_tests::program::{Remote, Shop};

/// Somebody elsewhere on this machine: all of 127.0.0.0/8 is its own.
fn elsewhere(shop: &Shop, number: u8) -> Remote {
    shop.from(Ipv4Addr::new(127, 0, 1, number))
}
