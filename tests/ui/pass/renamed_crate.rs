//! The runtime is found where `crate = …` says.

mod vendor {
    pub use auth_core as auth;
}

use vendor::auth::route::get;
use vendor::auth::{Auth, Authenticator, ProtectedRouter, Roles, Scopes};

#[derive(Clone, Copy, PartialEq, Eq, vendor::auth::Role)]
#[role(crate = vendor::auth)]
enum Role {
    Admin,
}

#[derive(Clone, Copy, PartialEq, Eq, vendor::auth::Scope)]
#[scope(crate = vendor::auth)]
enum Scope {
    Read,
}

#[derive(vendor::auth::Claims)]
#[claims(crate = vendor::auth)]
struct User {
    #[claim(subject)]
    id: u64,
    #[claim(roles)]
    roles: Roles<Role>,
    #[claim(scopes)]
    scopes: Scopes<Scope>,
}

#[vendor::auth::check(crate = vendor::auth)]
async fn is_first(user: &Auth<User>) -> bool {
    user.id == 1
}

#[vendor::auth::require_auth(
    session | jwt, role(Role::Admin), scope(Scope::Read), check(is_first), fresh("1h30m"), csrf(off),
    crate = vendor::auth,
)]
async fn handler(user: Auth<User>) -> String {
    format!("{:?} {:?}", user.roles.is_empty(), user.scopes.is_empty())
}

#[vendor::auth::require_auth(jwt, crate = vendor::auth)]
struct Signed(Auth<User>);

#[vendor::auth::public(crate = self::vendor::auth)]
async fn open() {}

fn main() {
    let _: ProtectedRouter<Authenticator<User>> = ProtectedRouter::new()
        .route("/handler", get(handler))
        .route("/signed", get(|_: Signed| async {}))
        .route("/", get(open));
}
