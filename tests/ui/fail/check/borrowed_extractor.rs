use auth_core::{Auth, check};
use auth_tests::ShopUser;
use axum::extract::Path;

#[check]
pub async fn is_first(user: &Auth<ShopUser>, id: &Path<u64>) -> bool {
    user.id == id.0
}

fn main() {}
