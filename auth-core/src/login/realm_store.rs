//! The store, as used by a node of one realm: it adds the realm to each call, and adjusts the node's clock with each reply.

use std::fmt;
use std::sync::Arc;

use crate::clock::{NodeClock, Timestamp};
use crate::store::{Realm, Store, StoreError, Timed};

/// A store, a realm in it, and the clock that follows the store's.
#[derive(Clone)]
pub(crate) struct RealmStore {
    store: Arc<dyn Store>,
    realm: Realm,
    clock: Arc<NodeClock>,
}

impl RealmStore {
    pub(super) const fn new(store: Arc<dyn Store>, realm: Realm, clock: Arc<NodeClock>) -> Self {
        Self { store, realm, clock }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.store
    }

    pub(super) const fn realm(&self) -> &Realm {
        &self.realm
    }

    /// This node's estimate of the store's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// See [`NodeClock::correction`].
    pub(super) fn correction(&self) -> i64 {
        self.clock.correction()
    }

    /// See [`NodeClock::take_step`].
    pub(super) fn take_step(&self) -> Option<i64> {
        self.clock.take_step()
    }

    /// Calls the store, and takes its time from the reply.
    pub(crate) async fn ask<'a, T, F>(
        &'a self,
        question: impl FnOnce(&'a dyn Store, &'a Realm) -> F,
    ) -> Result<Timed<T>, StoreError>
    where
        F: Future<Output = Result<Timed<T>, StoreError>> + Send + 'a,
    {
        let sent = self.clock.sending();
        let reply = question(&*self.store, &self.realm).await?;
        self.clock.heard(&sent, reply.now);
        Ok(reply)
    }
}

impl fmt::Debug for RealmStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealmStore").field("realm", &self.realm).finish_non_exhaustive()
    }
}
