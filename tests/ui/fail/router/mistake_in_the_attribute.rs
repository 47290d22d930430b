use auth_core::route::get;
use auth_core::{Auth, Authenticator, ProtectedRouter, check, public, require_auth};
use auth_tests::ShopUser;

#[require_auth(jtw)]
pub async fn handler(user: Auth<ShopUser>) {
    drop(user);
}

#[public]
pub fn open() {}

#[require_auth]
pub struct Member(Auth<ShopUser>);

pub async fn member(member: Member) {
    drop(member);
}

#[check]
pub async fn is_owner(user: Auth<ShopUser>) -> bool {
    user.id == 1
}

#[require_auth(jwt, check(is_owner))]
pub async fn checked(user: Auth<ShopUser>) {
    drop(user);
}

pub fn router() -> ProtectedRouter<Authenticator<ShopUser>> {
    ProtectedRouter::new()
        .route("/1", get(handler))
        .route("/2", get(open))
        .route("/3", get(member))
        .route("/4", get(checked))
}

fn main() {}
