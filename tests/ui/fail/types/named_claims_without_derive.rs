use auth_core::require_auth;

pub struct User {
    pub id: u64,
}

#[require_auth(jwt, claims = User)]
pub async fn handler() {}

fn main() {}
