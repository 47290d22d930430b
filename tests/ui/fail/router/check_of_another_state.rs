use auth_core::route::get;
use auth_core::{Auth, Authenticator, ProtectedRouter, check, require_auth};
use auth_tests::ShopUser;
use axum::extract::State;

#[derive(Clone)]
pub struct Db;

#[check]
pub async fn is_owner(user: &Auth<ShopUser>, State(_): State<Db>) -> bool {
    user.id == 1
}

#[require_auth(jwt, check(is_owner))]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new().route("/", get(handler))
}

fn main() {}
