//! Storing a new login, in a task that is not cancelled.

use std::sync::Arc;

use super::realm_store::RealmStore;
use super::revoker::{Revoker, uncancelled};
use super::{LoginError, Parts};
use crate::audit::AuditEvent;
use crate::claims::Claims;
use crate::id::{LoginId, Subject};
use crate::store::{
    Created, EndReason, Limit, LoginRow, NewLogin, NewSession, SessionKey, StoreError, Ticket, Timed,
};

/// What a browser had before it signed in and the step that stores the new login does not replace.
#[derive(Clone, Default)]
pub(super) struct Leftover {
    /// Logins to end: those of other subjects, and a second one of this subject.
    pub(super) others: Vec<(LoginId, Subject)>,
    /// A session without a login to delete.
    pub(super) anonymous: Option<SessionKey>,
}

impl<C: Claims> Parts<C> {
    /// Stores a login, and ends the remaining earlier ones; `None` when an id is taken. It completes even if the request
    /// is dropped.
    pub(super) async fn create(
        &self,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<NewSession>,
        leftover: Leftover,
    ) -> Result<Option<Timed<LoginRow>>, LoginError> {
        let creation = Creation {
            store: self.store.clone(),
            revoker: self.revoker.clone(),
            limit: self.config.limit,
            ticket: ticket.clone(),
            login: login.clone(),
            session,
        };
        uncancelled(async move {
            let made = creation.create().await?;
            if made.is_some() {
                creation.end(leftover).await;
            }
            Ok(made)
        })
        .await
    }
}

/// A login to be stored.
struct Creation {
    store: RealmStore,
    revoker: Arc<Revoker>,
    limit: Option<Limit>,
    ticket: Ticket,
    login: NewLogin,
    session: Option<NewSession>,
}

impl Creation {
    /// Stores the login, and raises events about the logins that this ended.
    async fn create(&self) -> Result<Option<Timed<LoginRow>>, LoginError> {
        let (login, subject) = (&self.login, &self.login.subject);
        let write = self.revoker.feed().begin_write();
        let session = self.session.as_ref();
        let created = self
            .store
            .ask(|store, realm| store.create(realm, &self.ticket, login, session, self.limit))
            .await?;
        match created.value {
            Created::Made { login: made, replaced, evicted } => {
                if let (Some(old), Some(logged)) = (login.replaces, replaced) {
                    self.revoker.ended(subject, old, EndReason::Replaced, logged);
                }
                self.revoker.evicted(subject, &evicted);
                drop(write);
                let (id, kind) = (made.id, made.kind);
                self.revoker.observe(&AuditEvent::LoginStarted { login: id, subject: subject.clone(), kind });
                Ok(Some(Timed::new(made, created.now)))
            }
            Created::Outdated => Err(LoginError::Changed),
            Created::IdTaken => Ok(None),
            Created::LimitReached => {
                self.revoker.observe(&AuditEvent::LimitReached { subject: subject.clone() });
                Err(LoginError::LimitReached)
            }
        }
    }

    /// Ends what the browser had before, in separate steps. The new login exists already, so a failure is only logged:
    /// what could not be ended expires.
    async fn end(&self, leftover: Leftover) {
        for (login, owner) in &leftover.others {
            report(self.revoker.end(owner, *login, EndReason::Replaced).await);
        }
        if let Some(anonymous) = &leftover.anonymous {
            report(self.store.ask(|store, realm| store.delete_session(realm, anonymous)).await);
        }
    }
}

fn report<T>(result: Result<T, StoreError>) {
    if let Err(error) = result {
        tracing::warn!(
            ?error,
            "the earlier login of a browser that signed in could not be ended; it stays until it expires"
        );
    }
}
