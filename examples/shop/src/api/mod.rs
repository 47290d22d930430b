//! The API: JSON in, JSON out, problems when it is refused.

pub(crate) mod admin;
pub(crate) mod health;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod orders;
pub(crate) mod password;
pub(crate) mod reports;

use axum::response::Result;

use crate::problem::Problem;

/// Runs what must not stop half way in a task of its own: a client that hangs up stops only the waiting for it.
async fn to_the_end<T: Send + 'static>(steps: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(steps).await.map_err(|_| Problem::INTERNAL)?
}
