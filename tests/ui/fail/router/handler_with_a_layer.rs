use auth_core::route::get;
use auth_core::{ProtectedRouter, public};
use axum::Extension;
use axum::handler::Handler;

#[public]
async fn handler() {}

fn main() {
    let layered = Handler::<_, ()>::layer(handler, Extension(0));
    let _: ProtectedRouter = ProtectedRouter::new().route("/", get(layered));
}
