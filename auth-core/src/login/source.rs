//! Where claims come from when they must be fresh.

use async_trait::async_trait;
use axum::BoxError;

use crate::claims::Claims;
use crate::id::Subject;

/// Loads the claims of a subject: at sign-in, at each refresh, for sessions when they are older than the bound, and at
/// once after [`claims_changed`](crate::Authenticator::claims_changed).
#[async_trait]
pub trait ClaimsSource<C: Claims>: Send + Sync + 'static {
    /// The claims as they are now, or `None` when the subject is gone or disabled: then its logins end.
    ///
    /// # Errors
    ///
    /// Whatever kept it from knowing: the request is answered 503, and nothing ends.
    async fn load(&self, subject: &Subject) -> Result<Option<C>, BoxError>;
}
