use auth_core::require_auth;

#[require_auth(jwt)]
pub enum Handler {}

fn main() {}
