//! From a checked password to a login.
//!
//! Checking a password takes long, and a login is made after it. A user who was disabled in the meantime, or whose
//! password was changed, must not get in: the change ended the logins of that moment, and this one came later. So the
//! user is looked at again once the login is there; a change from then on finds it and ends it.

use auth_core::Authenticator;
use auth_core::id::{LoginId, Subject};
use auth_core::login::{SignedIn, Tokens};
use auth_core::web::{Device, LoginAttempt};
use axum::response::Result;

use crate::problem::Problem;
use crate::user::ShopUser;
use crate::users::{Users, Verified};

/// Signs a browser in.
///
/// # Errors
///
/// What auth-core answers, and 503 when the user changed meanwhile: trying again tells how.
pub(crate) async fn with_session(
    auth: &Authenticator<ShopUser>,
    users: &Users,
    attempt: LoginAttempt,
    verified: &Verified,
) -> Result<SignedIn> {
    let signed_in = auth.login_session(attempt, verified.claims()).await?;
    if users.may_still_enter(verified).await.map_err(Problem::from)? {
        return Ok(signed_in);
    }
    withdraw(auth, verified, signed_in.login_id()).await
}

/// Signs a program in.
///
/// # Errors
///
/// As [`with_session`].
pub(crate) async fn with_tokens(
    auth: &Authenticator<ShopUser>,
    users: &Users,
    device: Device,
    verified: &Verified,
) -> Result<Tokens> {
    let tokens = auth.login_tokens(device, verified.claims()).await?;
    if users.may_still_enter(verified).await.map_err(Problem::from)? {
        return Ok(tokens);
    }
    withdraw(auth, verified, tokens.login_id()).await
}

async fn withdraw<T>(auth: &Authenticator<ShopUser>, verified: &Verified, login: LoginId) -> Result<T> {
    let subject = Subject::new(verified.name()).map_err(|_| Problem::INTERNAL)?;
    let _ = auth.end_login(&subject, login).await?;
    Err(Problem::UNAVAILABLE.into())
}
