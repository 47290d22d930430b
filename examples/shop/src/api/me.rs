//! The caller's own data.

use auth_core::{Auth, Roles, require_auth};
use axum::Json;
use serde::Serialize;

use crate::user::{Role, ShopUser};

/// The caller's name, role and scopes.
#[derive(Debug, Serialize)]
pub(crate) struct Me {
    subject: String,
    email: String,
    roles: Roles<Role>,
    scheme: &'static str,
    login: Option<String>,
}

/// `GET /api/me`
#[require_auth(session | jwt)]
pub(crate) async fn me(user: Auth<ShopUser>) -> Json<Me> {
    Json(Me {
        subject: user.subject().to_string(),
        email: user.email.clone(),
        roles: user.roles,
        scheme: user.scheme().name(),
        login: user.login_id().map(|id| id.to_string()),
    })
}
