use auth_core::route::get;
use auth_core::{Auth, ProtectedRouter, require_auth};
use auth_tests::ShopUser;

#[derive(Clone)]
pub struct AppState;

#[require_auth(jwt)]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

pub fn router() -> ProtectedRouter<AppState> {
    ProtectedRouter::new().route("/", get(handler))
}

fn main() {}
