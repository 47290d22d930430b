use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt, revocation(within = "2s"), revocation(within = "3s"))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
