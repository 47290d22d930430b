//! The application's policy of rotation, and what a request presents for it.

use std::num::NonZeroU32;
use std::time::Duration;

/// Whether a refresh must present the access token that was issued with the refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pairing {
    /// The refresh token alone is sufficient.
    #[default]
    Optional,
    /// The access token of the same login, generation and branch is required; it may have expired. A refresh without
    /// it that would otherwise be accepted is treated as theft: the login is revoked.
    Required,
}

/// Whether the access token of the presented refresh token was presented too. Relevant only with
/// [`Pairing::Required`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pair {
    /// It was presented.
    Brought,
    /// There was no access token, or another one.
    Missing,
    /// The access token cannot be checked, because its key is no longer known. This proves nothing.
    Unverifiable,
}

/// What happens when two parties seem to share a login within the grace period.
///
/// Within the grace period a thief and the user get the same token. The only sign is that a token is presented again
/// after its successor was used. Two browser tabs that each keep a copy look the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// It is reported as an audit event.
    #[default]
    Report,
    /// It is reported as an audit event, and the login is revoked when it is seen in this many consecutive
    /// generations.
    EndAfter(NonZeroU32),
}

/// The policy of rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// The grace period: how long after a rotation the predecessor is answered with the same successor. Millisecond
    /// precision.
    pub grace: Duration,
    /// The idle lifetime of a login.
    pub idle: Duration,
    /// How long credentials issued from now on can outlive the login's end.
    pub retention: Duration,
    /// Whether a refresh must present its access token.
    pub pairing: Pairing,
    /// What happens when a login seems to be shared.
    pub sharing: Sharing,
}

impl RotationPolicy {
    /// Whether a refresh token may be accepted with this access token.
    pub(crate) fn accepts(&self, pair: Pair) -> bool {
        self.pairing == Pairing::Optional || pair == Pair::Brought
    }

    /// Whether a login stays live that was shared in `streak` consecutive generations.
    pub(crate) fn tolerates(&self, streak: u32) -> bool {
        match self.sharing {
            Sharing::Report => true,
            Sharing::EndAfter(most) => streak < most.get(),
        }
    }
}
