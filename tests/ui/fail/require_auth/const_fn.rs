use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub const fn handler(user: Auth<ShopUser>) -> Auth<ShopUser> {
    user
}

fn main() {}
