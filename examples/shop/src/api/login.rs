//! Signing in with a program.

use auth_core::login::Tokens;
use auth_core::web::LoginAttempt;
use auth_core::{Authenticator, public};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Result;
use secrecy::SecretString;
use serde::Deserialize;

use crate::address::Address;
use crate::problem::{JsonBody, Problem};
use crate::sign_in::{Outcome, SignIn, SignIns};
use crate::user::ShopUser;

const WRONG: Problem = Problem::new(StatusCode::UNAUTHORIZED, "User name or password is wrong");

/// The body of a sign-in.
#[derive(Debug, Deserialize)]
pub(crate) struct Credentials {
    username: String,
    password: SecretString,
}

/// `POST /api/login`
#[public]
pub(crate) async fn login(
    attempt: LoginAttempt,
    from: Address,
    State(auth): State<Authenticator<ShopUser>>,
    State(sign_ins): State<SignIns>,
    JsonBody(Credentials { username, password }): JsonBody<Credentials>,
) -> Result<Tokens> {
    match sign_ins.begin(from, &username, password).await? {
        Outcome::Right(SignIn { ticket, user }) => Ok(auth.login_tokens_with(&ticket, attempt, user).await?),
        Outcome::TooMany(too_many) => Err(Problem::from(too_many).into()),
        Outcome::Wrong => Err(WRONG.into()),
    }
}
