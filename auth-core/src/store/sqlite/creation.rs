//! Creating a login under a limit, in one transaction.

use sqlx::query;

use super::connections::Lease;
use super::ending::{Ending, end, select_ids};
use super::rows::{Columns, bind_login};
use super::sessions::{insert_session, session_is_live};
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::store::{Created, EndReason, Limit, LoginRow, SessionRow, StoreError};

/// What `create_login` was asked for.
#[derive(Clone, Copy)]
pub(super) struct Creation<'a> {
    pub(super) login: &'a LoginRow,
    pub(super) session: Option<&'a SessionRow>,
    pub(super) replaces: Option<LoginId>,
    pub(super) limit: Option<Limit>,
    pub(super) log_until: Timestamp,
    pub(super) now: Timestamp,
}

impl Creation<'_> {
    /// Creates the login, and returns the number of the last entry that it logged, or zero.
    pub(super) async fn run(&self, lease: &mut Lease<'_>) -> Result<(Created, u64), StoreError> {
        lease.begin().await?;
        if !self.free_ids(lease).await? {
            lease.rollback().await?;
            return Ok((Created::IdTaken, 0));
        }
        let replaced = self.replace(lease).await?;
        let Some(surplus) = self.surplus(lease).await? else {
            lease.rollback().await?;
            return Ok((Created::LimitReached, 0));
        };
        let evicted = end(lease, &surplus, self.ending(EndReason::Evicted)).await?;
        self.insert(lease).await?;
        lease.commit().await?;
        Ok((Created::Created { evicted: surplus }, evicted.max(replaced)))
    }

    /// Whether the ids are free; clears away an expired login that holds one.
    async fn free_ids(&self, lease: &mut Lease<'_>) -> Result<bool, StoreError> {
        let login = self.login.id.as_bytes().as_slice();
        let holders = query(concat!(
            "SELECT (SELECT ends_at > ?1 FROM auth_login WHERE id = ?2), \
                    EXISTS (SELECT 1 FROM auth_session WHERE id = ?3 AND ",
            session_is_live!(),
            ")"
        ))
        .bind(self.now.millis())
        .bind(login)
        .bind(self.session.map(|session| session.id.as_bytes().as_slice()));
        let row =
            lease.row(holders).await?.ok_or_else(|| StoreError::new("a SELECT without FROM had no row"))?;
        let mut columns = Columns::of(&row);
        match (columns.take::<Option<bool>>()?, columns.take::<bool>()?) {
            (Some(true), _) | (_, true) => Ok(false),
            (None, false) => Ok(true),
            (Some(false), false) => {
                // Its sessions must go too, or they would carry the new login.
                lease.run(query("DELETE FROM auth_login WHERE id = ?1").bind(login)).await?;
                Ok(true)
            }
        }
    }

    async fn replace(&self, lease: &mut Lease<'_>) -> Result<u64, StoreError> {
        let Some(replaces) = self.replaces else { return Ok(0) };
        let live = query("SELECT id FROM auth_login WHERE id = ?2 AND ends_at > ?1")
            .bind(self.now.millis())
            .bind(replaces.as_bytes().as_slice());
        let replaced = select_ids(lease, live).await?;
        end(lease, &replaced, self.ending(EndReason::Replaced)).await
    }

    /// The logins that must end for this one, oldest first; `None` when it is this one that must not be.
    async fn surplus(&self, lease: &mut Lease<'_>) -> Result<Option<Vec<LoginId>>, StoreError> {
        let Some(limit) = self.limit else { return Ok(Some(Vec::new())) };
        let live =
            query("SELECT id FROM auth_login WHERE subject = ?2 AND ends_at > ?1 ORDER BY created_at, id")
                .bind(self.now.millis())
                .bind(self.login.subject.as_str());
        let mut live = select_ids(lease, live).await?;
        let Some(surplus) = limit.surplus(live.len()) else { return Ok(None) };
        live.truncate(surplus);
        Ok(Some(live))
    }

    async fn insert(&self, lease: &mut Lease<'_>) -> Result<(), StoreError> {
        let login = query(
            "INSERT INTO auth_login (id, subject, kind, created_at, last_seen_at, authenticated_at, expires_at, \
                 idle_expires_at, user_agent, address, claims, epoch, claims_loaded_at, generation, branch, \
                 previous_branch, current, previous, nonce, rotated_at, confirmed) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
        );
        lease.run(bind_login(login, self.login)?).await?;
        if let Some(session) = self.session {
            insert_session(lease, session, Some(self.login.id), self.now).await?;
        }
        Ok(())
    }

    fn ending(&self, reason: EndReason) -> Ending {
        Ending { reason, log_until: self.log_until }
    }
}
