//! Every state of the model, up to the bound: the promises hold, the rule decides alike, and so does the rotation
//! against a store.

use std::cell::RefCell;
use std::collections::HashSet;

use auth_core::__private::rotation::RotateError;
use auth_core::__private::rotation::{Delivery, Evidence, Presentation, Rotated, Verdict, decide, deliver};
use auth_core::clock::Timestamp;
use auth_core::id::LoginId;
use auth_core::store::{Family, GraceStart};
use futures_util::FutureExt as _;

use super::forge::Forged;
use super::model::{
    self, Answer, Login, Model, Promise, Rule, Tabs, Terms, Token, explore, explore_pairing, explore_sharing,
};
use super::support::{DAY, GRACE, MILLI, NOW, Owner, login_of, pair_of, policy_of, position_of, token_of};

const BOUND: u32 = 16;
const TURNS: u32 = 2;

#[test]
fn the_model_is_the_one_in_python() {
    assert_eq!(explore(&Model, BOUND, TURNS, false, Tabs::Together), (63_681, vec![]));
    assert_eq!(explore(&Model, BOUND, TURNS, true, Tabs::Together), (129_039, vec![]));
    assert_eq!(explore_sharing(&Model, BOUND, 0), (2654, vec![]));
    assert_eq!(explore_sharing(&Model, BOUND, 2), (2364, vec![]));
    assert_eq!(explore_pairing(&Model, BOUND), (1433, vec![]));
}

#[test]
fn the_rule_decides_as_the_model_without_theft() {
    assert_eq!(explore(&Decides::default(), BOUND, TURNS, false, Tabs::Together), (63_681, vec![]));
}

#[test]
fn the_rule_decides_as_the_model_with_theft() {
    assert_eq!(explore(&Decides::default(), BOUND, TURNS, true, Tabs::Together), (129_039, vec![]));
}

#[test]
fn the_rule_decides_as_the_model_when_a_tab_asks_just_before_a_slow_answer() {
    assert_eq!(explore(&Decides::default(), BOUND, TURNS, false, Tabs::BeforeSlowAnswers), (64_790, vec![]));
    assert_eq!(explore(&Decides::default(), BOUND, TURNS, true, Tabs::BeforeSlowAnswers), (130_148, vec![]));
}

#[test]
fn the_rule_counts_sharing_as_the_model() {
    assert_eq!(explore_sharing(&Decides::default(), BOUND, 0), (2654, vec![]));
    assert_eq!(explore_sharing(&Decides::default(), BOUND, 2), (2364, vec![]));
}

#[test]
fn the_rule_pairs_as_the_model() {
    assert_eq!(explore_pairing(&Decides::default(), BOUND), (1433, vec![]));
}

#[tokio::test]
async fn a_store_answers_as_the_model_in_every_state() {
    let asked = Asks::default();
    for theft in [false, true] {
        let _ = explore(&asked, BOUND, TURNS, theft, Tabs::BeforeSlowAnswers);
    }
    let _ = (explore_sharing(&asked, BOUND, 0), explore_sharing(&asked, BOUND, 2));
    let _ = explore_pairing(&asked, BOUND);
    let (presented, delivered) = (asked.presented.into_inner(), asked.delivered.into_inner());
    assert_eq!((presented.len(), delivered.len()), (PRESENTED, DELIVERED));
    for (login, token, terms) in presented {
        present_to_a_store(login, token, terms).await;
    }
    for (login, presented, answer) in delivered {
        deliver_from_a_store(login, presented, answer).await;
    }
}

/// How many different questions there are in all states.
const PRESENTED: usize = 2182;
const DELIVERED: usize = 5896;

/// A rule of its own that breaks a promise shows that the exploration would notice.
mod noticed {
    use super::{Answer, BOUND, Login, Model, Promise, Rule, TURNS, Tabs, Terms, Token, explore};
    use super::{explore_pairing, explore_sharing, model};

    struct Forgiving;

    impl Rule for Forgiving {
        fn present(&self, login: Login, token: Token, terms: Terms) -> Answer {
            if Some(token) == login.predecessor() {
                return (Some(login), Some(login.current()));
            }
            model::present(login, token, terms)
        }
    }

    #[test]
    fn that_a_predecessor_is_never_reuse() {
        let (_, broken) = explore(&Forgiving, 8, TURNS, true, Tabs::Together);
        assert!(broken.contains(&Promise::P3), "{broken:?}");
        assert!(explore_sharing(&Forgiving, 8, 0).1.contains(&Promise::P4));
    }

    struct WithoutGrace;

    impl Rule for WithoutGrace {
        fn present(&self, login: Login, token: Token, terms: Terms) -> Answer {
            model::present(Login { in_grace: false, ..login }, token, terms)
        }
    }

    #[test]
    fn that_there_is_no_grace() {
        let (_, broken) = explore(&WithoutGrace, 8, TURNS, false, Tabs::Together);
        assert!(broken.contains(&Promise::P1), "{broken:?}");
    }

    struct LostIsTheft;

    impl Rule for LostIsTheft {
        fn present(&self, login: Login, token: Token, terms: Terms) -> Answer {
            model::present(Login { confirmed: true, ..login }, token, terms)
        }
    }

    #[test]
    fn that_lost_responses_are_theft() {
        let (_, broken) = explore(&LostIsTheft, 8, TURNS, false, Tabs::Together);
        assert!(broken.contains(&Promise::P1), "{broken:?}");
    }

    struct HandsOutAnything;

    impl Rule for HandsOutAnything {
        fn deliver(&self, login: Login, _: Token, answer: Token) -> Answer {
            (Some(login), Some(answer))
        }
    }

    #[test]
    fn that_a_slow_answer_is_handed_out_unseen() {
        let (_, broken) = explore(&HandsOutAnything, 8, TURNS, false, Tabs::Together);
        assert!(broken.contains(&Promise::P1), "{broken:?}");
    }

    struct NeverRenews;

    impl Rule for NeverRenews {
        fn deliver(&self, login: Login, presented: Token, answer: Token) -> Answer {
            let (row, handed) = model::deliver(login, presented, answer);
            (row.map(|row| Login { in_grace: login.in_grace, ..row }), handed)
        }
    }

    #[test]
    fn that_a_slow_answer_has_no_grace_of_its_own() {
        let (_, broken) = explore(&NeverRenews, 8, TURNS, false, Tabs::BeforeSlowAnswers);
        assert!(broken.contains(&Promise::P1), "{broken:?}");
    }

    struct ServesUnpaired;

    impl Rule for ServesUnpaired {
        fn present(&self, login: Login, token: Token, terms: Terms) -> Answer {
            model::present(login, token, Terms { pair: false, ..terms })
        }
    }

    #[test]
    fn that_a_token_without_its_pair_is_served() {
        assert!(explore_pairing(&ServesUnpaired, 8).1.contains(&Promise::P5));
        assert_eq!(explore_pairing(&Model, BOUND).1, []);
    }
}

/// The rule, asked with a clock at each end of what the model calls being in or out of the grace; once for each question,
/// as it is pure.
#[derive(Default)]
struct Decides {
    presented: RefCell<HashSet<(Login, Token, Terms)>>,
    delivered: RefCell<HashSet<(Login, Token, Token)>>,
}

impl Rule for Decides {
    fn present(&self, login: Login, token: Token, terms: Terms) -> Answer {
        let expected = model::present(login, token, terms);
        let is_new = self.presented.borrow_mut().insert((login, token, terms));
        for rotated_at in times_of(login).into_iter().filter(|_| is_new) {
            let answer = decided(login, rotated_at, token, terms);
            assert_eq!(answer, expected, "{token:?} presented to {login:?}, rotated at {rotated_at:?}");
        }
        expected
    }

    fn deliver(&self, login: Login, presented: Token, answer: Token) -> Answer {
        let expected = model::deliver(login, presented, answer);
        let is_new = self.delivered.borrow_mut().insert((login, presented, answer));
        for rotated_at in times_of(login).into_iter().filter(|_| is_new) {
            let family = family_of(login, rotated_at);
            let after = |grace| Login { in_grace: login.in_grace || grace == GraceStart::Now, ..login };
            let delivered = match deliver(&family, position_of(presented), position_of(answer), GRACE, NOW) {
                Delivery::StillCurrent { grace } => (Some(after(grace)), Some(answer)),
                Delivery::Replaced { grace } => (Some(after(grace)), Some(login.current())),
                Delivery::MovedOn => (Some(login), None),
            };
            assert_eq!(
                delivered, expected,
                "{answer:?} for {presented:?} from {login:?}, rotated at {rotated_at:?}"
            );
        }
        expected
    }
}

/// Only remembers what is asked.
#[derive(Default)]
struct Asks {
    presented: RefCell<HashSet<(Login, Token, Terms)>>,
    delivered: RefCell<HashSet<(Login, Token, Token)>>,
}

impl Rule for Asks {
    fn present(&self, login: Login, token: Token, terms: Terms) -> Answer {
        self.presented.borrow_mut().insert((login, token, terms));
        model::present(login, token, terms)
    }

    fn deliver(&self, login: Login, presented: Token, answer: Token) -> Answer {
        self.delivered.borrow_mut().insert((login, presented, answer));
        model::deliver(login, presented, answer)
    }
}

/// When the login may have been rotated: the first and the last moment, and for a clock that went back the future.
fn times_of(login: Login) -> Vec<Timestamp> {
    match (login.in_grace, login.generation) {
        (true, _) => vec![NOW, NOW.before(GRACE - MILLI), NOW.after(MILLI), NOW.after(100 * DAY)],
        (false, 0) => vec![Timestamp::UNIX_EPOCH],
        (false, _) => vec![NOW.before(GRACE), NOW.before(100 * DAY)],
    }
}

const LOGIN: LoginId = LoginId::from_bytes([7; 16]);
const NONCE: [u8; 16] = [9; 16];

/// The token at that place. The current one is derived from its predecessor, all others are made up.
fn forged(login: Login, id: LoginId, token: Token) -> Forged {
    let made_up = |token: Token| {
        let mut secret = [token.branch.to_be_bytes()[1]; 32];
        secret[..4].copy_from_slice(&token.generation.to_be_bytes());
        Forged::new(id, position_of(token), secret)
    };
    match login.predecessor() {
        Some(predecessor) if token == login.current() => {
            let secret = made_up(predecessor).successor(position_of(token), &NONCE);
            Forged::new(id, position_of(token), secret)
        }
        _ => made_up(token),
    }
}

fn family_of(login: Login, rotated_at: Timestamp) -> Family {
    family_with(login, LOGIN, rotated_at)
}

fn family_with(login: Login, id: LoginId, rotated_at: Timestamp) -> Family {
    let hash = |token| forged(login, id, token).parsed().hash();
    Family {
        position: position_of(login.current()),
        previous_branch: login.previous_branch,
        current: hash(login.current()),
        previous: login.predecessor().map(hash),
        nonce: NONCE,
        rotated_at,
        confirmed: login.confirmed,
        shared: login.shared,
        counted: login.counted,
    }
}

/// What the rule answers, in the model's words.
fn decided(login: Login, rotated_at: Timestamp, token: Token, terms: Terms) -> Answer {
    let family = family_of(login, rotated_at);
    let secret = forged(login, LOGIN, token).parsed().hash();
    let presented = Presentation { position: position_of(token), secret, pair: pair_of(terms) };
    let decision = decide(&family, &presented, &policy_of(terms), NOW);
    let row = decision.write.map_or(login, |write| {
        let is_ahead = rotated_at > NOW;
        assert_eq!(write.grace, if is_ahead { GraceStart::Now } else { GraceStart::Keep });
        assert_eq!(write.family.rotated_at, rotated_at.min(NOW));
        login_of(&write.family, NOW)
    });
    let repeated = (Some(row), Some(login.current()));
    match decision.verdict {
        Verdict::Repeat | Verdict::RepeatSuccessor => repeated,
        Verdict::Shared { streak } => {
            assert_eq!((row.shared, row.counted, login.counted), (streak, true, false));
            repeated
        }
        Verdict::ReplaceSuccessor { next } => {
            (Some(Login { branch: next.branch, in_grace: true, ..row }), Some(token_of(next)))
        }
        Verdict::Rotate { next } => {
            let rotated = Login {
                generation: next.generation,
                branch: next.branch,
                previous_branch: Some(login.branch),
                confirmed: false,
                in_grace: true,
                shared: if login.counted { login.shared } else { 0 },
                counted: false,
            };
            (Some(rotated), Some(rotated.current()))
        }
        Verdict::Theft { generations, evidence } => {
            assert_eq!(generations, login.generation - token.generation);
            assert!(evidence != Evidence::Unpaired || (terms.pair && !terms.paired));
            (None, None)
        }
        other => panic!("{other:?}"),
    }
}

/// Puts the state into the store, presents the token, and compares the row and the token that is handed out.
async fn present_to_a_store(login: Login, token: Token, terms: Terms) {
    let expected = model::present(login, token, terms);
    for rotated_at in times_of(login) {
        let mut owner = Owner::new().await;
        owner.policy = policy_of(terms);
        owner.put(&family_with(login, owner.id(), rotated_at)).await;
        let presented = forged(login, owner.id(), token).parsed();
        let answer = owner.refresh().rotate(&presented, pair_of(terms)).now_or_never().unwrap();
        let handed = match answer {
            Ok(Rotated { token, login, now, .. }) => {
                assert_eq!((login.row.family, now), (owner.family().await, NOW));
                assert_eq!(token.hash(), owner.family().await.unwrap().current);
                Some(token_of(token.position()))
            }
            Err(RotateError::Stolen { login: id, generations, .. }) => {
                assert_eq!((id, generations), (owner.id(), login.generation - token.generation));
                None
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((owner.login().await, handed), expected, "{token:?} presented to {login:?}");
        // Nothing of the future is left.
        assert!(owner.family().await.is_none_or(|family| family.rotated_at <= NOW));
    }
}

/// As [`present_to_a_store`], for an answer that took long.
async fn deliver_from_a_store(login: Login, presented: Token, answer: Token) {
    let expected = model::deliver(login, presented, answer);
    for rotated_at in times_of(login) {
        let owner = Owner::new().await;
        owner.put(&family_with(login, owner.id(), rotated_at)).await;
        let [presented, token] = [presented, answer].map(|token| forged(login, owner.id(), token).parsed());
        let login = owner.live().await.unwrap();
        let verdict = Verdict::RepeatSuccessor;
        let rotated = Rotated { login, token, verdict, now: NOW };
        let delivered = owner.refresh().deliver(&presented, rotated, DAY).now_or_never().unwrap();
        let handed = match delivered {
            Ok(rotated) => Some(token_of(rotated.token.position())),
            Err(RotateError::MovedOn { login }) => {
                assert_eq!(login, owner.id());
                None
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((owner.login().await, handed), expected);
    }
}
