use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
#[require_auth(session)]
pub struct Signed(Auth<ShopUser>);

impl Signed {
    pub fn user(&self) -> &ShopUser {
        &self.0
    }
}

fn main() {}
