use auth_core::{Auth, check};
use auth_tests::ShopUser;

#[check]
pub async fn is_first(user: &mut Auth<ShopUser>) -> bool {
    user.id == 1
}

fn main() {}
