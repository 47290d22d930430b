use auth_core::{Auth, require_auth};
use auth_tests::ShopUser;

#[require_auth(jwt)]
pub struct Signed(pub(crate) Auth<ShopUser>);

fn main() {}
