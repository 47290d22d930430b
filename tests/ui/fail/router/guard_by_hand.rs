use auth_core::__private::{Access, GuardArg, NoChecks, NoClaims};
use auth_core::ProtectedRouter;
use auth_core::route::get;
use auth_tests::AppState;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

struct Fake;

impl GuardArg for Fake {
    const ACCESS: Access = Access::Public;
    type Claims = NoClaims;
    type Checks = NoChecks;
}

impl FromRequestParts<AppState> for Fake {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}

async fn secret(_: Fake) {}

fn main() {
    let _: ProtectedRouter<AppState> = ProtectedRouter::new().route("/secret", get(secret));
}
