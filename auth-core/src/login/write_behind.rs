//! The queue of writes that no request waits for: when a login was last used, and which rotations were confirmed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use tokio::sync::Notify;

use super::realm_store::RealmStore;
use crate::clock::Timestamp;
use crate::id::{LoginId, Position};
use crate::store::{StoreError, Touch};

/// The queue. It has one entry for each login, so it is bounded by the number of logins in use.
#[derive(Debug, Default)]
pub(super) struct WriteBehind {
    queued: Mutex<Queued>,
    writing: tokio::sync::Mutex<()>,
    pub(super) filled: Notify,
}

/// A use of a login.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) login: LoginId,
    pub(super) seen_at: Timestamp,
    /// How long afterwards the login expires unless it is used again.
    pub(super) idle: Duration,
}

#[derive(Debug, Default)]
struct Queued {
    touches: HashMap<LoginId, Use>,
    confirmations: HashMap<LoginId, Position>,
    /// Entries that are being written, and may not be in the store yet.
    confirming: HashMap<LoginId, Position>,
}

impl Queued {
    fn touch(&mut self, touch: Use) {
        let latest = self.touches.entry(touch.login).or_insert(touch);
        if latest.seen_at < touch.seen_at {
            *latest = touch;
        }
    }

    /// A token of an older rotation may be used after one of a newer rotation: the newer rotation is kept.
    fn confirm(&mut self, login: LoginId, position: Position) {
        let latest = self.confirmations.entry(login).or_insert(position);
        *latest = position.max(*latest);
    }
}

impl WriteBehind {
    pub(super) fn touch(&self, touch: Use) {
        self.with(|queued| queued.touch(touch));
        self.filled.notify_one();
    }

    pub(super) fn confirm(&self, login: LoginId, position: Position) {
        self.with(|queued| queued.confirm(login, position));
        self.filled.notify_one();
    }

    /// Whether a confirmation of the login is being written.
    pub(super) fn has_confirmation(&self, login: LoginId) -> bool {
        self.with(|queued| {
            queued.confirmations.contains_key(&login) || queued.confirming.contains_key(&login)
        })
    }

    /// The use of the login that is being written.
    pub(super) fn queued_touch(&self, login: LoginId) -> Option<Use> {
        self.with(|queued| queued.touches.get(&login).copied())
    }

    /// Writes everything.
    ///
    /// # Cancel safety
    ///
    /// Entries that may not have been written, because the store failed or the call was dropped, return to the queue
    /// unless it has newer ones. Writing an entry twice is harmless.
    pub(super) async fn flush(&self, store: &RealmStore) -> Result<(), StoreError> {
        let _alone = self.writing.lock().await;
        let mut taken = Taken::of(self);
        if !taken.confirmations.is_empty() {
            store.ask(|store, realm| store.confirm(realm, &taken.confirmations)).await?;
            taken.confirmations.clear();
        }
        if !taken.touches.is_empty() {
            let now = store.now();
            let touch =
                |used: &Use| Touch { login: used.login, ago: now.since(used.seen_at), idle: used.idle };
            let touches: Vec<_> = taken.touches.iter().map(touch).collect();
            store.ask(|store, realm| store.touch(realm, &touches)).await?;
            taken.touches.clear();
        }
        Ok(())
    }

    /// Removes the entries of a login that has ended.
    pub(super) fn forget(&self, login: LoginId) {
        self.with(|queued| {
            queued.touches.remove(&login);
            queued.confirmations.remove(&login);
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut Queued) -> T) -> T {
        change(&mut self.queued.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Entries taken from the queue. Those that remain when it is dropped return to the queue.
struct Taken<'a> {
    queue: &'a WriteBehind,
    touches: Vec<Use>,
    confirmations: Vec<(LoginId, Position)>,
}

impl<'a> Taken<'a> {
    fn of(queue: &'a WriteBehind) -> Self {
        queue.with(|queued| {
            queued.confirming = std::mem::take(&mut queued.confirmations);
            Self {
                queue,
                touches: queued.touches.drain().map(|(_, touch)| touch).collect(),
                confirmations: queued
                    .confirming
                    .iter()
                    .map(|(login, position)| (*login, *position))
                    .collect(),
            }
        })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !(self.confirmations.is_empty() && self.touches.is_empty()) {
            self.queue.filled.notify_one();
        }
        self.queue.with(|queued| {
            queued.confirming.clear();
            self.confirmations.drain(..).for_each(|(login, position)| queued.confirm(login, position));
            self.touches.drain(..).for_each(|touch| queued.touch(touch));
        });
    }
}
