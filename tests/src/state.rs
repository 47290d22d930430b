//! What the handlers of the compile cases have for a state.

use std::collections::HashMap;

use auth_core::Authenticator;
use axum::extract::FromRef;

use crate::ShopUser;

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
