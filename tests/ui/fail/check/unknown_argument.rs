use auth_core::{Auth, check};
use auth_tests::ShopUser;

#[check(role(Role::Admin))]
pub async fn is_first(user: &Auth<ShopUser>) -> bool {
    user.id == 1
}

fn main() {}
