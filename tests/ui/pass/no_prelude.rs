//! Nothing of the prelude is needed.
#![no_implicit_prelude]

use ::auth_core::{Auth, Claims, Roles, Scopes, check, public, require_auth};
use ::std::clone::Clone;
use ::std::cmp::{Eq, PartialEq};
use ::std::marker::Copy;
use ::std::option::Option;
use ::std::string::String;

#[derive(Clone, Copy, PartialEq, Eq, ::auth_core::Role)]
enum Role {
    Customer,
    #[role(includes(Customer))]
    Admin,
}

#[derive(Clone, Copy, PartialEq, Eq, ::auth_core::Scope)]
enum Scope {
    Read,
}

#[derive(Claims)]
#[claims(issuer = "https://shop.example", audience = "shop", ttl = "10m")]
struct User {
    #[claim(subject)]
    id: u64,
    email: String,
    nick: Option<String>,
    #[claim(roles)]
    roles: Roles<Role>,
    #[claim(scopes)]
    scopes: Scopes<Scope>,
}

#[check]
async fn is_first(user: &Auth<User>, method: ::axum::http::Method) -> bool {
    user.id == 1 && method == ::axum::http::Method::GET
}

#[require_auth(
    session | jwt,
    any(role(Role::Admin & Role::Customer), scope(Scope::Read), check(is_first)),
    fresh("5m"),
    revocation(within = "2s"),
    csrf(off)
)]
async fn handler(user: Auth<User>, body: String) -> String {
    let _ = (&user.email, &user.nick, &user.roles, &user.scopes);
    body
}

#[require_auth(session)]
async fn optional(user: Option<Auth<User>>) {
    let _ = user;
}

#[public]
async fn open() {}

#[require_auth(jwt)]
struct Signed(Auth<User>);

fn main() {
    use ::auth_core::route::get;
    let _: ::auth_core::ProtectedRouter<::auth_core::Authenticator<User>> = ::auth_core::ProtectedRouter::new()
        .route("/handler", get(handler))
        .route("/optional", get(optional))
        .route("/signed", get(|_: Signed| async {}))
        .route("/", get(open));
}
