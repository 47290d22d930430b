use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub struct Signed(Option<Auth<ShopUser>>);

impl Signed {
    pub fn user(&self) -> &Option<Auth<ShopUser>> {
        &self.0
    }
}

fn main() {}
