use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Staff {
    Admin,
}

#[require_auth(jwt, role(Staff::Admin))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

fn main() {}
