//! The rule of rotation: a pure function of the row, what is presented, and the time.
//!
//! It is the executable model of the protocol in Rust; the tests of rotation compare the two over random traces.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::Position;
use crate::store::{Family, SecretHash};

/// What a client presents, its tag already checked.
#[derive(Clone, Copy, Debug)]
pub struct Presentation {
    /// Which token it is.
    pub position: Position,
    /// The hash of its secret.
    pub secret: SecretHash,
    /// Whether its access token came along.
    pub pair: Pair,
}

/// Whether the access token of the same login and position came with a refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pair {
    /// It did, or nobody asks for it.
    #[default]
    Complete,
    /// It is asked for and did not: the refresh token came alone, or with another access token.
    Incomplete,
}

/// What the rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The current token, out of the grace: the successor is generation + 1, branch 0.
    Rotate,
    /// The current token within the grace of the last rotation: hand the same token out again, and mark it confirmed.
    Repeat,
    /// The predecessor within the grace: hand the current token out again, derived anew.
    RepeatSuccessor,
    /// The predecessor, late, and the successor was never used: its response was lost. A new branch replaces it.
    ReplaceSuccessor,
    /// A token that was used up, or one without its pair: somebody else has it. Revoke the login.
    Theft {
        /// How many generations behind it is.
        generations: u32,
    },
    /// Newer than the row: the store lost a commit. Refused, and not theft.
    AheadOfStore,
    /// The right tag with a wrong secret. Refused, and nothing changes.
    UnknownSecret,
}

/// Decides on a presentation, with the grace measured from the last rotation.
///
/// A last rotation in the future (the clock went back) counts as being within the grace: the token is repeated, and
/// nobody is called a thief because of a clock.
pub fn decide(family: &Family, presented: &Presentation, grace: Duration, now: Timestamp) -> Verdict {
    let generations = family.position.generation.saturating_sub(presented.position.generation);
    match (verdict(family, presented, grace, now), presented.pair) {
        (refused @ (Verdict::AheadOfStore | Verdict::UnknownSecret), _) => refused,
        (_, Pair::Incomplete) => Verdict::Theft { generations },
        (verdict, Pair::Complete) => verdict,
    }
}

fn verdict(family: &Family, presented: &Presentation, grace: Duration, now: Timestamp) -> Verdict {
    let in_grace = now < family.rotated_at.after(grace);
    let is_same = |hash: &SecretHash| *hash == presented.secret;
    if presented.position == family.position {
        return match (is_same(&family.current), in_grace) {
            (false, _) => Verdict::UnknownSecret,
            (true, true) => Verdict::Repeat,
            (true, false) => Verdict::Rotate,
        };
    }
    if presented.position > family.position {
        return Verdict::AheadOfStore;
    }
    let generations = family.position.generation - presented.position.generation;
    if generations == 1 && Some(presented.position.branch) == family.previous_branch {
        return match &family.previous {
            Some(previous) if !is_same(previous) => Verdict::UnknownSecret,
            Some(_) if in_grace => Verdict::RepeatSuccessor,
            Some(_) if !family.confirmed => Verdict::ReplaceSuccessor,
            _ => Verdict::Theft { generations },
        };
    }
    Verdict::Theft { generations }
}
