use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt, scope())]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
