use auth_core::require_auth;

#[require_auth(jwt)]
pub async fn handler() {}

fn main() {}
