use auth_core::route::get;
use auth_core::{Auth, Authenticator, ProtectedRouter, require_auth};
use auth_tests::ShopUser;

pub type Me = Auth<ShopUser>;

#[require_auth(jwt, claims = ShopUser)]
pub async fn handler(me: Me) {
    drop(me);
}

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new().route("/", get(handler))
}

fn main() {}
