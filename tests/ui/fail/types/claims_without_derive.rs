use auth_core::{Auth, require_auth};

pub struct User {
    pub id: u64,
}

#[require_auth(jwt)]
pub async fn handler(user: Auth<User>) {
    drop(user);
}

fn main() {}
