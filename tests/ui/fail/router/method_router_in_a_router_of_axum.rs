use auth_core::route::get;
use auth_core::{Auth, Authenticator, require_auth};
use auth_tests::ShopUser;
use axum::Router;

#[require_auth(jwt)]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

pub fn router() -> Router<Authenticator<ShopUser>> {
    Router::new().route("/", get(handler))
}

fn main() {}
