use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub struct Signed(Auth<ShopUser>, u8);

impl Signed {
    pub fn user(&self) -> (&ShopUser, u8) {
        (&self.0, self.1)
    }
}

fn main() {}
