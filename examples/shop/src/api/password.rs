//! Changing the caller's password.

use auth_core::{Auth, Authenticator, require_auth};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Result;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::to_the_end;
use crate::address::Address;
use crate::guesses::Guesses;
use crate::problem::{JsonBody, Problem};
use crate::user::ShopUser;
use crate::users::{PasswordChange, Users};

const SHORTEST: usize = 8;

/// The old and the new password.
#[derive(Debug, Deserialize)]
pub(crate) struct Passwords {
    old: SecretString,
    new: SecretString,
}

/// `POST /api/password`. It ends the user's other logins.
///
/// After a 503 the password may be changed while the other logins have not ended: then `DELETE /auth/logins` ends them.
/// Both steps run in a task of their own, which completes even if the client disconnects.
#[require_auth(session | jwt, fresh("5m"))]
pub(crate) async fn change(
    user: Auth<ShopUser>,
    from: Address,
    State(guesses): State<Guesses>,
    State(auth): State<Authenticator<ShopUser>>,
    State(users): State<Users>,
    JsonBody(Passwords { old, new }): JsonBody<Passwords>,
) -> Result<StatusCode> {
    if new.expose_secret().chars().count() < SHORTEST {
        return Err(Problem::unprocessable("`new` must have at least 8 characters").into());
    }
    let guess = guesses.admit(&user.name, from).map_err(Problem::from)?;
    let changed = async move {
        match users.change_password(&user.name, old, new).await {
            Ok(PasswordChange::WrongPassword) => {
                Err(Problem::new(StatusCode::FORBIDDEN, "`old` is not the password").into())
            }
            Ok(PasswordChange::Changed) => {
                guess.take_back();
                auth.end_other_logins(&user).await?;
                Ok(StatusCode::NO_CONTENT)
            }
            Err(error) => {
                guess.take_back();
                Err(Problem::from(error).into())
            }
        }
    };
    to_the_end(changed).await
}
