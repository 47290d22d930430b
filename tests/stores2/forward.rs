//! A store that passes everything on to another one, but what it does itself.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::{KeyId, LoginId, Subject, TokenId};
use auth_core::store2::{
    Confirmation, Created, Cursor, Document, DocumentStore, EndReason, Ended, EndedAll, Family, FamilyStore,
    GraceStart, Ids, Limit, ListCursor, LiveLogin, LogEntry, Logged, LoginPage, LoginStore, NewLogin,
    NewSession, Page, Realm, RevocationStore, Rotated, Rotation, SavedSession, SessionHash, SessionKey,
    SessionRow, SessionStore, Standing, Store, StoreError, Ticket, Timed, Touch,
};
use tokio::sync::watch;

pub(crate) type Answer<T> = Result<Timed<T>, StoreError>;

/// The store made of a [`Wrapper`].
#[derive(Debug)]
pub(crate) struct Wrapped<W>(pub(crate) W);

/// Makes [`Wrapper`], whose methods pass on to `inner` unless they are written anew, and the stores of [`Wrapped`].
macro_rules! forward_store {
    ($($store:ident { $(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* })*) => {
        #[async_trait]
        pub(crate) trait Wrapper: Debug + Send + Sync + 'static {
            fn inner(&self) -> &dyn Store;

            fn partitions(&self) -> NonZeroU32 {
                self.inner().partitions()
            }

            fn wake_ups(&self) -> watch::Receiver<u64> {
                self.inner().wake_ups()
            }

            $($(
                async fn $name(&self, $($argument: $type),*) -> Answer<$answer> {
                    self.inner().$name($($argument),*).await
                }
            )*)*
        }

        $(
            #[async_trait]
            impl<W: Wrapper> $store for Wrapped<W> {
                forward_store! { @plain $store }
                $(
                    async fn $name(&self, $($argument: $type),*) -> Answer<$answer> {
                        self.0.$name($($argument),*).await
                    }
                )*
            }
        )*
    };
    (@plain LoginStore) => {
        fn is_durable(&self) -> bool {
            self.0.inner().is_durable()
        }

        fn partitions(&self) -> NonZeroU32 {
            self.0.partitions()
        }
    };
    (@plain RevocationStore) => {
        fn wake_ups(&self) -> watch::Receiver<u64> {
            self.0.wake_ups()
        }
    };
    (@plain $store:ident) => {};
}

forward_store! {
    LoginStore {
        fn ticket(realm: &Realm, subject: &Subject) -> Ticket;
        fn create(realm: &Realm, ticket: &Ticket, login: &NewLogin, session: Option<&NewSession>, limit: Option<Limit>) -> Created;
        fn login(realm: &Realm, id: LoginId) -> Option<LiveLogin>;
        fn list(realm: &Realm, subject: &Subject, after: Option<&ListCursor>, most: NonZeroU32) -> LoginPage;
        fn end(realm: &Realm, subject: &Subject, id: LoginId, reason: EndReason) -> Ended;
        fn end_all(realm: &Realm, subject: &Subject, except: Option<LoginId>, retention: Duration) -> EndedAll;
        fn claims_changed(realm: &Realm, subject: &Subject, retention: Duration) -> (u64, Logged);
        fn save_claims(realm: &Realm, id: LoginId, claims: &[u8], epoch: u64) -> bool;
        fn touch(realm: &Realm, touches: &[Touch]) -> ();
        fn purge() -> u64;
    }
    FamilyStore {
        fn rotate(realm: &Realm, rotation: &Rotation) -> Rotated;
        fn replace_family(realm: &Realm, id: LoginId, expected: &Family, new: &Family, grace: GraceStart) -> Option<LiveLogin>;
        fn confirm(realm: &Realm, confirmations: &[Confirmation]) -> ();
    }
    SessionStore {
        fn create_session(realm: &Realm, session: &NewSession) -> bool;
        fn session(realm: &Realm, key: &SessionKey) -> Option<(SessionRow, Option<LiveLogin>)>;
        fn save_session(realm: &Realm, key: &SessionKey, data: &[u8], expected_version: u64, lifetime: Duration) -> SavedSession;
        fn rename_session(realm: &Realm, old: &SessionKey, new: &SessionHash, retention: Duration) -> Option<Logged>;
        fn delete_session(realm: &Realm, key: &SessionKey) -> ();
    }
    RevocationStore {
        fn revoke_token(realm: &Realm, subject: &Subject, token: TokenId, retention: Duration) -> Logged;
        fn revoke_key(realm: &Realm, key: &KeyId) -> Logged;
        fn page(realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Page;
        fn standing(realm: &Realm, ids: &Ids<'_>) -> Standing;
        fn write_back(realm: &Realm, entries: &[LogEntry]) -> ();
        fn declare_restored(realm: &Realm, instant: Option<Timestamp>) -> u64;
    }
    DocumentStore {
        fn document(realm: &Realm, name: &str) -> Option<Document>;
        fn save_document(realm: &Realm, name: &str, expected: u64, bytes: &[u8]) -> bool;
    }
}
