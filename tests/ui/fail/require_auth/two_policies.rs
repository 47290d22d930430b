use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
#[require_auth(session)]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
