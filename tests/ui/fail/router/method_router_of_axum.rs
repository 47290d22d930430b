use auth_core::{Auth, Authenticator, ProtectedRouter, require_auth};
use auth_tests::ShopUser;
use axum::routing::get;

#[require_auth(jwt)]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new().route("/", get(handler))
}

fn main() {}
