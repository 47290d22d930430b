//! Loading current claims. The only place that orders epoch and claims: claims are loaded after the epoch under which they
//! are stored was read, so that a change in between makes them outdated, never the reverse.

use std::sync::Arc;

use axum::BoxError;

use super::realm_store::RealmStore;
use super::source::ClaimsSource;
use crate::claims::Claims;
use crate::id::{LoginId, Subject};
use crate::jwt::write_claims;
use crate::store::StoreError;

/// Loads claims from the application's source, and stores them in login rows.
pub(super) struct ClaimsLoader<C> {
    store: RealmStore,
    source: Option<Arc<dyn ClaimsSource<C>>>,
}

/// The epoch of a subject, as read from the store: claims that are loaded from now on are stored under it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch(pub(super) u64);

/// Claims, with the epoch under which they were loaded.
pub(super) struct Loaded<C> {
    pub(super) claims: C,
    pub(super) epoch: u64,
    /// As stored in a login row.
    pub(super) json: Vec<u8>,
}

/// The result of loading claims.
pub(super) enum Load<C> {
    /// These are the claims.
    Current(Loaded<C>),
    /// The subject is gone or disabled.
    Gone,
    /// There is no source.
    NoSource,
}

/// Why claims could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// The claims source did not respond.
    #[error("the claims source did not answer")]
    Source(#[source] BoxError),
    /// The store did not respond.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<C: Claims> ClaimsLoader<C> {
    pub(super) const fn new(store: RealmStore, source: Option<Arc<dyn ClaimsSource<C>>>) -> Self {
        Self { store, source }
    }

    /// Whether there is a source.
    pub(super) const fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// The claims of a subject from the source, after `epoch` was read.
    pub(super) async fn load(&self, subject: &Subject, epoch: Epoch) -> Result<Load<C>, LoadError> {
        let Some(source) = &self.source else { return Ok(Load::NoSource) };
        match source.load(subject).await.map_err(LoadError::Source)? {
            None => Ok(Load::Gone),
            Some(claims) if claims.subject().as_ref() != Ok(subject) => {
                Err(LoadError::Source("the claims source answered with another subject".into()))
            }
            Some(claims) => Ok(Load::Current(Loaded::new(claims, epoch)?)),
        }
    }

    /// The claims for a sign-in: from the source or, without one, from the application.
    pub(super) async fn load_or(
        &self,
        subject: &Subject,
        epoch: Epoch,
        claims: C,
    ) -> Result<Load<C>, LoadError> {
        match self.has_source() {
            true => self.load(subject, epoch).await,
            false => Ok(Load::Current(Loaded::new(claims, epoch)?)),
        }
    }

    /// Stores loaded claims in a login's row. Returns `false` if the login has ended, or has later claims.
    pub(super) async fn keep(&self, login: LoginId, loaded: &Loaded<C>) -> Result<bool, StoreError> {
        let Loaded { epoch, json, .. } = loaded;
        let saved = self.store.ask(|store, realm| store.save_claims(realm, login, json, *epoch)).await?;
        Ok(saved.value)
    }
}

impl<C: Claims> Loaded<C> {
    fn new(claims: C, Epoch(epoch): Epoch) -> Result<Self, StoreError> {
        let json = write_claims(&claims).map_err(StoreError::new)?;
        Ok(Self { claims, epoch, json })
    }
}
