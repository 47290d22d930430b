use auth_core::{Auth, require_auth};
use auth_tests::{Permission, ShopUser};

#[require_auth(jwt, scope(Permission::ReadOrder))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
