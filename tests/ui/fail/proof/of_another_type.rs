use auth_core::require_auth;
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub struct Signed(ShopUser);

impl Signed {
    pub fn user(&self) -> &ShopUser {
        &self.0
    }
}

fn main() {}
