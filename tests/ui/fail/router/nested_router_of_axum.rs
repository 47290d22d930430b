use auth_core::{Authenticator, ProtectedRouter};
use auth_tests::ShopUser;
use axum::Router;

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new().nest("/api", Router::new())
}

fn main() {}
