//! Purging in small steps.

use super::MemoryStore;
use super::state::RealmState;
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::store::{SecretHash, StoreError, Timed};

/// The number of rows that one step of a purge examines while other calls wait.
const AT_ONCE: usize = 1000;

/// The progress of a purge.
#[derive(Clone, Copy)]
enum Place {
    Logins(Option<LoginId>),
    Sessions(Option<SecretHash>),
    Log(u64),
}

impl MemoryStore {
    pub(super) async fn purge_all(&self) -> Result<Timed<u64>, StoreError> {
        let realms = self.step(|state, _| Ok(state.realms.keys().cloned().collect::<Vec<_>>()))?;
        let (mut purged, mut now) = (0_u64, realms.now);
        for realm in realms.value {
            let mut next = Some(Place::Logins(None));
            while let Some(place) = next {
                let done = self.in_realm(&realm, |state, now| Ok(state.purge(place, now)))?;
                let (then, logins) = done.value;
                (next, now) = (then, done.now);
                purged = purged.saturating_add(logins);
                tokio::task::yield_now().await;
            }
        }
        Ok(Timed::new(purged, now))
    }
}

impl RealmState {
    /// Examines the next rows. Returns where to continue, and the number of deleted logins.
    fn purge(&mut self, place: Place, now: Timestamp) -> (Option<Place>, u64) {
        match place {
            Place::Logins(after) => {
                let rows = self.logins.after(after).map(|(id, login)| (id, self.is_live(login, now)));
                let (last, dead) = batch(rows);
                let purged = u64::try_from(dead.len()).unwrap_or(u64::MAX);
                dead.into_iter().for_each(|id| self.remove_login(id));
                (Some(last.map_or(Place::Sessions(None), |id| Place::Logins(Some(id)))), purged)
            }
            Place::Sessions(after) => {
                let rows = self.sessions.after(after);
                let (last, dead) =
                    batch(rows.map(|(hash, session)| (hash, self.is_live_session(session, now))));
                for hash in &dead {
                    self.sessions.remove(hash);
                }
                (Some(last.map_or(Place::Log(0), |hash| Place::Sessions(Some(hash)))), 0)
            }
            Place::Log(after) => (self.log.purge(after, AT_ONCE, now).map(Place::Log), 0),
        }
    }
}

/// The last key of the next rows, if they fill a batch, and the keys of those that are not live.
fn batch<K: Copy>(rows: impl Iterator<Item = (K, bool)>) -> (Option<K>, Vec<K>) {
    let rows: Vec<_> = rows.take(AT_ONCE).collect();
    let last = rows.last().map(|(key, _)| *key).filter(|_| rows.len() == AT_ONCE);
    (last, rows.into_iter().filter(|(_, is_live)| !is_live).map(|(key, _)| key).collect())
}
