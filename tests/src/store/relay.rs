//! A store in front of another one, which passes calls on: the one list of the methods of a store in the tests.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Subject};
use auth_core::store::{
    Confirmation, Created, EndReason, Family, Limit, LogPage, LoginRow, LoginStore, RevocationStore, Revoked,
    Rotation, SavedSession, SessionHash, SessionRow, SessionStore, Store, StoreError, Touch,
};

use super::fault::Fault;

/// What a store in front of another one does at every call. What it does otherwise than the store behind it, call by
/// call, is in [`Logins`], [`Sessions`] and [`Log`].
#[async_trait]
pub trait Altered: Debug + Send + Sync + 'static {
    /// The store behind this.
    fn behind(&self) -> Arc<dyn Store>;

    /// Before each call: an error, or what is still to go wrong when it was done.
    async fn before(&self, _op: Op) -> Result<Fault, StoreError> {
        Ok(Fault::None)
    }

    /// After each call that was not refused before.
    async fn after(&self, _op: Op, _rest: Fault) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Makes a store of what is [`Altered`].
#[derive(Clone, Debug)]
pub struct Relay<A>(pub A);

impl<A> Deref for Relay<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.0
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $altered:ident of $store:ident {
        $($op:ident $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
    } $(+ { $($default:item)* } { $($passed:item)* })?)*) => {
        /// The calls of a store.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each is named like its method")]
        pub enum Op {
            $($($op,)*)*
        }

        $(
            $(#[$doc])*
            #[async_trait]
            pub trait $altered: Altered {
                $(
                    /// As the store behind this does it.
                    async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                        self.behind().$name($($argument),*).await
                    }
                )*
                $($($default)*)?
            }

            #[async_trait]
            impl<A: $altered> $store for Relay<A> {
                $(
                    async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                        let rest = self.0.before(Op::$op).await?;
                        let done = self.0.$name($($argument),*).await;
                        self.0.after(Op::$op, rest).await?;
                        done
                    }
                )*
                $($($passed)*)?
            }
        )*
    };
}

methods! {
    /// What is done otherwise with logins.
    Logins of LoginStore {
        CreateLogin create_login(
            login: &LoginRow,
            session: Option<&SessionRow>,
            replaces: Option<LoginId>,
            limit: Option<Limit>,
            log_until: Timestamp,
            now: Timestamp
        ) -> Created;
        LoadLogin load_login(id: LoginId, now: Timestamp) -> Option<LoginRow>;
        ListLogins list_logins(subject: &Subject, now: Timestamp) -> Vec<LoginRow>;
        EndLogin end_login(
            subject: &Subject,
            id: LoginId,
            reason: EndReason,
            log_until: Timestamp,
            now: Timestamp
        ) -> bool;
        EndLogins end_logins(
            subject: &Subject,
            keep: Option<LoginId>,
            reason: EndReason,
            log_until: Timestamp,
            now: Timestamp
        ) -> Vec<LoginId>;
        Rotate rotate(rotation: &Rotation, now: Timestamp) -> Option<LoginRow>;
        SwapFamily swap_family(id: LoginId, expected: &Family, new: &Family, now: Timestamp) -> bool;
        Confirm confirm(confirmations: &[Confirmation], now: Timestamp) -> ();
        Touch touch(touches: &[Touch], now: Timestamp) -> ();
        SaveClaims save_claims(
            id: LoginId,
            claims: &[u8],
            epoch: u64,
            loaded_at: Timestamp,
            now: Timestamp
        ) -> bool;
        Epoch epoch(subject: &Subject) -> u64;
        RaiseEpoch raise_epoch(subject: &Subject, log_until: Timestamp, now: Timestamp) -> u64;
        Purge purge(now: Timestamp) -> u64;
    } + {} {
        fn is_durable(&self) -> bool {
            self.0.behind().is_durable()
        }
    }

    /// What is done otherwise with sessions.
    Sessions of SessionStore {
        CreateSession create_session(session: &SessionRow, now: Timestamp) -> bool;
        LoadSession load_session(id: &SessionHash, now: Timestamp) -> Option<(SessionRow, Option<LoginRow>)>;
        SaveSession save_session(
            id: &SessionHash,
            data: &[u8],
            expected_version: u64,
            expires_at: Timestamp,
            now: Timestamp
        ) -> SavedSession;
        RenameSession rename_session(old: &SessionHash, new: &SessionHash, now: Timestamp) -> bool;
        DeleteSession delete_session(id: &SessionHash) -> ();
    }

    /// What is done otherwise with the log.
    Log of RevocationStore {
        Append append(revoked: &Revoked, expires_at: Timestamp, now: Timestamp) -> u64;
        Entries entries(after: u64, most: u32, now: Timestamp) -> LogPage;
        IsRevoked is_revoked(revoked: &[Revoked], now: Timestamp) -> bool;
    } + {
        /// As the store behind this does it.
        async fn changed(&self, after: u64) {
            self.behind().changed(after).await;
        }
    } {
        async fn changed(&self, after: u64) {
            self.0.changed(after).await;
        }
    }
}
