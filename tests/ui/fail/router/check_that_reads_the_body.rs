use auth_core::route::post;
use auth_core::{Auth, Authenticator, ProtectedRouter, check, require_auth};
use auth_tests::ShopUser;
use axum::Json;

#[check]
pub async fn is_owner(user: &Auth<ShopUser>, Json(owner): Json<u64>) -> bool {
    user.id == owner
}

#[require_auth(jwt, check(is_owner))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new().route("/", post(handler))
}

fn main() {}
