use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

pub async fn is_owner(user: &Auth<ShopUser>) -> bool {
    user.id == 1
}

#[require_auth(jwt, check(is_owner))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
