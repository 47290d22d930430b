//! What the application decides about rotation, and what a request brought for it.

use std::num::NonZeroU32;
use std::time::Duration;

/// Whether a refresh must bring the access token that came with the refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pairing {
    /// The refresh token is enough.
    #[default]
    Optional,
    /// The access token of the same login, generation and branch must come along, expired or not. A refresh without it
    /// that would be accepted is theft: the login is revoked.
    Required,
}

/// Whether the access token of the presented refresh token came along. Looked at only with [`Pairing::Required`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pair {
    /// It did.
    Brought,
    /// It did not: there was none, or another one.
    Missing,
    /// Something came along that cannot be checked, because its key is not known any more. It proves nothing either way.
    Unverifiable,
}

/// What follows when two parties seem to share a login within the grace.
///
/// Within the grace a thief and the owner get the same token. What can be told is that the predecessor came again after
/// its successor was used. Two tabs that keep copies of their own look the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// It is counted and reported.
    #[default]
    Report,
    /// It is counted and reported, and the login is revoked when it is seen in that many generations in a row.
    EndAfter(NonZeroU32),
}

/// How tokens are rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a predecessor is answered with the same successor; to the millisecond.
    pub grace: Duration,
    /// How long a login lasts unused.
    pub idle: Duration,
    /// How long credentials made from now on can outlive the login's end.
    pub retention: Duration,
    /// Whether a refresh must bring its access token.
    pub pairing: Pairing,
    /// What follows when a login seems to be shared.
    pub sharing: Sharing,
}

impl RotationPolicy {
    /// Whether a token that came with this may be served.
    pub(crate) fn accepts(&self, pair: Pair) -> bool {
        self.pairing == Pairing::Optional || pair == Pair::Brought
    }

    /// Whether a login that was shared in so many generations in a row goes on.
    pub(crate) fn tolerates(&self, streak: u32) -> bool {
        match self.sharing {
            Sharing::Report => true,
            Sharing::EndAfter(most) => streak < most.get(),
        }
    }
}
