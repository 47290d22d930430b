use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub struct Signed {
    user: Auth<ShopUser>,
}

impl Signed {
    pub fn user(&self) -> &ShopUser {
        &self.user
    }
}

fn main() {}
