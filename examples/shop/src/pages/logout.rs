//! Signing out of a browser.

use auth_core::{Auth, Authenticator, require_auth};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Result};

use crate::user::ShopUser;

/// `POST /logout`
#[require_auth(session)]
pub(crate) async fn logout(
    user: Auth<ShopUser>,
    State(auth): State<Authenticator<ShopUser>>,
) -> Result<impl IntoResponse> {
    Ok((auth.logout(&user).await?, Redirect::to("/")))
}
