//! Handlers of every visibility, of claims that are less visible than they are.
#![deny(warnings)]

use auth_core::route::get;
use auth_core::{Auth, Authenticator, Claims, ProtectedRouter};

#[derive(Claims)]
struct User {
    #[claim(subject)]
    id: u64,
}

mod api {
    use super::*;

    pub mod orders {
        use super::super::*;
        use auth_core::{check, require_auth};

        #[require_auth(jwt, check(is_first))]
        pub async fn list(user: Auth<User>) -> String {
            user.id.to_string()
        }

        #[require_auth(jwt, check(self::is_first))]
        pub(crate) async fn crate_wide(user: Auth<User>) -> String {
            user.id.to_string()
        }

        #[require_auth(jwt)]
        pub(in crate::api) async fn within(user: Auth<User>) -> String {
            user.id.to_string()
        }

        #[check]
        pub async fn is_first(user: &Auth<User>) -> bool {
            user.id == 1
        }

        #[require_auth(jwt, check(is_first))]
        pub struct Signed(Auth<User>);
    }

    pub fn router() -> ProtectedRouter<Authenticator<User>> {
        ProtectedRouter::new().route("/within", get(orders::within))
    }
}

fn main() {
    let _: ProtectedRouter<Authenticator<User>> = ProtectedRouter::new()
        .merge(api::router())
        .route("/list", get(api::orders::list))
        .route("/signed", get(|_: api::orders::Signed| async {}))
        .route("/crate_wide", get(api::orders::crate_wide));
}
