//! Signing in with a program.

use auth_core::login::Tokens;
use auth_core::web::Device;
use auth_core::{Authenticator, public};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Result;
use secrecy::SecretString;
use serde::Deserialize;

use crate::problem::{JsonBody, Problem};
use crate::sign_in::{self, SignIn};
use crate::user::ShopUser;
use crate::users::Users;

const WRONG: Problem = Problem::new(StatusCode::UNAUTHORIZED, "User name or password is wrong");

/// Who wants in.
#[derive(Debug, Deserialize)]
pub(crate) struct Credentials {
    username: String,
    password: SecretString,
}

/// `POST /api/login`
#[public]
pub(crate) async fn login(
    device: Device,
    State(auth): State<Authenticator<ShopUser>>,
    State(users): State<Users>,
    JsonBody(Credentials { username, password }): JsonBody<Credentials>,
) -> Result<Tokens> {
    let SignIn { ticket, user } = sign_in::begin(&auth, &users, &username, password).await?.ok_or(WRONG)?;
    Ok(auth.login_tokens_with(&ticket, device, user).await?)
}
