//! Checking the name and password of a sign-in.
//!
//! Checking a password takes long. A user who is disabled in the meantime, or whose password is changed, must not be
//! signed in. Therefore the sign-in begins before the password check: what ends the user's logins from then on ends the
//! sign-in too.

use auth_core::Authenticator;
use auth_core::id::Subject;
use auth_core::store::Ticket;
use axum::extract::FromRef;
use axum::response::Result;
use secrecy::SecretString;

use crate::address::Address;
use crate::guesses::{Guesses, TooManyGuesses};
use crate::problem::Problem;
use crate::state::AppState;
use crate::user::ShopUser;
use crate::users::Users;

/// The parts of the state that signing in needs.
#[derive(Clone, Debug)]
pub(crate) struct SignIns {
    auth: Authenticator<ShopUser>,
    users: Users,
    guesses: Guesses,
}

/// A user whose password was right, and the sign-in that began before the check.
pub(crate) struct SignIn {
    pub(crate) ticket: Ticket,
    pub(crate) user: ShopUser,
}

/// The result of a sign-in.
pub(crate) enum Outcome {
    /// The user may be signed in.
    Right(SignIn),
    /// The password was not checked.
    TooMany(TooManyGuesses),
    /// The user is unknown or disabled, or the password is wrong.
    Wrong,
}

impl SignIns {
    /// Begins a sign-in and checks the password. An unknown or disabled user and a wrong password have the same result,
    /// after the same work.
    ///
    /// # Errors
    ///
    /// 503 when the database of the users or the store of the logins does not answer.
    pub(crate) async fn begin(&self, from: Address, name: &str, password: SecretString) -> Result<Outcome> {
        let guess = match self.guesses.admit(name, from) {
            Ok(guess) => guess,
            Err(too_many) => return Ok(Outcome::TooMany(too_many)),
        };
        match self.check(name, password).await {
            Ok(None) => Ok(Outcome::Wrong),
            Ok(Some(sign_in)) => {
                guess.take_back();
                Ok(Outcome::Right(sign_in))
            }
            Err(error) => {
                guess.take_back();
                Err(error)
            }
        }
    }

    async fn check(&self, name: &str, password: SecretString) -> Result<Option<SignIn>> {
        let ticket = match Subject::new(name) {
            Ok(subject) => Some(self.auth.begin(&subject).await?),
            // No user can have this name; the password is checked nevertheless, so that it takes the same time.
            Err(_) => None,
        };
        let user = self.users.verify(name, password).await.map_err(Problem::from)?;
        Ok(ticket.zip(user).map(|(ticket, user)| SignIn { ticket, user }))
    }
}

impl FromRef<AppState> for SignIns {
    fn from_ref(state: &AppState) -> Self {
        Self { auth: state.auth.clone(), users: FromRef::from_ref(state), guesses: FromRef::from_ref(state) }
    }
}
