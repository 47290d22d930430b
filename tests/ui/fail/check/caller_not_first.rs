use auth_core::{Auth, check};
use auth_tests::ShopUser;
use axum::extract::Path;

#[check]
pub async fn is_first(Path(id): Path<u64>, user: &Auth<ShopUser>) -> bool {
    user.id == id
}

fn main() {}
