//! Who signs in.

use auth_core::id::Subject;
use auth_core::{Claims, Roles, Scopes};

/// What a caller of the shop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Role)]
pub enum Role {
    /// Buys.
    Customer,
    /// Works in the shop.
    #[role(includes(Customer))]
    Clerk,
    /// Runs the shop.
    #[role(includes(Clerk))]
    Admin,
}

/// What a credential of the shop may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Scope)]
pub enum Permission {
    /// See orders.
    #[scope(name = "orders:read")]
    ReadOrders,
    /// Place orders.
    #[scope(name = "orders:write")]
    WriteOrders,
}

/// Who calls the shop.
#[derive(Clone, Debug, PartialEq, Eq, Claims)]
#[claims(issuer = "https://shop.example", audience = "shop", ttl = "15m", max_ttl = "1h")]
pub struct ShopUser {
    /// The user's number.
    #[claim(subject)]
    pub id: u64,
    /// Where mail reaches them.
    pub email: String,
    /// How they want to be called.
    #[claim(rename = "nickname")]
    pub nick: Option<String>,
    /// What they are.
    #[claim(roles)]
    pub roles: Roles<Role>,
    /// What the credential may be used for.
    #[claim(scopes)]
    pub scopes: Scopes<Permission>,
}

/// A user with that number: a customer, or more for 1 (an administrator who may do everything).
pub fn user(id: u64) -> ShopUser {
    let (role, scopes) = match id {
        1 => (Role::Admin, Scopes::from_iter([Permission::ReadOrders, Permission::WriteOrders])),
        _ => (Role::Customer, Scopes::from_iter([Permission::ReadOrders])),
    };
    ShopUser { id, email: format!("mail-of-{id}@shop.example"), nick: None, roles: Roles::from(role), scopes }
}

/// A caller who is known by name.
#[derive(Clone, Debug, PartialEq, Eq, Claims)]
#[claims(issuer = "https://shop.example", audience = "shop", ttl = "15m", max_ttl = "4h")]
pub struct User {
    /// The name.
    #[claim(subject)]
    pub name: String,
    /// What they are.
    #[claim(roles)]
    pub roles: Roles<Role>,
    /// What the credential may be used for.
    #[claim(scopes)]
    pub scopes: Scopes<Permission>,
}

/// A customer of that name who may read orders.
pub(crate) fn named(name: &str) -> User {
    User {
        name: name.to_owned(),
        roles: [Role::Customer].into_iter().collect(),
        scopes: [Permission::ReadOrders].into_iter().collect(),
    }
}

/// A customer.
pub fn anna() -> User {
    named("anna")
}

/// The same, as an administrator.
pub fn admin() -> User {
    User { roles: [Role::Admin].into_iter().collect(), ..anna() }
}

/// Another customer.
pub fn bert() -> User {
    named("bert")
}

/// Somebody in a credential.
pub fn subject(name: &str) -> Subject {
    Subject::new(name).unwrap()
}
