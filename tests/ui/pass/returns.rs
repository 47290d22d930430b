//! Opaque types, results, `?` and nothing at all can be returned.

use auth_core::route::{get, post};
use auth_core::{Auth, ProtectedRouter, public, require_auth};
use auth_tests::{AppState, ShopUser};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

#[require_auth(session | jwt)]
async fn opaque(user: Auth<ShopUser>) -> impl IntoResponse {
    user.email.clone()
}

#[require_auth(jwt)]
async fn fallible(user: Auth<ShopUser>, body: String) -> Result<Json<u64>, (StatusCode, &'static str)> {
    let number = body.parse::<u64>().map_err(|_| (StatusCode::BAD_REQUEST, "not a number"))?;
    Ok(Json(number + user.id))
}

#[require_auth(jwt)]
async fn fallible_opaque(_: Auth<ShopUser>) -> Result<impl IntoResponse, Response> {
    if false {
        return Err(StatusCode::NOT_FOUND.into_response());
    }
    Ok("ok")
}

#[require_auth(session, claims = ShopUser)]
async fn nothing() {}

#[public]
async fn opaque_for_everybody() -> impl IntoResponse {
    (StatusCode::OK, "ok")
}

fn main() {
    let _: ProtectedRouter<AppState> = ProtectedRouter::new()
        .route("/opaque", get(opaque).post(fallible))
        .route("/fallible", post(fallible_opaque))
        .route("/nothing", get(nothing))
        .route("/", get(opaque_for_everybody));
}
