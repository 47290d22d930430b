use auth_core::{public, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt, claims = ShopUser)]
#[public]
pub async fn handler() {}

fn main() {}
