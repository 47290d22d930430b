use auth_core::{Auth, public};
use auth_tests::ShopUser;

#[public]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
