//! Orders: customers see their own, clerks see all.

use auth_core::extract::Decision;
use auth_core::{Auth, check, require_auth};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;

use crate::orders::{NewOrder, Order, Orders, Wish};
use crate::path::OrderId;
use crate::problem::{JsonBody, Problem};
use crate::user::{Role, Scope, ShopUser};

/// The owner of an order may see it. For other customers the order does not exist.
#[check]
async fn owner(
    user: &Auth<ShopUser>,
    OrderId(id): OrderId,
    State(orders): State<Orders>,
) -> Result<Decision, Problem> {
    let order = orders.find(id).await?;
    Ok(match order {
        Some(order) if order.owner == user.name => Decision::Allow,
        _ => Decision::NotFound,
    })
}

/// `GET /api/orders`
#[require_auth(session | jwt, scope(Scope::OrdersRead))]
pub(crate) async fn list(
    user: Auth<ShopUser>,
    State(orders): State<Orders>,
) -> Result<Json<Vec<Order>>, Problem> {
    let seen = if user.roles.has(Role::Clerk) { orders.all().await? } else { orders.of(&user.name).await? };
    Ok(Json(seen))
}

/// `POST /api/orders`
#[require_auth(session | jwt, scope(Scope::OrdersWrite))]
pub(crate) async fn place(
    user: Auth<ShopUser>,
    State(orders): State<Orders>,
    JsonBody(wish): JsonBody<Wish>,
) -> Result<impl IntoResponse, Problem> {
    let order = orders.place(&user.name, NewOrder::try_from(wish)?).await?;
    let location = format!("/api/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}

/// `GET /api/orders/{id}`
#[require_auth(session | jwt, any(role(Role::Clerk), check(owner)), claims = ShopUser)]
pub(crate) async fn show(OrderId(id): OrderId, State(orders): State<Orders>) -> Result<Json<Order>, Problem> {
    orders.find(id).await?.map(Json).ok_or(Problem::NOT_FOUND)
}

/// `DELETE /api/orders/{id}`
#[require_auth(session | jwt, role(Role::Admin), claims = ShopUser)]
pub(crate) async fn delete(
    OrderId(id): OrderId,
    State(orders): State<Orders>,
) -> Result<StatusCode, Problem> {
    no_content(orders.delete(id).await?)
}

/// `POST /api/orders/{id}/refund`. It pays money, so it requires a recent sign-in.
#[require_auth(session | jwt, role(Role::Clerk), fresh("5m"), claims = ShopUser)]
pub(crate) async fn refund(
    OrderId(id): OrderId,
    State(orders): State<Orders>,
) -> Result<StatusCode, Problem> {
    no_content(orders.refund(id).await?)
}

fn no_content(found: bool) -> Result<StatusCode, Problem> {
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::NOT_FOUND) }
}
