//! The API: requests and answers are JSON, and refusals are problems.

pub(crate) mod admin;
pub(crate) mod health;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod orders;
pub(crate) mod password;
pub(crate) mod reports;

use axum::response::Result;

use crate::problem::Problem;

/// Runs work that must complete in a task of its own, which continues if the client disconnects.
async fn to_the_end<T: Send + 'static>(steps: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(steps).await.map_err(|_| Problem::INTERNAL)?
}
