//! What the tests share: answers and what is expected of them, waiting that ends, and the principal of a small shop.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod answer;
pub mod problem;
mod waiting;

pub use answer::{Answer, FORGET_COOKIE, SESSION_COOKIE, Tokens, claims_of};
pub use waiting::{PATIENCE, blocking, eventually, within};

use std::collections::HashMap;

use auth_core::{Authenticator, Claims, Roles, Scopes};
use axum::extract::FromRef;

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

/// The shop's state.
#[derive(Clone, Debug, FromRef)]
pub struct AppState {
    /// Who may call.
    pub auth: Authenticator<ShopUser>,
    /// What they ask for.
    pub orders: Orders,
}

/// Who owns which order.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    owners: HashMap<u64, u64>,
}

impl Orders {
    /// The owner of an order.
    pub fn owner(&self, order: u64) -> Option<u64> {
        self.owners.get(&order).copied()
    }
}
