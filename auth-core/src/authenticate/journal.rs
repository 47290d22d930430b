//! Writes that no request waits for: when a login was last used, and which rotations reached their owner.

use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;
use tokio::sync::Notify;

use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::store::{Confirmation, LoginStore, StoreError, Touch};

/// The queue; one entry a login, so it is bounded by the logins in use.
#[derive(Debug, Default)]
pub(super) struct Journal {
    queued: Mutex<Queued>,
    writing: tokio::sync::Mutex<()>,
    pub(super) filled: Notify,
}

#[derive(Debug, Default)]
struct Queued {
    touches: HashMap<LoginId, Touch>,
    confirmations: HashMap<LoginId, Confirmation>,
}

impl Journal {
    pub(super) fn touch(&self, touch: Touch) {
        self.with(|queued| {
            queued.touches.insert(touch.login, touch);
        });
        self.filled.notify_one();
    }

    pub(super) fn confirm(&self, confirmation: Confirmation) {
        self.with(|queued| {
            queued.confirmations.insert(confirmation.login, confirmation);
        });
        self.filled.notify_one();
    }

    pub(super) fn has_confirmation(&self, login: LoginId) -> bool {
        self.with(|queued| queued.confirmations.contains_key(&login))
    }

    /// Writes everything. What could not be written goes back, unless something newer is queued by now.
    pub(super) async fn flush(&self, store: &(impl LoginStore + ?Sized), now: Timestamp) -> Result<(), StoreError> {
        let _alone = self.writing.lock().await;
        let Queued { touches, confirmations } = self.with(std::mem::take);
        let list: Vec<Confirmation> = confirmations.values().copied().collect();
        if !list.is_empty()
            && let Err(error) = store.confirm(&list, now).await
        {
            self.put_back(touches, confirmations);
            return Err(error);
        }
        let list: Vec<Touch> = touches.values().copied().collect();
        if !list.is_empty()
            && let Err(error) = store.touch(&list, now).await
        {
            self.put_back(touches, HashMap::new());
            return Err(error);
        }
        Ok(())
    }

    fn put_back(&self, touches: HashMap<LoginId, Touch>, confirmations: HashMap<LoginId, Confirmation>) {
        self.with(|queued| {
            for (login, touch) in touches {
                queued.touches.entry(login).or_insert(touch);
            }
            for (login, confirmation) in confirmations {
                queued.confirmations.entry(login).or_insert(confirmation);
            }
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut Queued) -> T) -> T {
        change(&mut self.queued.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
