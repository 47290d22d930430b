//! An attribute that documents the handler works above and below: it finds the parameters it describes.

use auth_core::route::{get, post};
use auth_core::{Auth, ProtectedRouter, public, require_auth};
use auth_tests::{AppState, ShopUser};
use axum::Json;
use axum::extract::Path;
use utoipa::OpenApi;

#[require_auth(session | jwt)]
#[utoipa::path(get, path = "/orders/{id}", params(("id" = u64, Path)), responses((status = 200, body = String)))]
async fn below(user: Auth<ShopUser>, Path(id): Path<u64>) -> String {
    format!("{id} {}", user.email)
}

#[utoipa::path(post, path = "/orders/{id}", request_body = String, responses((status = 200, body = String)))]
#[require_auth(session | jwt)]
async fn above(user: Auth<ShopUser>, Path(id): Path<u64>, Json(body): Json<String>) -> String {
    format!("{id} {} {body}", user.email)
}

#[public]
#[utoipa::path(get, path = "/health", responses((status = 200)))]
async fn health() -> &'static str {
    "ok"
}

#[derive(OpenApi)]
#[openapi(paths(below, above, health))]
struct Documentation;

fn main() {
    let _: ProtectedRouter<AppState> = ProtectedRouter::new()
        .route("/orders/{id}", get(below))
        .route("/orders/{id}/change", post(above))
        .route("/health", get(health));
    assert_eq!(Documentation::openapi().paths.paths.len(), 2);
}
