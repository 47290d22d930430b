//! Who signs in.

use auth_core::id::Subject;
use auth_core::{Claims, Roles, Scopes};

#[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Role)]
pub(crate) enum Role {
    Customer,
    #[role(includes(Customer))]
    Clerk,
    #[role(includes(Clerk))]
    Admin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Scope)]
pub(crate) enum Permission {
    #[scope(name = "orders:read")]
    ReadOrders,
    #[scope(name = "orders:write")]
    WriteOrders,
}

#[derive(Clone, Debug, PartialEq, Eq, Claims)]
#[claims(issuer = "https://shop.example", audience = "shop", ttl = "15m", max_ttl = "4h")]
pub(crate) struct User {
    #[claim(subject)]
    pub(crate) name: String,
    #[claim(roles)]
    pub(crate) roles: Roles<Role>,
    #[claim(scopes)]
    pub(crate) scopes: Scopes<Permission>,
}

/// A customer of that name who may read orders.
pub(crate) fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        roles: [Role::Customer].into_iter().collect(),
        scopes: [Permission::ReadOrders].into_iter().collect(),
    }
}

pub(crate) fn anna() -> User {
    user("anna")
}

pub(crate) fn bert() -> User {
    user("bert")
}

pub(crate) fn subject(name: &str) -> Subject {
    Subject::new(name).unwrap()
}
