//! A tuple struct is a guard to reuse: alone, beside other extractors, and below `#[require_auth]`.
#![deny(warnings)]

use auth_core::route::get;
use auth_core::{ProtectedRouter, require_auth};
use auth_tests::{AppState, ShopUser};

mod proof {
    use auth_core::{Auth, require_auth};
    use auth_tests::{Role, ShopUser};

    /// Somebody who runs the shop.
    #[derive(Clone, Debug)]
    #[require_auth(session | jwt, role(Role::Admin), fresh("5m"))]
    pub struct AdminUser(Auth<ShopUser>);

    impl AdminUser {
        pub fn email(&self) -> &str {
            &self.0.email
        }
    }

    #[require_auth(jwt)]
    pub(crate) struct Signed(Auth<ShopUser>);
}

async fn admin(admin: proof::AdminUser, body: String) -> String {
    admin.email().to_owned() + body.as_str()
}

async fn signed(_: proof::Signed) {}

#[require_auth(session, claims = ShopUser)]
async fn both(admin: proof::AdminUser) -> String {
    admin.email().to_owned()
}

fn main() {
    let _: ProtectedRouter<AppState> = ProtectedRouter::new()
        .route("/admin", get(admin))
        .route("/signed", get(signed))
        .route("/both", get(both));
}
