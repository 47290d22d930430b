//! The principal that handlers see.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::requirement::Scheme;
use crate::revoke::NotRevoked;

/// The authenticated caller: a cheap handle on a shared principal. It dereferences to the claims.
///
/// Only a guard creates it, from the proof that its credential is not revoked, so a function that takes `&Auth<C>` cannot be
/// called for a caller who was not checked.
pub struct Auth<C>(Arc<Principal<C>>);

/// The content of a credential, whether or not it is revoked.
pub(super) struct Principal<C> {
    claims: C,
    subject: Subject,
    scheme: Scheme,
    login: Option<LoginId>,
    authenticated_at: Option<Timestamp>,
    epoch: u64,
    roles: u64,
    scopes: u64,
}

impl<C: Claims> Principal<C> {
    pub(super) fn new(
        claims: C,
        subject: Subject,
        scheme: Scheme,
        login: Option<LoginId>,
        authenticated_at: Option<Timestamp>,
        epoch: u64,
    ) -> Self {
        let (roles, scopes) = (claims.roles().effective(), claims.scopes().bits());
        Self { claims, subject, scheme, login, authenticated_at, epoch, roles, scopes }
    }
}

impl<C> Principal<C> {
    pub(super) const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(super) const fn login_id(&self) -> Option<LoginId> {
        self.login
    }

    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl<C> Auth<C> {
    /// The principal of a credential that is not revoked.
    pub(super) fn new(principal: Arc<Principal<C>>, _proof: NotRevoked) -> Self {
        Self(principal)
    }

    /// The claims.
    pub fn claims(&self) -> &C {
        &self.0.claims
    }

    /// The subject of the claims (`sub`).
    pub fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// The scheme that authenticated this request.
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// The login of the credential; `None` for a token without a login.
    pub fn login_id(&self) -> Option<LoginId> {
        self.0.login
    }

    /// When the user was last authenticated (`auth_time`). `None` if the token does not contain it, or if it is later
    /// than `iat`, beyond the leeway: such a token is accepted, and never satisfies `fresh`.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.0.authenticated_at
    }

    pub(crate) fn role_bits(&self) -> u64 {
        self.0.roles
    }

    pub(crate) fn scope_bits(&self) -> u64 {
        self.0.scopes
    }
}

impl<C> Clone for Auth<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> Deref for Auth<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0.claims
    }
}

/// Contains the scheme and the login, and no claim.
impl<C> fmt::Debug for Auth<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("scheme", &self.scheme())
            .field("login", &self.login_id())
            .finish_non_exhaustive()
    }
}
