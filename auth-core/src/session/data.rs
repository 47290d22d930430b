//! The session data of a request.

use std::fmt;
use std::ops::Deref;

/// The data of the browser's session, signed in or not: tower-sessions'
/// [`Session`](tower_sessions_core::Session), to which it dereferences.
///
/// An extractor. It requires
/// [`Authenticator::session_data_layer`](crate::Authenticator::session_data_layer) around the handler; without the layer,
/// the response is 500, and the log names the layer.
///
/// # Security
///
/// `Debug` does not contain the id, which is the credential. That of tower-sessions' type does.
#[derive(Clone)]
pub struct Session(pub(crate) tower_sessions_core::Session);

impl Deref for Session {
    type Target = tower_sessions_core::Session;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
