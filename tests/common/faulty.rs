//! A store that stops answering when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Subject};
use auth_core::store::memory::MemoryStore;
use auth_core::store::{
    Confirmation, Created, EndReason, Family, Limit, LogPage, LoginRow, LoginStore, RevocationStore, Revoked,
    Rotation, SavedSession, SessionHash, SessionRow, SessionStore, StoreError, Touch,
};

/// A store in memory behind a line that can be cut. Clones share both.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyStore {
    inner: MemoryStore,
    is_cut: Arc<AtomicBool>,
}

impl FaultyStore {
    /// From now on every call fails.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    /// From now on it answers again.
    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }

    fn line(&self) -> Result<&MemoryStore, StoreError> {
        match self.is_cut.load(Ordering::SeqCst) {
            true => Err(StoreError::new("the line is cut")),
            false => Ok(&self.inner),
        }
    }
}

macro_rules! pass_on {
    ($trait:ident { $($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* } $($more:item)*) => {
        #[async_trait]
        impl $trait for FaultyStore {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.line()?.$name($($argument),*).await
            })*
            $($more)*
        }
    };
}

pass_on! { LoginStore {
    create_login(
        login: &LoginRow,
        session: Option<&SessionRow>,
        replaces: Option<LoginId>,
        limit: Option<Limit>,
        log_until: Timestamp,
        now: Timestamp
    ) -> Created;
    load_login(id: LoginId, now: Timestamp) -> Option<LoginRow>;
    list_logins(subject: &Subject, now: Timestamp) -> Vec<LoginRow>;
    end_login(subject: &Subject, id: LoginId, reason: EndReason, log_until: Timestamp, now: Timestamp) -> bool;
    end_logins(
        subject: &Subject,
        keep: Option<LoginId>,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp
    ) -> Vec<LoginId>;
    rotate(rotation: &Rotation, now: Timestamp) -> Option<LoginRow>;
    swap_family(id: LoginId, expected: &Family, new: &Family, now: Timestamp) -> bool;
    confirm(confirmations: &[Confirmation], now: Timestamp) -> ();
    touch(touches: &[Touch], now: Timestamp) -> ();
    save_claims(id: LoginId, claims: &[u8], epoch: u64, loaded_at: Timestamp, now: Timestamp) -> bool;
    epoch(subject: &Subject) -> u64;
    raise_epoch(subject: &Subject, log_until: Timestamp, now: Timestamp) -> u64;
    purge(now: Timestamp) -> u64;
}
    fn is_durable(&self) -> bool {
        false
    }
}

pass_on! { SessionStore {
    create_session(session: &SessionRow, now: Timestamp) -> bool;
    load_session(id: &SessionHash, now: Timestamp) -> Option<(SessionRow, Option<LoginRow>)>;
    save_session(
        id: &SessionHash,
        data: &[u8],
        expected_version: u64,
        expires_at: Timestamp,
        now: Timestamp
    ) -> SavedSession;
    rename_session(old: &SessionHash, new: &SessionHash, now: Timestamp) -> bool;
    delete_session(id: &SessionHash) -> ();
} }

pass_on! { RevocationStore {
    append(revoked: &Revoked, expires_at: Timestamp, now: Timestamp) -> u64;
    entries(after: u64, most: u32, now: Timestamp) -> LogPage;
    is_revoked(revoked: &[Revoked], now: Timestamp) -> bool;
}
    async fn changed(&self, after: u64) {
        self.inner.changed(after).await;
    }
}
