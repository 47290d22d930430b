use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

pub struct Shop;

impl Shop {
    #[require_auth(jwt)]
    pub async fn handler(&self, user: Auth<ShopUser>) {
        drop(user);
    }
}

fn main() {}
