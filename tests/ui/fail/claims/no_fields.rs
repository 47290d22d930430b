use auth_core::Claims;

#[derive(Claims)]
pub struct User {}

fn main() {}
