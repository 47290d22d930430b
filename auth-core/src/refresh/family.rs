//! The rule of rotation: a pure function of the stored family, the presented token, the policy, and the time.
//!
//! `tests/rotation/rule` compares it with a model of the protocol in every state.
//!
//! # Clocks
//!
//! Events are ordered by position. Time is used only to measure the grace period, from `rotated_at` on; both times
//! are the store's. A `rotated_at` in the future means that the store's clock went back. Then the grace period counts
//! as running, so that a clock alone never causes an alarm about theft. The first answer sets `rotated_at` to now, so
//! that the predecessor is accepted for one grace period from then on, and not until the clock has caught up. A clock
//! that jumps ahead cannot be distinguished from time that passed: the grace period has then passed for a tab that has
//! just sent the predecessor.
//!
//! # Slow answers
//!
//! The work after the rotation can take longer than the grace period. When a token is returned that was not used yet,
//! [`deliver`] starts its grace period again, whichever request made the token. The grace period of a token that was
//! used is never extended: otherwise a party that repeats the token, or its predecessor, within each grace period
//! could postpone the next rotation, and with it the detection of a theft, indefinitely.

use std::time::Duration;

use super::policy::{Pair, RotationPolicy};
use crate::clock::Timestamp;
use crate::id::Position;
use crate::store::{Family, GraceStart, SecretHash};

/// The part of the grace period that may have passed when an unused token is returned: one tenth.
const SLACK: u32 = 10;

/// A presented token whose tag was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// The position in the token.
    pub position: Position,
    /// The hash of its secret.
    pub secret: SecretHash,
    /// Whether its access token was presented too.
    pub pair: Pair,
}

/// The result of the rule, and the change that must be written before the result may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// The verdict on the presented token.
    pub verdict: Verdict,
    /// The change of the family that must be written first; `None` when nothing changes, and for [`Verdict::Rotate`]
    /// and [`Verdict::ReplaceSuccessor`], which need a new secret.
    pub write: Option<FamilyWrite>,
}

/// A change of a family, in the form that the store takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyWrite {
    /// The family after the change.
    pub family: Family,
    /// When its grace period begins.
    pub grace: GraceStart,
}

/// The verdict on a presented token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Verdict {
    /// The token is newer than the row: the store lost a commit. It is refused; this is not theft.
    AheadOfStore,
    /// There is no later position. The token is refused; this is not theft.
    Exhausted,
    /// The current token, within the grace period. The same token is returned; the client has received it.
    Repeat,
    /// The predecessor, within the grace period. The current token is derived again and returned.
    RepeatSuccessor,
    /// The predecessor, after the grace period, and the successor was never used: its response was lost. A token on
    /// another branch replaces the successor.
    ReplaceSuccessor {
        /// The position of the new token.
        next: Position,
    },
    /// The current token, after the grace period. A new generation begins.
    Rotate {
        /// The position of the new token.
        next: Position,
    },
    /// The predecessor, within the grace period, for the first time after its successor was used: by a browser tab
    /// with its own copy, or by a thief. The current token is derived again and returned.
    Shared {
        /// The number of consecutive generations in which this was seen.
        streak: u32,
    },
    /// Another party has the token too. The login is revoked.
    Theft {
        /// How many generations older than the current token the presented one is.
        generations: u32,
        /// The evidence.
        evidence: Evidence,
    },
    /// The tag is valid, but the secret is wrong. The token is refused, and nothing changes.
    UnknownSecret,
    /// The token would be accepted, but the access token with it cannot be checked. It is refused, and nothing
    /// changes.
    UnverifiablePair,
}

/// The evidence that two parties have a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// The token had been used before.
    Reused,
    /// The number of consecutive generations in which the login was shared reached the limit of the policy.
    Shared {
        /// The number of consecutive generations.
        streak: u32,
    },
    /// The token was presented without the access token that was issued with it.
    Unpaired,
}

/// Decides about a presented token.
pub fn decide(
    family: &Family,
    presented: &Presentation,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Decision {
    let decision = decide_paired(family, presented, policy, now);
    let is_served = match decision.verdict {
        Verdict::Repeat
        | Verdict::RepeatSuccessor
        | Verdict::ReplaceSuccessor { .. }
        | Verdict::Rotate { .. }
        | Verdict::Shared { .. } => true,
        Verdict::AheadOfStore
        | Verdict::Exhausted
        | Verdict::Theft { .. }
        | Verdict::UnknownSecret
        | Verdict::UnverifiablePair => false,
    };
    match presented.pair {
        pair if !is_served || policy.accepts(pair) => decision,
        Pair::Unverifiable => Verdict::UnverifiablePair.into(),
        Pair::Brought | Pair::Missing => theft(family, presented, Evidence::Unpaired),
    }
}

/// Decides about a token, without regard to its access token.
fn decide_paired(
    family: &Family,
    presented: &Presentation,
    policy: &RotationPolicy,
    now: Timestamp,
) -> Decision {
    let Position { generation, branch } = family.position;
    let is_current = presented.position == family.position;
    if presented.position > family.position {
        return Verdict::AheadOfStore.into();
    }
    let expected = if is_current {
        Some(family.current)
    } else if Some(presented.position) == predecessor(family) {
        family.previous
    } else {
        return theft(family, presented, Evidence::Reused);
    };
    if expected != Some(presented.secret) {
        return Verdict::UnknownSecret.into();
    }
    match (is_current, is_in_grace(family, policy.grace, now)) {
        (true, true) => repeated(Verdict::Repeat, family, Family { confirmed: true, ..family.clone() }, now),
        (true, false) => generation.checked_add(1).map_or(Verdict::Exhausted.into(), |generation| {
            Verdict::Rotate { next: Position { generation, branch: 0 } }.into()
        }),
        (false, true) if family.confirmed && !family.counted => {
            let streak = family.shared.saturating_add(1);
            let counted = Family { shared: streak, counted: true, ..family.clone() };
            match policy.tolerates(streak) {
                true => repeated(Verdict::Shared { streak }, family, counted, now),
                false => theft(family, presented, Evidence::Shared { streak }),
            }
        }
        (false, true) => repeated(Verdict::RepeatSuccessor, family, family.clone(), now),
        (false, false) if family.confirmed => theft(family, presented, Evidence::Reused),
        (false, false) => branch.checked_add(1).map_or(Verdict::Exhausted.into(), |branch| {
            Verdict::ReplaceSuccessor { next: Position { generation, branch } }.into()
        }),
    }
}

/// The change of the family that replaces an unused successor by a token on another branch.
pub(super) fn replaced(family: &Family, next: Position, secret: SecretHash, nonce: [u8; 16]) -> FamilyWrite {
    let family = Family { position: next, current: secret, nonce, confirmed: false, ..family.clone() };
    FamilyWrite { family, grace: GraceStart::Now }
}

/// What happens with an answer that took long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    /// The token is no longer the current one, and the current one must not be returned either. Nothing changes, and
    /// the client tries again with the token that it has then.
    MovedOn,
    /// Another request replaced the token within the grace period. The current token is derived from the presented
    /// one and returned.
    Replaced {
        /// If `Now`, `rotated_at` is set to now first.
        grace: GraceStart,
    },
    /// The token still is the current one, and is returned.
    StillCurrent {
        /// If `Now`, `rotated_at` is set to now first.
        grace: GraceStart,
    },
}

/// Decides about the answer to a presented token just before it is returned to the client.
pub fn deliver(
    family: &Family,
    presented: Position,
    answer: Position,
    grace: Duration,
    now: Timestamp,
) -> Delivery {
    let is_young = now >= family.rotated_at && now < family.rotated_at.after(grace / SLACK);
    let start = if family.confirmed || is_young { GraceStart::Keep } else { GraceStart::Now };
    if answer == family.position {
        Delivery::StillCurrent { grace: start }
    } else if Some(presented) == predecessor(family) && is_in_grace(family, grace, now) {
        Delivery::Replaced { grace: start }
    } else {
        Delivery::MovedOn
    }
}

/// Whether an answer took so long that [`deliver`] must decide about it. The store returned this family at `now`, to
/// a call that was made `elapsed` ago.
///
/// If the token was not used, at least nine tenths of its grace period must remain for the client. If it was used, it
/// must only be the current one still, and within the grace period it is.
pub fn is_late(family: &Family, grace: Duration, now: Timestamp, elapsed: Duration) -> bool {
    let age = now.since(family.rotated_at).saturating_add(elapsed);
    let slack = grace / SLACK;
    let bound = if family.confirmed { grace.saturating_sub(slack) } else { slack };
    age >= bound
}

fn predecessor(family: &Family) -> Option<Position> {
    let generation = family.position.generation.checked_sub(1)?;
    family.previous_branch.map(|branch| Position { generation, branch })
}

fn is_in_grace(family: &Family, grace: Duration, now: Timestamp) -> bool {
    now < family.rotated_at.after(grace)
}

/// The current token is returned again. A `rotated_at` in the future becomes now.
fn repeated(verdict: Verdict, family: &Family, mut after: Family, now: Timestamp) -> Decision {
    let is_ahead = family.rotated_at > now;
    after.rotated_at = family.rotated_at.min(now);
    let grace = if is_ahead { GraceStart::Now } else { GraceStart::Keep };
    let write = (after != *family).then_some(FamilyWrite { family: after, grace });
    Decision { verdict, write }
}

fn theft(family: &Family, presented: &Presentation, evidence: Evidence) -> Decision {
    let generations = family.position.generation.saturating_sub(presented.position.generation);
    Verdict::Theft { generations, evidence }.into()
}

/// Nothing is written.
impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, write: None }
    }
}
