use auth_core::{Auth, public};
use auth_tests::ShopUser;

#[public]
pub async fn handler(user: Option<Auth<ShopUser>>) {
    drop(user);
}

fn main() {}
