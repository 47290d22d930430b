//! The rule of rotation: a pure function of the row, what is presented, and the time.
//!
//! It is the executable model of the protocol in Rust; `tests/rotation_model.rs` compares the two over random traces.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::{Family, SecretHash};

/// What a client presents, its tag already checked.
#[derive(Clone, Copy, Debug)]
pub struct Presentation {
    /// The generation in the token.
    pub generation: u32,
    /// The branch in the token.
    pub branch: u16,
    /// The hash of its secret.
    pub secret: SecretHash,
}

/// What the rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Presented {
    /// The current token, out of the grace: the successor is generation + 1, branch 0.
    Rotate,
    /// The current token within the grace of the last rotation: hand the same token out again, and mark it confirmed.
    Repeat,
    /// The predecessor within the grace: hand the current token out again, derived anew.
    RepeatSuccessor,
    /// The predecessor, late, and the successor was never used: its response was lost. A new branch replaces it.
    ReplaceSuccessor,
    /// A token that was used up: somebody else has it. Revoke the login.
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
pub fn present(family: &Family, presented: &Presentation, grace: Duration, now: Timestamp) -> Presented {
    let in_grace = now < family.rotated_at.after(grace);
    let is_same = |hash: &SecretHash| *hash == presented.secret;
    if (presented.generation, presented.branch) == (family.generation, family.branch) {
        return match (is_same(&family.current), in_grace) {
            (false, _) => Presented::UnknownSecret,
            (true, true) => Presented::Repeat,
            (true, false) => Presented::Rotate,
        };
    }
    if presented.generation > family.generation
        || (presented.generation == family.generation && presented.branch > family.branch)
    {
        return Presented::AheadOfStore;
    }
    let generations = family.generation - presented.generation;
    if generations == 1 && Some(presented.branch) == family.previous_branch {
        return match &family.previous {
            Some(previous) if !is_same(previous) => Presented::UnknownSecret,
            Some(_) if in_grace => Presented::RepeatSuccessor,
            Some(_) if !family.confirmed => Presented::ReplaceSuccessor,
            _ => Presented::Theft { generations },
        };
    }
    Presented::Theft { generations }
}
