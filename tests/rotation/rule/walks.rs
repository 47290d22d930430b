//! Random traces: any token that was ever handed out, presented, used and delivered in any order, while time passes. The
//! model and the rotation against a store answer alike, and one position is the same bytes each time.

use std::collections::HashMap;
use std::time::Duration;

use auth_core::__private::rotation::RotateError;
use auth_core::__private::rotation::{ParsedToken, Rotated};
use futures_util::FutureExt as _;
use proptest::prelude::*;
use proptest::sample::Index;

use super::model::{self, Login, Terms, Token};
use super::support::{GRACE, Owner, login_of, pair_of, policy_of, token_of};

#[derive(Clone, Debug)]
enum Step {
    Present { token: Index, is_recent: bool, terms: Terms },
    Use(Index),
    Deliver(Index),
    Wait(Duration),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let terms = (0_u32..4, any::<bool>(), prop::bool::weighted(0.95))
        .prop_map(|(end_after, pair, paired)| Terms { end_after: end_after * 2, pair, paired });
    let step = prop_oneof![
        5 => (any::<Index>(), prop::bool::weighted(0.95), terms)
            .prop_map(|(token, is_recent, terms)| Step::Present { token, is_recent, terms }),
        2 => any::<Index>().prop_map(Step::Use),
        1 => any::<Index>().prop_map(Step::Deliver),
        1 => (0_u64..12_000).prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
        1 => Just(Step::Wait(GRACE)),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_token_in_any_order_is_answered_alike(steps in steps()) {
        let mut walk = Walk::new();
        for step in steps {
            walk.step(&step)?;
            if walk.row.is_none() {
                break;
            }
        }
        walk.end()?;
    }
}

struct Walk {
    owner: Owner,
    row: Option<Login>,
    known: Vec<Token>,
    tokens: HashMap<Token, ParsedToken>,
    /// What was presented, and the answer.
    answers: Vec<(Token, Rotated)>,
}

impl Walk {
    fn new() -> Self {
        let owner = Owner::new().now_or_never().unwrap();
        let (first, token) = (Login::NEW.current(), owner.first.clone());
        let tokens = HashMap::from([(first, token)]);
        Self { owner, row: Some(Login::NEW), known: vec![first], tokens, answers: Vec::new() }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let row = self.row.unwrap();
        // The newest tokens are the interesting ones.
        let recent = &self.known[self.known.len().saturating_sub(3)..];
        match step {
            Step::Present { token, is_recent, terms } => {
                let token = *token.get(if *is_recent { recent } else { &self.known });
                self.present(row, token, *terms)?;
            }
            Step::Use(token) => {
                let token = *token.get(recent);
                self.owner.use_token(&self.tokens[&token]).now_or_never().unwrap();
                self.row = Some(model::use_token(row, token));
            }
            Step::Deliver(answer) if !self.answers.is_empty() => {
                let recent = self.answers.len().saturating_sub(6);
                let (presented, answer) = answer.get(&self.answers[recent..]).clone();
                self.deliver(row, presented, answer)?;
            }
            Step::Deliver(_) => {}
            Step::Wait(time) => self.owner.clock.advance(*time),
        }
        let family = self.owner.family().now_or_never().unwrap();
        let stored = family.map(|family| login_of(&family, auth_core::clock::Clock::now(&self.owner.clock)));
        // Time that passed may have ended the grace, and nothing else.
        let in_grace = stored.is_some_and(|stored| stored.in_grace);
        let is_wait = matches!(step, Step::Wait(_));
        self.row =
            self.row.map(|row| Login { in_grace: if is_wait { in_grace } else { row.in_grace }, ..row });
        prop_assert_eq!(stored, self.row);
        Ok(())
    }

    fn present(&mut self, row: Login, token: Token, terms: Terms) -> Result<(), TestCaseError> {
        let (then, handed) = model::present(row, token, terms);
        self.owner.policy = policy_of(terms);
        let presented = &self.tokens[&token];
        let answer = self.owner.refresh().rotate(presented, pair_of(terms)).now_or_never().unwrap();
        match (answer, handed) {
            (Ok(rotated), Some(handed)) => {
                self.hand_out(&rotated.token, handed)?;
                self.answers.push((token, rotated));
            }
            (Err(RotateError::Stolen { login, generations, .. }), None) => {
                prop_assert_eq!((login, generations), (self.owner.id(), row.generation - token.generation));
            }
            (answer, expected) => prop_assert!(false, "{answer:?} instead of {expected:?}"),
        }
        self.row = then;
        Ok(())
    }

    /// Very late.
    fn deliver(&mut self, row: Login, presented: Token, answer: Rotated) -> Result<(), TestCaseError> {
        let (then, handed) = model::deliver(row, presented, token_of(answer.token.position()));
        let presented = &self.tokens[&presented];
        let delivered = self.owner.refresh().deliver(presented, answer, 2 * GRACE).now_or_never().unwrap();
        match (delivered, handed) {
            (Ok(rotated), Some(handed)) => self.hand_out(&rotated.token, handed)?,
            (Err(RotateError::MovedOn { .. }), None) => {}
            (delivered, expected) => prop_assert!(false, "{delivered:?} instead of {expected:?}"),
        }
        self.row = then;
        Ok(())
    }

    fn hand_out(&mut self, token: &ParsedToken, expected: Token) -> Result<(), TestCaseError> {
        prop_assert_eq!(token_of(token.position()), expected);
        if let Some(known) = self.tokens.insert(expected, token.clone()) {
            prop_assert_eq!(self.owner.text(&known), self.owner.text(token));
        } else {
            self.known.push(expected);
        }
        Ok(())
    }

    /// After the end no token is worth anything.
    fn end(&self) -> Result<(), TestCaseError> {
        for token in self.tokens.values().filter(|_| self.row.is_none()) {
            let answer = self.owner.present(token).now_or_never().unwrap();
            prop_assert!(matches!(answer, Err(RotateError::Ended { .. })), "{answer:?}");
        }
        Ok(())
    }
}
