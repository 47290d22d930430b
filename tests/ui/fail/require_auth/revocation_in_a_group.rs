use auth_core::{Auth, require_auth};
use auth_tests::{Role, ShopUser};

#[require_auth(jwt, all(role(Role::Admin), revocation(within = "2s")))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
