//! Evaluation of a [`Condition`]: a pure function that asks for a check only when the result depends on it.

use super::{Condition, Grant, Quantifier};

/// The results of the checks of a policy so far, by index.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answers {
    met: u64,
    forbidden: u64,
    not_found: u64,
}

impl Answers {
    pub(crate) fn met(&mut self, index: u8) {
        self.met |= bit(index);
    }

    pub(crate) fn forbidden(&mut self, index: u8) {
        self.forbidden |= bit(index);
    }

    pub(crate) fn not_found(&mut self, index: u8) {
        self.not_found |= bit(index);
    }
}

/// The result of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Met,
    /// Refused, with the missing scopes if a scope was missing.
    Forbidden(Option<&'static [Grant]>),
    /// Refused, and the caller must not learn that the resource exists.
    NotFound,
    /// Undecided until the check with this index has a result.
    Ask(u8),
}

/// Evaluates `condition` for a principal with these effective roles and scopes.
///
/// `All` stops at the first member that is refused or undecided, `Any` at the first that is satisfied. A check is asked
/// for only when the members before it do not decide the condition, so cheap members should be written first. If every
/// member of an `Any` is refused, the result is *not found* if any of them is: it tells the caller least.
/// An empty `Any` is refused.
pub(crate) fn evaluate(condition: &Condition, roles: u64, scopes: u64, answers: Answers) -> Outcome {
    match condition {
        Condition::Always => Outcome::Met,
        Condition::Roles(quantifier, grants) => match holds(*quantifier, grants, roles) {
            true => Outcome::Met,
            false => Outcome::Forbidden(None),
        },
        Condition::Scopes(quantifier, grants) => match holds(*quantifier, grants, scopes) {
            true => Outcome::Met,
            false => Outcome::Forbidden(Some(grants)),
        },
        Condition::Check(index, _) => answer(*index, answers),
        Condition::All(members) => members
            .iter()
            .map(|member| evaluate(member, roles, scopes, answers))
            .find(|outcome| *outcome != Outcome::Met)
            .unwrap_or(Outcome::Met),
        Condition::Any(members) => {
            let mut refused = Outcome::Forbidden(None);
            for member in *members {
                match evaluate(member, roles, scopes, answers) {
                    decided @ (Outcome::Met | Outcome::Ask(_)) => return decided,
                    Outcome::NotFound => refused = Outcome::NotFound,
                    Outcome::Forbidden(missing) => {
                        if let (Outcome::Forbidden(None), Some(_)) = (refused, missing) {
                            refused = Outcome::Forbidden(missing);
                        }
                    }
                }
            }
            refused
        }
    }
}

fn holds(quantifier: Quantifier, grants: &[Grant], has: u64) -> bool {
    let mut held = grants.iter().map(|grant| has & grant.bit != 0);
    match quantifier {
        Quantifier::All => !grants.is_empty() && held.all(|held| held),
        Quantifier::Any => held.any(|held| held),
    }
}

fn answer(index: u8, answers: Answers) -> Outcome {
    let bit = bit(index);
    if answers.met & bit != 0 {
        Outcome::Met
    } else if answers.not_found & bit != 0 {
        Outcome::NotFound
    } else if answers.forbidden & bit != 0 || bit == 0 {
        Outcome::Forbidden(None)
    } else {
        Outcome::Ask(index)
    }
}

fn bit(index: u8) -> u64 {
    crate::role::bit(u32::from(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLERK: &[Grant] = &[Grant::new(1, "clerk")];
    const READ_AND_WRITE: &[Grant] = &[Grant::new(0, "read"), Grant::new(1, "write")];
    const CLERK_OR_OWNER: &[Condition] =
        &[Condition::Roles(Quantifier::Any, CLERK), Condition::Check(0, "owner")];

    #[test]
    fn a_check_is_asked_for_only_when_the_members_before_it_do_not_decide() {
        let condition = Condition::Any(CLERK_OR_OWNER);
        assert_eq!(evaluate(&condition, 0b10, 0, Answers::default()), Outcome::Met);
        assert_eq!(evaluate(&condition, 0b01, 0, Answers::default()), Outcome::Ask(0));
    }

    #[test]
    fn not_found_takes_precedence_over_other_refusals() {
        let mut answers = Answers::default();
        answers.not_found(0);
        assert_eq!(evaluate(&Condition::Any(CLERK_OR_OWNER), 0, 0, answers), Outcome::NotFound);
        assert_eq!(evaluate(&Condition::Any(CLERK_OR_OWNER), 0b10, 0, answers), Outcome::Met);
    }

    #[test]
    fn any_inside_all_is_a_group() {
        const MEMBERS: &[Condition] =
            &[Condition::Any(CLERK_OR_OWNER), Condition::Scopes(Quantifier::All, READ_AND_WRITE)];
        let condition = Condition::All(MEMBERS);
        assert_eq!(evaluate(&condition, 0b10, 0b11, Answers::default()), Outcome::Met);
        assert_eq!(
            evaluate(&condition, 0b10, 0b01, Answers::default()),
            Outcome::Forbidden(Some(READ_AND_WRITE))
        );
        let mut refused = Answers::default();
        refused.forbidden(0);
        assert_eq!(evaluate(&condition, 0, 0b11, refused), Outcome::Forbidden(None));
    }

    #[test]
    fn an_empty_any_is_refused() {
        assert_eq!(evaluate(&Condition::Any(&[]), u64::MAX, 0, Answers::default()), Outcome::Forbidden(None));
        let roles = Condition::Roles(Quantifier::All, &[]);
        assert_eq!(evaluate(&roles, u64::MAX, 0, Answers::default()), Outcome::Forbidden(None));
    }

    #[test]
    fn a_check_index_out_of_range_is_refused() {
        assert_eq!(evaluate(&Condition::Check(64, "x"), 0, 0, Answers::default()), Outcome::Forbidden(None));
    }
}
