use auth_core::public;

#[public]
pub struct Handler;

fn main() {}
