use auth_core::{Auth, Authenticator};
use auth_tests::ShopUser;
use axum::Router;
use axum::routing::get;

pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

pub fn router() -> Router<Authenticator<ShopUser>> {
    Router::new().route("/", get(handler))
}

fn main() {}
