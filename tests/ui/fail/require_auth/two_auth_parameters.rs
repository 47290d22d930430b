use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub async fn handler(user: Auth<ShopUser>, other: Auth<ShopUser>) {
    drop((user, other));
}

fn main() {}
