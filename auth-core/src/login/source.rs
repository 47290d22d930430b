//! The application's source of current claims.

use async_trait::async_trait;
use axum::BoxError;

use crate::claims::Claims;
use crate::id::Subject;

/// Loads the claims of a subject: at sign-in, at each refresh, for sessions when the claims are older than
/// [`claims_max_age`](crate::login::Builder::claims_max_age), and on the next request after [`claims_changed`](crate::Authenticator::claims_changed).
#[async_trait]
pub trait ClaimsSource<C: Claims>: Send + Sync + 'static {
    /// Returns the current claims, or `None` if the subject was deleted or disabled; its logins then end.
    ///
    /// # Errors
    ///
    /// Any error that prevents an answer. The response is 503, and no login ends.
    async fn load(&self, subject: &Subject) -> Result<Option<C>, BoxError>;
}
