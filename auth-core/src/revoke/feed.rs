//! How a node keeps up with the log, and what it says when it could not.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use super::list::{CredentialIds, LastCleared, NotRevoked, RevocationList, Standing};
use crate::clock::{Clock, Timestamp};
use crate::store::{EndReason, RevocationStore, Revoked, StoreError};

/// How many entries are read at once.
const PAGE: u32 = 10_000;

/// The list, and how far along the log it is: "I am at N, as of t".
pub struct Feed {
    list: RevocationList,
    store: Arc<dyn RevocationStore>,
    clock: Arc<dyn Clock>,
    applied: AtomicU64,
    as_of: AtomicI64,
    catching_up: Mutex<()>,
}

impl Feed {
    /// A feed that has heard nothing yet.
    pub fn new(store: Arc<dyn RevocationStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            list: RevocationList::new(),
            store,
            clock,
            applied: AtomicU64::new(0),
            as_of: AtomicI64::new(i64::MIN),
            catching_up: Mutex::new(()),
        }
    }

    /// The list.
    pub const fn list(&self) -> &RevocationList {
        &self.list
    }

    /// Reads the log to its end. A log that ends before where this node is was emptied or restored: it is then read
    /// from the start, and what the node knows already stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: then the list is as it was, and grows older.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let _alone = self.catching_up.lock().await;
        let mut after = self.applied.load(Ordering::Acquire);
        let asked_at = self.clock.now();
        loop {
            let page = self.store.entries(after, PAGE, asked_at).await?;
            if page.last < after {
                tracing::warn!(
                    at = after,
                    last = page.last,
                    "the revocation log went back; reading it from the start"
                );
                after = 0;
                continue;
            }
            self.list.apply(&page.entries);
            let is_end = page.entries.len() < PAGE as usize;
            after = match page.entries.last() {
                Some(entry) if !is_end => entry.sequence,
                _ => page.last,
            };
            if is_end {
                break;
            }
        }
        self.applied.store(after, Ordering::Release);
        self.as_of.store(asked_at.millis(), Ordering::Release);
        Ok(())
    }

    /// What is known of a credential, with a list that is no older than `bound`: where it is older the store is asked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the list is too old and the store does not answer. Never "not revoked" for want of knowing.
    pub async fn standing(
        &self,
        credential: &CredentialIds<'_>,
        cleared: &LastCleared,
        bound: Duration,
        now: Timestamp,
    ) -> Result<Standing, StoreError> {
        // Asked in this order: a list that is current from here on has what is looked up next.
        let is_current = self.is_current(bound, now);
        let standing = self.list.standing_since(credential, cleared);
        match standing {
            Standing::Good(_) if !is_current => self.ask(credential, now).await,
            standing => Ok(standing),
        }
    }

    /// Whether the list is no older than `bound`. One that is from the future (the clock went back) is not.
    pub fn is_current(&self, bound: Duration, now: Timestamp) -> bool {
        let as_of = self.as_of.load(Ordering::Acquire);
        as_of != i64::MIN && {
            let as_of = Timestamp::from_millis(as_of);
            as_of <= now && now.since(as_of) <= bound
        }
    }

    /// Sleeps until the log may have grown.
    pub async fn changed(&self) {
        self.store.changed(self.applied.load(Ordering::Acquire)).await;
    }

    async fn ask(&self, credential: &CredentialIds<'_>, now: Timestamp) -> Result<Standing, StoreError> {
        let login = credential.login.map(|login| Revoked::Login(login, EndReason::SignedOut));
        let session = credential.session.map(Revoked::Session);
        let token = credential.token.map(Revoked::Token);
        let key = credential.key.cloned().map(Revoked::Key);
        let ended: Vec<Revoked> = login.into_iter().chain(session).chain(token).chain(key).collect();
        if self.store.is_revoked(&ended, now).await? {
            return Ok(Standing::Revoked);
        }
        match credential.subject {
            Some((subject, epoch))
                if self.store.is_revoked(&[Revoked::SubjectBelow(subject.clone(), epoch)], now).await? =>
            {
                Ok(Standing::Outdated)
            }
            _ => Ok(Standing::Good(NotRevoked::proven())),
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("applied", &self.applied)
            .field("entries", &self.list.len())
            .finish_non_exhaustive()
    }
}
