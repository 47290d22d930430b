//! The model of the protocol, the rule in `auth_core::refresh`, and the rotation against a store decide alike.

use std::collections::HashMap;
use std::time::Duration;

use auth_core::clock::{Clock as _, Timestamp};
use auth_core::id::{LoginId, Position};
use auth_core::refresh::{
    Pair, ParsedToken, Presentation, RefreshError, RotationPolicy, Verdict, decide, rotate,
};
use auth_core::store::memory::MemoryStore;
use auth_core::store::{Confirmation, Created, Family, LoginKind, LoginRow, LoginStore as _, SecretHash};
use auth_core::testing::ManualClock;
use auth_tests::forge::peppers;
use auth_tests::{DAY, Forged, GRACE, NOW, SECOND, subject};
use futures_util::FutureExt as _;
use proptest::prelude::*;

use crate::protocol::{Answer, Login, Move, Promise, Situation, Token, explore, present as model, use_token};

const TURNS: u32 = 2;

#[test]
fn every_way_without_theft_keeps_the_promises() {
    assert_eq!(explore(model, 16, TURNS, false), (3801, vec![]));
}

#[test]
fn every_way_with_theft_keeps_the_promises() {
    assert_eq!(explore(model, 16, TURNS, true), (56_236, vec![]));
}

#[test]
fn a_rule_that_never_calls_a_predecessor_reuse_breaks_promises() {
    fn forgiving(login: Login, token: Token) -> Answer {
        if Some(token) == login.predecessor() {
            return (Some(login), Some(login.current()));
        }
        model(login, token)
    }
    let (_, broken) = explore(forgiving, 8, TURNS, true);
    assert!(broken.contains(&Promise::P3), "{broken:?}");
}

#[test]
fn a_rule_without_grace_breaks_promises() {
    fn strict(login: Login, token: Token) -> Answer {
        model(Login { in_grace: false, ..login }, token)
    }
    let (_, broken) = explore(strict, 8, TURNS, false);
    assert!(broken.contains(&Promise::P1), "{broken:?}");
}

#[test]
fn a_rule_that_takes_lost_responses_for_theft_breaks_promises() {
    fn harsh(login: Login, token: Token) -> Answer {
        model(Login { confirmed: true, ..login }, token)
    }
    let (_, broken) = explore(harsh, 8, TURNS, false);
    assert!(broken.contains(&Promise::P1), "{broken:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// A walk through the situations of the model, with the store beside it.
    #[test]
    fn a_walk_of_owner_tabs_and_thief_ends_alike_and_keeps_the_promises(
        theft: bool,
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0_u64..40), 1..60),
    ) {
        let mut real = Real::start();
        let mut situation = Situation::START;
        for (choice, seconds) in steps {
            let next = situation.next(model, theft);
            prop_assert_eq!(next.is_empty(), situation.row.is_none());
            if next.is_empty() {
                break;
            }
            let (what, then, breaks_p3) = choice.get(&next);
            prop_assert!(!breaks_p3);
            match what {
                Move::Presents(token) => {
                    let (row, _) = real.present(situation.row.unwrap(), *token)?;
                    prop_assert_eq!(row, then.row);
                }
                Move::Uses(token) => real.use_token(*token),
                Move::GraceEnds => real.clock.advance(GRACE + Duration::from_secs(seconds)),
                Move::Copies => {}
            }
            situation = *then;
            prop_assert_eq!(situation.broken(TURNS), None);
            real.check(situation.row)?;
        }
    }

    /// Anything that was ever handed out, presented and used in any order, while time passes.
    #[test]
    fn any_token_in_any_order_is_answered_alike(
        steps in prop::collection::vec((0_u8..9, any::<prop::sample::Index>(), 0_u64..9), 1..120),
    ) {
        let mut real = Real::start();
        let mut row = Some(Login::NEW);
        let mut known = vec![Login::NEW.current()];
        for (kind, choice, seconds) in steps {
            let Some(login) = row else { break };
            // The newest tokens are the interesting ones.
            let recent = &known[known.len().saturating_sub(4)..];
            let token = *choice.get(if kind == 0 { &known } else { recent });
            match kind {
                0..=3 => {
                    let (then, handed_out) = real.present(login, token)?;
                    row = then;
                    known.extend(handed_out.filter(|token| !known.contains(token)));
                }
                4 => {
                    real.use_token(token);
                    row = Some(use_token(login, token));
                }
                5 => real.clock.advance(Duration::from_secs(seconds)),
                _ => real.clock.advance(GRACE),
            }
            row = row.map(|login| Login { in_grace: real.is_in_grace(), ..login });
            real.check(row)?;
        }
    }
}

/// A login in a memory store, and every token that was handed out for it.
struct Real {
    store: MemoryStore,
    clock: ManualClock,
    tokens: HashMap<Token, (ParsedToken, SecretHash)>,
}

const LOGIN: LoginId = LoginId::from_bytes([7; 16]);

impl Real {
    fn start() -> Self {
        let first = Forged::first(*LOGIN.as_bytes(), 1);
        let (store, clock) = (MemoryStore::new(), ManualClock::new(NOW));
        let row = row(first.hash());
        let created = store.create_login(&row, None, None, None, NOW.after(DAY), NOW).now_or_never().unwrap();
        assert_eq!(created.unwrap(), Created::Created { evicted: Vec::new() });
        let parsed = ParsedToken::parse(&first.clone().tagged(), &peppers()).unwrap();
        Self { store, clock, tokens: HashMap::from([(Login::NEW.current(), (parsed, first.hash()))]) }
    }

    /// Presents a token to the model, the rule, and the store; they must agree.
    fn present(&mut self, login: Login, token: Token) -> Result<Answer, TestCaseError> {
        let now = self.clock.now();
        let (expected, handed_out) = model(login, token);
        let (parsed, secret) = &self.tokens[&token];
        let presented = Presentation { position: position(token), secret: *secret, pair: Pair::Complete };
        let verdict = decide(&self.family().unwrap(), &presented, GRACE, now);
        prop_assert_eq!(verdict, verdict_of(login, token, expected));
        let answer = rotate(&self.store, &peppers(), parsed, Pair::Complete, &policy(now), now)
            .now_or_never()
            .unwrap();
        match (answer, handed_out) {
            (Ok(rotated), Some(token)) => {
                prop_assert_eq!(rotated.verdict, verdict);
                let secret = rotated.login.family.unwrap().current;
                prop_assert_eq!(name_of(&rotated.token), token);
                if let Some((_, known)) = self.tokens.insert(token, (rotated.token, secret)) {
                    prop_assert_eq!(known, secret, "the same token is the same bytes");
                }
            }
            (Err(RefreshError::Reused { login: id, generations, .. }), None) => {
                prop_assert_eq!((id, generations), (LOGIN, login.generation - token.generation));
            }
            (answer, expected) => prop_assert!(false, "{answer:?} instead of {expected:?}"),
        }
        Ok((expected, handed_out))
    }

    fn use_token(&self, token: Token) {
        let used = Confirmation { login: LOGIN, position: position(token) };
        self.store.confirm(&[used], self.clock.now()).now_or_never().unwrap().unwrap();
    }

    fn family(&self) -> Option<Family> {
        let row = self.store.load_login(LOGIN, self.clock.now()).now_or_never().unwrap().unwrap();
        row.map(|row| row.family.unwrap())
    }

    fn is_in_grace(&self) -> bool {
        self.family().is_some_and(|family| self.clock.now() < family.rotated_at.after(GRACE))
    }

    /// The row is as the model says, and after the end no token is worth anything.
    fn check(&self, expected: Option<Login>) -> Result<(), TestCaseError> {
        let stored = self.family().map(|family| Login {
            generation: family.position.generation,
            branch: family.position.branch,
            previous_branch: family.previous_branch,
            confirmed: family.confirmed,
            in_grace: self.is_in_grace(),
        });
        prop_assert_eq!(stored, expected);
        if expected.is_none() {
            for (token, _) in self.tokens.values() {
                let now = self.clock.now();
                let answer = rotate(&self.store, &peppers(), token, Pair::Complete, &policy(now), now)
                    .now_or_never()
                    .unwrap();
                prop_assert!(matches!(answer, Err(RefreshError::Ended)), "{answer:?}");
            }
        }
        Ok(())
    }
}

/// What the rule must say when the model goes from `login` to `then`.
fn verdict_of(login: Login, token: Token, then: Option<Login>) -> Verdict {
    match then {
        None => Verdict::Theft { generations: login.generation - token.generation },
        Some(_) if token == login.current() && login.in_grace => Verdict::Repeat,
        Some(then) if then.generation > login.generation => Verdict::Rotate,
        Some(then) if then.branch > login.branch => Verdict::ReplaceSuccessor,
        Some(_) => Verdict::RepeatSuccessor,
    }
}

/// A parsed token shows its generation and branch, and nothing else, in its debug form.
fn name_of(token: &ParsedToken) -> Token {
    let text = format!("{token:?}");
    let number = |name: &str| {
        let rest = text.split_once(name).unwrap().1;
        rest.split(|digit: char| !digit.is_ascii_digit()).next().unwrap().to_owned()
    };
    Token { generation: number("generation: ").parse().unwrap(), branch: number("branch: ").parse().unwrap() }
}

fn position(token: Token) -> Position {
    Position { generation: token.generation, branch: token.branch }
}

fn policy(now: Timestamp) -> RotationPolicy {
    RotationPolicy { grace: GRACE, idle: DAY, log_until: now.after(DAY) }
}

fn row(secret: SecretHash) -> LoginRow {
    LoginRow {
        id: LOGIN,
        subject: subject("anna"),
        kind: LoginKind::Token,
        created_at: NOW,
        last_seen_at: NOW,
        authenticated_at: NOW,
        expires_at: NOW.after(365 * DAY),
        idle_expires_at: NOW.after(DAY),
        user_agent: None,
        address: None,
        claims: b"{}".to_vec(),
        epoch: 0,
        claims_loaded_at: NOW,
        family: Some(Family {
            position: Position { generation: 0, branch: 0 },
            previous_branch: None,
            current: secret,
            previous: None,
            nonce: [0; 16],
            rotated_at: NOW.before(GRACE + SECOND),
            confirmed: true,
        }),
    }
}
