use auth_core::{Auth, check};
use auth_tests::ShopUser;

#[check]
pub async fn is_first(user: &Auth<ShopUser>) -> impl Send {
    user.id == 1
}

fn main() {}
