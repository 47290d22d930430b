//! A store that takes its time before and after each step, so that calls overlap in every order.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Subject};
use auth_core::store::memory::MemoryStore;
use auth_core::store::{
    Confirmation, Created, EndReason, Family, Limit, LogPage, LoginRow, LoginStore, RevocationStore, Revoked,
    Rotation, SavedSession, SessionHash, SessionRow, SessionStore, StoreError, Touch,
};

type Answer<T> = Result<T, StoreError>;

#[derive(Debug, Default)]
pub(crate) struct Slow {
    inner: MemoryStore,
    pauses: AtomicU64,
}

impl Slow {
    /// Between zero and twelve milliseconds, the same in each run.
    async fn pause(&self) {
        let count = self.pauses.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(count.wrapping_mul(7919) % 13)).await;
    }
}

macro_rules! slowly {
    ($store:ident { $(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $store for Slow {
            $(
                async fn $name(&self, $($argument: $type),*) -> $answer {
                    self.pause().await;
                    let done = self.inner.$name($($argument),*).await;
                    self.pause().await;
                    done
                }
            )*
        }
    };
}

slowly!(LoginStore {
    fn create_login(login: &LoginRow, session: Option<&SessionRow>, replaces: Option<LoginId>, limit: Option<Limit>,
        log_until: Timestamp, now: Timestamp) -> Answer<Created>;
    fn load_login(id: LoginId, now: Timestamp) -> Answer<Option<LoginRow>>;
    fn list_logins(subject: &Subject, now: Timestamp) -> Answer<Vec<LoginRow>>;
    fn end_login(subject: &Subject, id: LoginId, reason: EndReason, log_until: Timestamp, now: Timestamp)
        -> Answer<bool>;
    fn end_logins(subject: &Subject, keep: Option<LoginId>, reason: EndReason, log_until: Timestamp, now: Timestamp)
        -> Answer<Vec<LoginId>>;
    fn rotate(rotation: &Rotation, now: Timestamp) -> Answer<Option<LoginRow>>;
    fn swap_family(id: LoginId, expected: &Family, new: &Family, now: Timestamp) -> Answer<bool>;
    fn confirm(confirmations: &[Confirmation], now: Timestamp) -> Answer<()>;
    fn touch(touches: &[Touch], now: Timestamp) -> Answer<()>;
    fn save_claims(id: LoginId, claims: &[u8], epoch: u64, loaded_at: Timestamp, now: Timestamp) -> Answer<bool>;
    fn epoch(subject: &Subject) -> Answer<u64>;
    fn raise_epoch(subject: &Subject, log_until: Timestamp, now: Timestamp) -> Answer<u64>;
    fn purge(now: Timestamp) -> Answer<u64>;
});

slowly!(SessionStore {
    fn create_session(session: &SessionRow, now: Timestamp) -> Answer<bool>;
    fn load_session(id: &SessionHash, now: Timestamp) -> Answer<Option<(SessionRow, Option<LoginRow>)>>;
    fn save_session(id: &SessionHash, data: &[u8], expected_version: u64, expires_at: Timestamp, now: Timestamp)
        -> Answer<SavedSession>;
    fn rename_session(old: &SessionHash, new: &SessionHash, now: Timestamp) -> Answer<bool>;
    fn delete_session(id: &SessionHash) -> Answer<()>;
});

slowly!(RevocationStore {
    fn append(revoked: &Revoked, expires_at: Timestamp, now: Timestamp) -> Answer<u64>;
    fn entries(after: u64, most: u32, now: Timestamp) -> Answer<LogPage>;
    fn is_revoked(revoked: &[Revoked], now: Timestamp) -> Answer<bool>;
    fn changed(after: u64) -> ();
});
