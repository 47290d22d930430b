use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(any(session, jwt))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
