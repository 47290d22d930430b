//! Keywords as names.

use auth_core::route::get;
use auth_core::{Auth, Claims, ProtectedRouter, Roles, check, public, require_auth};

#[derive(Clone, Copy, PartialEq, Eq, auth_core::Role)]
enum r#Enum {
    r#Try,
    #[role(includes(r#Try))]
    r#Box,
}

#[derive(Claims)]
struct r#Struct {
    #[claim(subject)]
    r#fn: String,
    r#type: Option<u8>,
    #[claim(roles)]
    r#match: Roles<r#Enum>,
}

mod r#mod {
    use super::*;

    #[check]
    pub async fn r#where(user: &Auth<r#Struct>) -> bool {
        user.r#type.is_some() && !user.r#match.is_empty()
    }
}

#[require_auth(jwt, role(r#Enum::r#Try | r#Enum::r#Box), check(r#mod::r#where))]
async fn r#async(r#use: Auth<r#Struct>, r#impl: String) -> String {
    r#use.r#fn.clone() + &r#impl
}

#[public]
async fn r#match(r#in: String) -> String {
    r#in
}

#[require_auth(jwt)]
struct r#Trait(Auth<r#Struct>);

fn main() {
    let _: ProtectedRouter<auth_core::Authenticator<r#Struct>> = ProtectedRouter::new()
        .route("/async", get(r#async))
        .route("/trait", get(|_: r#Trait| async {}))
        .route("/match", get(r#match));
}
