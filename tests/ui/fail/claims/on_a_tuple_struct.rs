use auth_core::Claims;

#[derive(Claims)]
pub struct User(pub String);

fn main() {}
