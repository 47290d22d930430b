use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub async fn handler(user: Auth<ShopUser>, #[cfg(unix)] body: String) {
    drop(user);
    #[cfg(unix)]
    drop(body);
}

fn main() {}
