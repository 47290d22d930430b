//! What only an admin may do: disable users and change their roles.
//!
//! The user is changed first, and the authenticator called afterwards: in the other order, a login or refresh in between
//! would load the old role again. If the call fails, the answer is 503, and the same request can be repeated.

use auth_core::id::Subject;
use auth_core::{Authenticator, require_auth};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Result;
use serde::Deserialize;

use super::to_the_end;
use crate::path::PathText;
use crate::problem::{JsonBody, Problem};
use crate::user::{Role, ShopUser};
use crate::users::{Change, Users};

const LAST_ADMIN: Problem =
    Problem::new(StatusCode::CONFLICT, "The last admin can neither be disabled nor get another role");

/// `POST /admin/users/{name}/disable`
#[require_auth(session | jwt, role(Role::Admin), claims = ShopUser)]
pub(crate) async fn disable(
    PathText(name): PathText,
    State(auth): State<Authenticator<ShopUser>>,
    State(users): State<Users>,
) -> Result<StatusCode> {
    to_the_end(async move {
        let subject = changed(&name, users.disable(&name).await)?;
        auth.end_all_logins(&subject).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The new role of a user.
#[derive(Debug, Deserialize)]
pub(crate) struct NewRole {
    role: String,
}

/// `PUT /admin/users/{name}/role`
#[require_auth(session | jwt, role(Role::Admin), claims = ShopUser)]
pub(crate) async fn set_role(
    PathText(name): PathText,
    State(auth): State<Authenticator<ShopUser>>,
    State(users): State<Users>,
    JsonBody(NewRole { role }): JsonBody<NewRole>,
) -> Result<StatusCode> {
    let role = Role::parse(&role)
        .ok_or(Problem::unprocessable("`role` must be \"customer\", \"clerk\" or \"admin\""))?;
    to_the_end(async move {
        let subject = changed(&name, users.set_role(&name, role).await)?;
        auth.claims_changed(&subject).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The subject of a user who was just changed.
fn changed(name: &str, change: Result<Change, sqlx::Error>) -> Result<Subject, Problem> {
    match change? {
        Change::Done => Subject::new(name).map_err(|_| Problem::NOT_FOUND),
        Change::LastAdmin => Err(LAST_ADMIN),
        Change::UnknownUser => Err(Problem::NOT_FOUND),
    }
}
