//! Claims as they are now. The only place that orders epoch and claims: claims are loaded after the epoch that they are
//! kept under was read, so that a change in between makes them outdated, never the reverse.

use std::sync::Arc;

use axum::BoxError;

use super::realm_store::RealmStore;
use super::source::ClaimsSource;
use crate::claims::Claims;
use crate::id::{LoginId, Subject};
use crate::jwt::write_claims;
use crate::store::StoreError;

/// Loads claims from where the application keeps them, and keeps them in login rows.
pub(super) struct ClaimsLoader<C> {
    store: RealmStore,
    source: Option<Arc<dyn ClaimsSource<C>>>,
}

/// The epoch of a subject, as the store said it: claims that are loaded from now on are kept under it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch(pub(super) u64);

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
    pub(super) const fn new(store: RealmStore, source: Option<Arc<dyn ClaimsSource<C>>>) -> Self {
        Self { store, source }
    }

    /// Whether there is somewhere to load claims from.
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

    /// The claims of somebody who signs in: from the source, or, without one, what the application says.
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

    /// Keeps loaded claims in a login's row; `false` when the login is over, or has later ones.
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
