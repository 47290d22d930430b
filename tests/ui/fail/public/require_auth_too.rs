use auth_core::{public, require_auth};
use auth_tests::ShopUser;

#[public]
#[require_auth(jwt, claims = ShopUser)]
pub async fn handler() {}

fn main() {}
