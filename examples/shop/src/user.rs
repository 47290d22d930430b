//! Roles, scopes, and the claims that every handler sees.

use auth_core::{Claims, Roles, Scopes};

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Role)]
pub(crate) enum Role {
    /// Buys.
    Customer,
    /// Sells: sees all orders and refunds them.
    #[role(includes(Customer))]
    Clerk,
    /// Runs the shop: deletes orders, disables users, gives roles.
    #[role(includes(Clerk))]
    Admin,
}

impl Role {
    /// The role with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Customer, Self::Clerk, Self::Admin]
            .into_iter()
            .find(|role| auth_core::role::Role::name(*role) == name)
    }
}

/// The scopes of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Scope)]
pub(crate) enum Scope {
    /// Look at orders.
    #[scope(name = "orders:read")]
    OrdersRead,
    /// Place orders.
    #[scope(name = "orders:write")]
    OrdersWrite,
    /// Look at the figures.
    #[scope(name = "reports:read")]
    ReportsRead,
}

/// The claims of the shop, in sessions and tokens.
#[derive(Clone, Debug, Claims)]
#[claims(issuer = "https://shop.example", audience = "shop", ttl = "15m")]
pub(crate) struct ShopUser {
    /// The name to sign in with.
    #[claim(subject)]
    pub(crate) name: String,
    /// The email address.
    pub(crate) email: String,
    /// The role of the user.
    #[claim(roles)]
    pub(crate) roles: Roles<Role>,
    /// The scopes of the role.
    #[claim(scopes)]
    pub(crate) scopes: Scopes<Scope>,
}

impl ShopUser {
    /// A user with this role and its scopes.
    pub(crate) fn new(name: String, email: String, role: Role) -> Self {
        let mut scopes = Scopes::from_iter([Scope::OrdersRead, Scope::OrdersWrite]);
        let roles = Roles::from(role);
        if roles.has(Role::Clerk) {
            scopes.insert(Scope::ReportsRead);
        }
        Self { name, email, roles, scopes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_follow_the_role() {
        let scopes = |role| ShopUser::new("x".into(), "x@shop.example".into(), role).scopes;

        assert!(!scopes(Role::Customer).has(Scope::ReportsRead));
        assert!(scopes(Role::Clerk).has(Scope::ReportsRead));
        assert!(scopes(Role::Admin).has(Scope::ReportsRead));
    }

    #[test]
    fn roles_are_read_by_their_exact_name() {
        assert_eq!(Role::parse("clerk"), Some(Role::Clerk));
        assert_eq!(Role::parse("Clerk"), None);
        assert_eq!(Role::parse("admin "), None);
    }
}
