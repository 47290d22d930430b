use auth_core::{Auth, require_auth};
use auth_tests::{Role, ShopUser};

#[require_auth(role(Role::Admin))]
pub struct Admin(Auth<ShopUser>);

impl Admin {
    pub fn user(&self) -> &ShopUser {
        &self.0
    }
}

fn main() {}
