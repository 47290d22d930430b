//! From a name and a password to somebody who may sign in.
//!
//! Checking a password takes long. A user who is disabled in the meantime, or whose password is changed, must not get in:
//! the sign-in begins before the password is looked at, and what ends the user's logins from then on ends it too.

use auth_core::Authenticator;
use auth_core::id::Subject;
use auth_core::store::Ticket;
use axum::response::Result;
use secrecy::SecretString;

use crate::problem::Problem;
use crate::user::ShopUser;
use crate::users::Users;

/// Somebody whose password was right, and the sign-in that began before it was looked at.
pub(crate) struct SignIn {
    pub(crate) ticket: Ticket,
    pub(crate) user: ShopUser,
}

/// Begins a sign-in and checks the password. Unknown, disabled and wrong are one answer, after the same work.
///
/// # Errors
///
/// 503 when the users or the logins cannot be asked.
pub(crate) async fn begin(
    auth: &Authenticator<ShopUser>,
    users: &Users,
    name: &str,
    password: SecretString,
) -> Result<Option<SignIn>> {
    let ticket = match Subject::new(name) {
        Ok(subject) => Some(auth.begin(&subject).await?),
        // Nobody's name; the password is looked at all the same.
        Err(_) => None,
    };
    let user = users.verify(name, password).await.map_err(Problem::from)?;
    Ok(ticket.zip(user).map(|(ticket, user)| SignIn { ticket, user }))
}
