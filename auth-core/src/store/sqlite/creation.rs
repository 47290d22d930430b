//! Creating a login under a limit, in one transaction.

use sqlx::query;

use super::SqliteStore;
use super::connections::Lease;
use super::ending::{Ending, end, select_ids};
use super::rows::{Columns, bind_login};
use super::sessions::{insert_session, session_is_live};
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::store::{Created, EndReason, Limit, LoginRow, OnLimit, SessionRow, StoreError};

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

impl SqliteStore {
    pub(super) async fn create(&self, creation: Creation<'_>) -> Result<Created, StoreError> {
        let mut lease = self.write().await?;
        lease.begin().await?;
        if !creation.free_ids(&mut lease).await? {
            lease.rollback().await?;
            return Ok(Created::IdTaken);
        }
        let replaced = creation.replace(&mut lease).await?;
        let Some(surplus) = creation.surplus(&mut lease).await? else {
            lease.rollback().await?;
            return Ok(Created::LimitReached);
        };
        let evicted = end(&mut lease, &surplus, creation.ending(EndReason::Evicted)).await?;
        creation.insert(&mut lease).await?;
        lease.commit().await?;
        self.announce(evicted.max(replaced));
        Ok(Created::Created { evicted: surplus })
    }
}

impl Creation<'_> {
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
        let most = usize::try_from(limit.most.get()).unwrap_or(usize::MAX);
        let surplus = (live.len() + 1).saturating_sub(most);
        match limit.exceeded {
            OnLimit::RefuseNew if surplus > 0 => Ok(None),
            OnLimit::RefuseNew | OnLimit::EndOldest => {
                live.truncate(surplus);
                Ok(Some(live))
            }
        }
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
