use auth_core::{Auth, require_auth};
use auth_tests::{Role, ShopUser};

#[require_auth(jwt, role(Role::Clerk || Role::Admin))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
