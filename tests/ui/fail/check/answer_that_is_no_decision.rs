use auth_core::{Auth, check};
use auth_tests::ShopUser;

#[check]
pub async fn is_first(user: &Auth<ShopUser>) -> u64 {
    user.id
}

fn main() {}
