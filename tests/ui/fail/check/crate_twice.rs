use auth_core::{Auth, check};
use auth_tests::ShopUser;

#[check(crate = auth_core, crate = auth_core)]
pub async fn is_first(user: &Auth<ShopUser>) -> bool {
    user.id == 1
}

fn main() {}
