//! A handler for everybody that knows who is signed in.

use auth_core::route::get;
use auth_core::{Auth, ProtectedRouter, require_auth};
use auth_tests::{AppState, ShopUser};

#[require_auth(session)]
async fn home(user: Option<Auth<ShopUser>>, body: String) -> String {
    user.map(|user| user.email.clone()).unwrap_or(body)
}

#[require_auth(session | jwt, revocation(within = "2s"), csrf(off))]
async fn written_out(body: String, user: std::option::Option<auth_core::Auth<ShopUser>>) -> String {
    user.map(|user| user.email.clone()).unwrap_or(body)
}

fn main() {
    let router: ProtectedRouter<AppState> =
        ProtectedRouter::new().route("/", get(home)).route("/2", get(written_out));
    assert!(router.policies().to_string().contains("optional"));
}
