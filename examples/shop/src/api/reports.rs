//! Figures, for programs only.

use auth_core::require_auth;
use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::orders::Orders;
use crate::problem::Problem;
use crate::user::{Scope, ShopUser};

/// The figures of the shop.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Report {
    orders: i64,
}

/// `GET /api/reports`
#[require_auth(jwt, scope(Scope::ReportsRead), claims = ShopUser)]
pub(crate) async fn reports(State(orders): State<Orders>) -> Result<Json<Report>, Problem> {
    Ok(Json(Report { orders: orders.count().await? }))
}
