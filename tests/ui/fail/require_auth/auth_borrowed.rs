use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub async fn handler(user: &Auth<ShopUser>) {
    let _ = user;
}

fn main() {}
