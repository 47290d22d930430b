use auth_core::require_auth;
use auth_tests::ShopUser;

pub struct Auth<C>(C);

#[require_auth(jwt)]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
