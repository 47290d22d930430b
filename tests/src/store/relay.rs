//! A store in front of another one, which passes calls on: the one list of the methods of a store in the tests.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::{KeyId, LoginId, Position, Subject, TokenId};
use auth_core::store::{
    Created, Cursor, Document, DocumentStore, EndReason, EndedAll, Family, FamilyStore, GraceStart, Ids,
    Limit, ListCursor, LiveLogin, LogEntry, Logged, LoginStore, NewLogin, NewSession, Page, Realm, Renamed,
    RevocationStore, Rotated, Rotation, SecretHash, SessionKey, SessionRow, SessionStore, Standing, Store,
    StoreError, Ticket, Timed, Touch,
};
use tokio::sync::watch;

use super::fault::Fault;

/// What a store in front of another one does at every call. What it does otherwise than the store behind it, call by
/// call, is in [`Logins`], [`Families`], [`Sessions`], [`Log`] and [`Documents`].
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
                    async fn $name(&self, $($argument: $type),*) -> Result<Timed<$answer>, StoreError> {
                        self.behind().$name($($argument),*).await
                    }
                )*
                $($($default)*)?
            }

            #[async_trait]
            impl<A: $altered> $store for Relay<A> {
                $(
                    async fn $name(&self, $($argument: $type),*) -> Result<Timed<$answer>, StoreError> {
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
        Ticket ticket(realm: &Realm, subject: &Subject) -> Ticket;
        Create create(
            realm: &Realm,
            ticket: &Ticket,
            login: &NewLogin,
            session: Option<&NewSession>,
            limit: Option<Limit>
        ) -> Created;
        Login login(realm: &Realm, id: LoginId) -> Option<LiveLogin>;
        List list(realm: &Realm, subject: &Subject, after: Option<&ListCursor>, most: NonZeroU32) -> Vec<LiveLogin>;
        End end(
            realm: &Realm,
            subject: &Subject,
            id: LoginId,
            reason: EndReason,
            retention: Duration
        ) -> Option<Logged>;
        EndAll end_all(
            realm: &Realm,
            subject: &Subject,
            except: Option<LoginId>,
            retention: Duration
        ) -> EndedAll;
        ClaimsChanged claims_changed(realm: &Realm, subject: &Subject, retention: Duration) -> (u64, Logged);
        SaveClaims save_claims(realm: &Realm, id: LoginId, claims: &[u8], epoch: u64) -> bool;
        Touch touch(realm: &Realm, touches: &[Touch]) -> ();
        Purge purge() -> u64;
    } + {
        /// As many as the store behind this has.
        fn partitions(&self) -> NonZeroU32 {
            self.behind().partitions()
        }
    } {
        fn is_durable(&self) -> bool {
            self.0.behind().is_durable()
        }

        fn partitions(&self) -> NonZeroU32 {
            self.0.partitions()
        }
    }

    /// What is done otherwise with refresh families.
    Families of FamilyStore {
        Rotate rotate(realm: &Realm, rotation: &Rotation) -> Rotated;
        ReplaceFamily replace_family(
            realm: &Realm,
            id: LoginId,
            expected: &Family,
            new: &Family,
            grace: GraceStart,
            retention: Duration
        ) -> Option<LiveLogin>;
        Confirm confirm(realm: &Realm, used: &[(LoginId, Position)]) -> ();
    }

    /// What is done otherwise with sessions.
    Sessions of SessionStore {
        CreateSession create_session(realm: &Realm, session: &NewSession) -> bool;
        Session session(realm: &Realm, key: &SessionKey) -> Option<(SessionRow, Option<LiveLogin>)>;
        SaveSession save_session(
            realm: &Realm,
            key: &SessionKey,
            data: &[u8],
            expected_version: u64,
            lifetime: Duration
        ) -> bool;
        RenameSession rename_session(
            realm: &Realm,
            old: &SessionKey,
            new: &SecretHash,
            retention: Duration
        ) -> Renamed;
        DeleteSession delete_session(realm: &Realm, key: &SessionKey) -> ();
    }

    /// What is done otherwise with the log.
    Log of RevocationStore {
        RevokeToken revoke_token(
            realm: &Realm,
            subject: &Subject,
            token: TokenId,
            retention: Duration
        ) -> Logged;
        RevokeKey revoke_key(realm: &Realm, key: &KeyId) -> Logged;
        Page page(realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Page;
        Standing standing(realm: &Realm, ids: &Ids<'_>) -> Standing;
        WriteBack write_back(realm: &Realm, entries: &[LogEntry]) -> ();
        DeclareRestored declare_restored(realm: &Realm, instant: Option<Timestamp>) -> (u64, Logged);
    } + {
        /// As the store behind this does it.
        fn wake_ups(&self) -> watch::Receiver<u64> {
            self.behind().wake_ups()
        }
    } {
        fn wake_ups(&self) -> watch::Receiver<u64> {
            self.0.wake_ups()
        }
    }

    /// What is done otherwise with documents.
    Documents of DocumentStore {
        Document document(realm: &Realm, name: &str) -> Option<Document>;
        SaveDocument save_document(realm: &Realm, name: &str, expected: u64, bytes: &[u8]) -> bool;
    }
}
