use auth_core::route::get;
use auth_core::{Auth, Authenticator, ProtectedRouter, require_auth};
use auth_tests::ShopUser;

pub struct Order;

#[require_auth(jwt)]
pub async fn handler(user: Auth<ShopUser>) -> Order {
    drop(user);
    Order
}

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new().route("/", get(handler))
}

fn main() {}
