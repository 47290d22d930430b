use auth_core::route::get;
use auth_core::{Auth, Authenticator, ProtectedRouter};
use auth_tests::ShopUser;

pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new().route("/", get(handler))
}

fn main() {}
