use auth_core::public;

#[public]
pub fn handler() {}

fn main() {}
