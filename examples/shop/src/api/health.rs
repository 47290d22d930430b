//! For monitoring.

use auth_core::public;

/// `GET /health`
#[public]
pub(crate) async fn health() -> &'static str {
    "ok"
}
