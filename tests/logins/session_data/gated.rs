//! Handlers that wait at a gate, so that a test decides what happens meanwhile.

use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::route::{get, post};
use auth_core::session::Session;
use auth_core::{Auth, ProtectedRouter, public, require_auth};
use auth_tests::shop::{Shopkeeper, routes};
use auth_tests::{Answer, Call, Gate, Shop, ShopUser, joined};
use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use tokio::task::JoinHandle;

/// Sends the request. Returns when its handler waits at the gate.
pub(crate) async fn start(gate: &Gate, shop: &Shop, call: Call) -> JoinHandle<Answer> {
    let running = tokio::spawn(call.extension(gate.clone()).send(&shop.app));
    gate.reached().await;
    running
}

/// Lets the handler go on; returns the answer.
pub(crate) async fn finish(gate: &Gate, running: JoinHandle<Answer>) -> Answer {
    gate.let_one_through();
    joined(running).await
}

/// The shop with handlers that stop.
pub(crate) async fn shop() -> Shop {
    let mut shop = Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await;
    let gated = ProtectedRouter::new()
        .route("/changes-then-waits", post(changes_then_waits))
        .route("/reads-then-waits-then-changes", post(reads_then_waits_then_changes))
        .route("/waits-then-changes", post(waits_then_changes))
        .route("/waits-then-changes-for-anybody", post(waits_then_changes_for_anybody))
        .route("/waits-then-reads", get(waits_then_reads))
        .route("/waits-then-signs-out", post(waits_then_signs_out))
        .route("/changes-and-fails", post(changes_and_fails))
        .route("/takes-a-new-id", post(takes_a_new_id))
        .route("/takes-a-new-id-then-waits", post(takes_a_new_id_then_waits))
        .route("/waits-then-takes-a-new-id", post(waits_then_takes_a_new_id))
        .route("/empties", post(empties))
        .route("/empties-and-fails", post(empties_and_fails))
        .layer(shop.auth.session_data_layer());
    shop.app = routes(&shop.auth).merge(gated).with_state(shop.auth.clone());
    shop
}

async fn put(session: &Session) {
    session.insert("cart", "changed").await.unwrap();
}

#[require_auth(session)]
async fn changes_then_waits(
    _user: Auth<ShopUser>,
    session: Session,
    Extension(gate): Extension<Gate>,
) -> &'static str {
    put(&session).await;
    gate.pass().await;
    "done"
}

#[require_auth(session)]
async fn reads_then_waits_then_changes(
    _user: Auth<ShopUser>,
    session: Session,
    Extension(gate): Extension<Gate>,
) -> &'static str {
    let _: Option<String> = session.get("cart").await.unwrap();
    gate.pass().await;
    put(&session).await;
    "done"
}

#[require_auth(session)]
async fn waits_then_changes(
    _user: Auth<ShopUser>,
    session: Session,
    Extension(gate): Extension<Gate>,
) -> &'static str {
    gate.pass().await;
    put(&session).await;
    "done"
}

#[public]
async fn waits_then_changes_for_anybody(session: Session, Extension(gate): Extension<Gate>) -> &'static str {
    gate.pass().await;
    put(&session).await;
    "done"
}

#[require_auth(session)]
async fn waits_then_reads(
    _user: Auth<ShopUser>,
    session: Session,
    Extension(gate): Extension<Gate>,
) -> String {
    gate.pass().await;
    let goods: Option<String> = session.get("cart").await.unwrap();
    goods.unwrap_or_else(|| "empty".to_owned())
}

#[require_auth(session)]
async fn waits_then_signs_out(
    user: Auth<ShopUser>,
    State(auth): State<Shopkeeper>,
    session: Session,
    Extension(gate): Extension<Gate>,
) -> impl IntoResponse {
    put(&session).await;
    gate.pass().await;
    (auth.logout(&user).await.unwrap(), "signed out")
}

#[require_auth(session)]
async fn changes_and_fails(_user: Auth<ShopUser>, session: Session) -> StatusCode {
    put(&session).await;
    StatusCode::INTERNAL_SERVER_ERROR
}

#[require_auth(session)]
async fn takes_a_new_id(_user: Auth<ShopUser>, session: Session) -> &'static str {
    session.cycle_id().await.unwrap();
    "done"
}

#[require_auth(session)]
async fn takes_a_new_id_then_waits(
    _user: Auth<ShopUser>,
    session: Session,
    Extension(gate): Extension<Gate>,
) -> &'static str {
    session.cycle_id().await.unwrap();
    gate.pass().await;
    "done"
}

/// It has seen the data when it stops.
#[require_auth(session)]
async fn waits_then_takes_a_new_id(
    _user: Auth<ShopUser>,
    session: Session,
    Extension(gate): Extension<Gate>,
) -> Result<&'static str, StatusCode> {
    let _: Option<String> = session.get("cart").await.unwrap();
    gate.pass().await;
    session.cycle_id().await.map_err(|_| StatusCode::CONFLICT)?;
    Ok("done")
}

#[public]
async fn empties_and_fails(session: Session) -> StatusCode {
    session.flush().await.unwrap();
    StatusCode::INTERNAL_SERVER_ERROR
}

#[public]
async fn empties(session: Session) -> &'static str {
    session.flush().await.unwrap();
    "done"
}
