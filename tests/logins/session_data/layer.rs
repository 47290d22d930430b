//! `Session` as an argument of handlers, with and without its layer.

use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::route::get;
use auth_core::session::Session;
use auth_core::{ProtectedRouter, public};
use auth_tests::shop::Shopkeeper;
use auth_tests::{Call, Shop};

#[public]
async fn debug(session: Session) -> String {
    session.insert("cart", "pen").await.unwrap();
    session.save().await.unwrap();
    format!("{session:?}, {}", session.id().is_some())
}

fn routes() -> ProtectedRouter<Shopkeeper> {
    ProtectedRouter::new().route("/debug", get(debug))
}

#[tokio::test]
async fn session_data_without_its_layer_are_a_server_error_that_names_no_other_library() {
    let shop = Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await;
    let answer = Call::get("/debug").send(&routes().with_state(shop.auth.clone())).await;
    answer.assert_problem(500, "Session data is not available", &[]);
}

#[tokio::test]
async fn the_debug_text_of_a_session_does_not_contain_its_id() {
    let shop = Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await;
    let app = routes().layer(shop.auth.session_data_layer()).with_state(shop.auth.clone());
    Call::get("/debug").send(&app).await.assert_text("Session { .. }, true");
}
