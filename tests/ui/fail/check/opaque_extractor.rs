use auth_core::{Auth, check};
use auth_tests::ShopUser;

#[check]
pub async fn is_first(user: &Auth<ShopUser>, id: impl Into<u64>) -> bool {
    user.id == id.into()
}

fn main() {}
