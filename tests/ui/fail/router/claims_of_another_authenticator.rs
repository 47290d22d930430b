use auth_core::route::get;
use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, require_auth};
use auth_tests::ShopUser;

#[derive(Claims)]
pub struct Robot {
    #[claim(subject)]
    pub id: u64,
}

#[require_auth(jwt)]
pub async fn handler(user: Auth<Robot>) {
    drop(user);
}

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new().route("/", get(handler))
}

fn main() {}
