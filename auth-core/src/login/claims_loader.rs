//! Claims as they are now. The only place that orders epoch and claims: the epoch is read before the claims, so that a
//! change in between makes them outdated, never the reverse.

use std::sync::Arc;

use super::source::{BoxError, ClaimsSource};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::jwt::{read_claims, write_claims};
use crate::store::{LoginRow, Store, StoreError};

/// Loads claims from where the application keeps them, and keeps them in login rows.
pub(super) struct ClaimsLoader<C> {
    store: Arc<dyn Store>,
    source: Option<Arc<dyn ClaimsSource<C>>>,
}

/// Claims, with the epoch under which they were loaded.
pub(super) struct Loaded<C> {
    pub(super) claims: C,
    pub(super) epoch: u64,
    /// As a login row keeps them.
    pub(super) json: Vec<u8>,
}

/// How loading claims came out.
pub(super) enum Load<C> {
    /// These are the claims.
    Current(Loaded<C>),
    /// The subject is gone or disabled.
    Gone,
    /// There is nowhere to load them from.
    NoSource,
}

/// Why claims could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// The claims source did not answer.
    #[error("the claims source did not answer")]
    Source(#[source] BoxError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<C: Claims> ClaimsLoader<C> {
    pub(super) fn new(store: Arc<dyn Store>, source: Option<Arc<dyn ClaimsSource<C>>>) -> Self {
        Self { store, source }
    }

    /// Whether there is somewhere to load claims from.
    pub(super) const fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// The claims of a subject from the source.
    pub(super) async fn load(&self, subject: &Subject) -> Result<Load<C>, LoadError> {
        let Some(source) = &self.source else { return Ok(Load::NoSource) };
        let epoch = self.store.epoch(subject).await?;
        match source.load(subject).await.map_err(LoadError::Source)? {
            None => Ok(Load::Gone),
            Some(claims) if claims.subject().as_ref() != Ok(subject) => {
                Err(LoadError::Source("the claims source answered with another subject".into()))
            }
            Some(claims) => Ok(Load::Current(Loaded::new(claims, epoch)?)),
        }
    }

    /// The claims of somebody who signs in: from the source, or, without one, what the application says.
    pub(super) async fn load_or(&self, subject: &Subject, claims: C) -> Result<Load<C>, LoadError> {
        if self.has_source() {
            return self.load(subject).await;
        }
        let epoch = self.store.epoch(subject).await?;
        Ok(Load::Current(Loaded::new(claims, epoch)?))
    }

    /// The claims in a row, unless they changed since.
    pub(super) async fn stored(&self, login: &LoginRow) -> Result<Option<C>, StoreError> {
        let epoch = self.store.epoch(&login.subject).await?;
        Ok(read_claims(&login.claims, &login.subject).filter(|_| login.epoch == epoch))
    }

    /// Whether a login that was made under `epoch` came about before anything of its subject changed.
    pub(super) async fn is_current(&self, subject: &Subject, epoch: u64) -> Result<bool, StoreError> {
        Ok(self.store.epoch(subject).await? == epoch)
    }

    /// Keeps loaded claims in a login's row. Where later ones are there already, or the login is over, nothing happens:
    /// whoever loads it next will see.
    pub(super) async fn keep(
        &self,
        login: LoginId,
        loaded: &Loaded<C>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.save_claims(login, &loaded.json, loaded.epoch, now, now).await.map(|_saved| ())
    }
}

impl<C: Claims> Loaded<C> {
    fn new(claims: C, epoch: u64) -> Result<Self, StoreError> {
        let json = write_claims(&claims).map_err(StoreError::new)?;
        Ok(Self { claims, epoch, json })
    }
}
