//! The rule of rotation: a pure function of the family in the row, what is presented, the policy, and the time.
//!
//! `tests/rotation/rule` compares it with a model of the protocol in every state.
//!
//! # Clocks
//!
//! Positions order events; a clock only measures the grace, from `rotated_at` on, and both are the store's. A
//! `rotated_at` in the future means that this clock went back. Then the grace counts as running, so that nobody is a
//! thief by clock; and the first answer moves `rotated_at` back to now, so that the predecessor is good for one grace
//! from then on, and not until the clock has caught up. A clock that jumps ahead cannot be told from time that passed: a
//! tab that sent the predecessor in that moment is late.
//!
//! # Slow answers
//!
//! What follows the rotation can take longer than the grace. [`deliver`] gives a token that nobody has used yet its grace
//! anew when it is handed out, whichever request made it. The grace of a token that was used is never made longer: whoever repeats it, or its
//! predecessor, within each grace could put off the next rotation for ever, and with it the discovery of a theft.

use std::time::Duration;

use super::policy::{Pair, RotationPolicy};
use crate::clock::Timestamp;
use crate::id::Position;
use crate::store::{Family, GraceStart, SecretHash};

/// Which part of the grace may be over when a token is handed out that nobody has used: a tenth.
const SLACK: u32 = 10;

/// What a client presents, its tag already checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// The position in the token.
    pub position: Position,
    /// The hash of its secret.
    pub secret: SecretHash,
    /// Whether its access token came along.
    pub pair: Pair,
}

/// What the rule says, and what must be written before it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// What the presentation is.
    pub verdict: Verdict,
    /// The family that must take the place of the present one first; none when nothing changes, and for
    /// [`Verdict::Rotate`] and [`Verdict::ReplaceSuccessor`], which need a new secret.
    pub write: Option<FamilyWrite>,
}

/// A change of a family, as the store takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyWrite {
    /// The family after it.
    pub family: Family,
    /// When its grace began.
    pub grace: GraceStart,
}

/// What a presentation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Verdict {
    /// Newer than the row: the store lost a commit. Refused, and not theft.
    AheadOfStore,
    /// There is no position after this one. Refused, and not theft.
    Exhausted,
    /// The current token within the grace: the same again. It has reached its owner.
    Repeat,
    /// The predecessor within the grace: the current token again, derived anew.
    RepeatSuccessor,
    /// The predecessor, late, and the successor was never used: its response was lost. Another branch replaces it.
    ReplaceSuccessor {
        /// Where the new token is.
        next: Position,
    },
    /// The current token, out of the grace: a new generation.
    Rotate {
        /// Where the new token is.
        next: Position,
    },
    /// The predecessor within the grace, for the first time after its successor was used: the current token again. A tab
    /// with a copy of its own, or a thief.
    Shared {
        /// In how many generations in a row this was seen.
        streak: u32,
    },
    /// Somebody else has the token too. The login is revoked.
    Theft {
        /// How many generations behind it is.
        generations: u32,
        /// What shows it.
        evidence: Evidence,
    },
    /// The right tag with a wrong secret. Refused, and nothing changes.
    UnknownSecret,
    /// A token that would be served, with an access token that cannot be checked. Refused, and nothing changes.
    UnverifiablePair,
}

/// What shows that a token is in two hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// It was used up before.
    Reused,
    /// The login was shared in this many generations in a row, which is more than the policy allows.
    Shared {
        /// In how many generations in a row.
        streak: u32,
    },
    /// It came without the access token that it was handed out with.
    Unpaired,
}

/// Decides on a presentation.
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

/// Decides on a presentation whose access token came along.
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

/// The family after another branch took the place of a successor that nobody used.
pub(super) fn replaced(family: &Family, next: Position, secret: SecretHash, nonce: [u8; 16]) -> FamilyWrite {
    let family = Family { position: next, current: secret, nonce, confirmed: false, ..family.clone() };
    FamilyWrite { family, grace: GraceStart::Now }
}

/// What becomes of an answer that took long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    /// Neither of the others. Nothing is handed out, nothing changes, and the client tries again with what it has by then.
    MovedOn,
    /// Another request replaced it within the grace: the current token is handed out, derived anew from the presented one.
    Replaced {
        /// With `Now`, `rotated_at` is moved forward first.
        grace: GraceStart,
    },
    /// It is the current token still, and handed out.
    StillCurrent {
        /// With `Now`, `rotated_at` is moved forward first.
        grace: GraceStart,
    },
}

/// Decides on the answer to a presentation, when it is about to be handed out.
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

/// Whether an answer took so long that [`deliver`] must be asked: the store answered at `now` with this family, to a
/// question that was sent `elapsed` ago.
///
/// A token that nobody has used must leave its client nine tenths of the grace. One that was used must only be the
/// current one still, and nothing replaces it within the grace.
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

/// The current token again. A `rotated_at` in the future becomes now.
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
