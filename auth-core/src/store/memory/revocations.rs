//! [`RevocationStore`].

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::clock::Timestamp;
use crate::store::{LogPage, RevocationStore, Revoked, StoreError};

#[async_trait]
impl RevocationStore for MemoryStore {
    async fn append(
        &self,
        revoked: &Revoked,
        expires_at: Timestamp,
        _: Timestamp,
    ) -> Result<u64, StoreError> {
        self.with(|state| state.append(revoked.clone(), expires_at))
    }

    async fn entries(&self, after: u64, most: u32, now: Timestamp) -> Result<LogPage, StoreError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        self.with(|state| LogPage {
            entries: state.entries(after, now).take(most).cloned().collect(),
            last: state.last(),
        })
    }

    async fn is_revoked(&self, revoked: &[Revoked], now: Timestamp) -> Result<bool, StoreError> {
        self.with(|state| revoked.iter().any(|one| is_revoked(state, one, now)))
    }

    async fn changed(&self, after: u64) {
        // Never an error: the sender lives as long as `self`.
        let _ = self.shared.last.subscribe().wait_for(|last| *last > after).await;
    }
}

fn is_revoked(state: &State, revoked: &Revoked, now: Timestamp) -> bool {
    state.entries_for(revoked, now).any(|entry| match (&entry.revoked, revoked) {
        (Revoked::SubjectBelow(_, logged), Revoked::SubjectBelow(_, epoch)) => logged > epoch,
        _ => true,
    })
}
