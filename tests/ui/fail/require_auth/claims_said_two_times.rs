use auth_core::require_auth;
use auth_tests::ShopUser;

#[require_auth(jwt, claims = ShopUser, claims = ShopUser)]
pub async fn handler() {}

fn main() {}
