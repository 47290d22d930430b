use auth_core::require_auth;

#[require_auth(jwt)]
pub struct Signed;

fn main() {}
