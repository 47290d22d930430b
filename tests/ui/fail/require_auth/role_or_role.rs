use auth_core::{Auth, require_auth};
use auth_tests::{Role, ShopUser};

#[require_auth(jwt, role(Role::Admin) | role(Role::Clerk))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
