//! `rotation_model.py`, line by line: the protocol, and every interleaving of an owner with tabs, lost responses and slow
//! answers, and a thief.

use std::collections::{HashSet, VecDeque};

/// The row in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Login {
    pub(crate) generation: u32,
    pub(crate) branch: u16,
    /// The branch of the generation before that the last rotation consumed.
    pub(crate) previous_branch: Option<u16>,
    /// Has the current token been used?
    pub(crate) confirmed: bool,
    pub(crate) in_grace: bool,
    /// Generations in a row whose predecessor came again after the current token was used.
    pub(crate) shared: u32,
    /// This generation is one of them.
    pub(crate) counted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    pub(crate) generation: u32,
    pub(crate) branch: u16,
}

/// The new row, or that the login is revoked; and the token that is handed out.
pub(crate) type Answer = (Option<Login>, Option<Token>);

/// What the application decides, and whether the access token came along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    /// Zero: report only.
    pub(crate) end_after: u32,
    pub(crate) pair: bool,
    pub(crate) paired: bool,
}

impl Terms {
    pub(crate) const PLAIN: Self = Self { end_after: 0, pair: false, paired: true };
}

impl Login {
    pub(crate) const NEW: Self = Self {
        generation: 0,
        branch: 0,
        previous_branch: None,
        confirmed: true,
        in_grace: false,
        shared: 0,
        counted: false,
    };

    pub(crate) const fn current(self) -> Token {
        Token { generation: self.generation, branch: self.branch }
    }

    pub(crate) fn predecessor(self) -> Option<Token> {
        let branch = self.previous_branch?;
        Some(Token { generation: self.generation.checked_sub(1)?, branch })
    }
}

pub(crate) fn present(login: Login, token: Token, terms: Terms) -> Answer {
    if terms.pair && !terms.paired {
        let (row, handed) = present(login, token, Terms { pair: false, ..terms });
        return if handed.is_some() { (None, None) } else { (row, None) };
    }
    if token == login.current() {
        if login.in_grace {
            return (Some(Login { confirmed: true, ..login }), Some(token));
        }
        let rotated = Login {
            generation: login.generation + 1,
            branch: 0,
            previous_branch: Some(login.branch),
            confirmed: false,
            in_grace: true,
            shared: if login.counted { login.shared } else { 0 },
            counted: false,
        };
        return (Some(rotated), Some(rotated.current()));
    }
    if Some(token) == login.predecessor() {
        if login.in_grace {
            let mut row = login;
            if login.confirmed && !login.counted {
                row = Login { shared: login.shared + 1, counted: true, ..login };
                if terms.end_after > 0 && row.shared >= terms.end_after {
                    return (None, None);
                }
            }
            return (Some(row), Some(row.current()));
        }
        if !login.confirmed {
            let replaced = Login { branch: login.branch + 1, in_grace: true, ..login };
            return (Some(replaced), Some(replaced.current()));
        }
    }
    (None, None)
}

/// An access token of this generation and branch was accepted.
pub(crate) fn use_token(login: Login, token: Token) -> Login {
    if token == login.current() { Login { confirmed: true, ..login } } else { login }
}

/// A slow answer is about to be sent. The grace begins anew only for a token that was not used.
pub(crate) fn deliver(login: Login, presented: Token, answer: Token) -> Answer {
    if answer == login.current() {
        return (Some(Login { in_grace: login.in_grace || !login.confirmed, ..login }), Some(answer));
    }
    if Some(presented) == login.predecessor() && login.in_grace {
        return (Some(login), Some(login.current()));
    }
    (Some(login), None)
}

/// A rule to explore.
pub(crate) trait Rule {
    fn present(&self, login: Login, token: Token, terms: Terms) -> Answer {
        present(login, token, terms)
    }

    fn deliver(&self, login: Login, presented: Token, answer: Token) -> Answer {
        deliver(login, presented, answer)
    }
}

/// The model's own.
#[derive(Debug)]
pub(crate) struct Model;

impl Rule for Model {}

/// What the protocol promises; see the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Promise {
    P1,
    P2,
    P3,
    P4,
    P5,
}

/// How many states there are, and the promises that were broken.
pub(crate) type Explored = (usize, Vec<Promise>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Party {
    Nobody,
    Owner,
    Thief,
}

/// Which requests of a second tab there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tabs {
    /// Those of the Python model: sent together with the first one.
    Together,
    /// Also one that was sent just before a slow answer came.
    BeforeSlowAnswers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct World {
    row: Option<Login>,
    owner: Token,
    inflight: Option<Token>,
    slow: Option<(Token, Token)>,
    thief: Option<Token>,
    stolen: bool,
    turns: u32,
    last: Party,
    turn: Party,
    steps: u32,
}

impl World {
    const START: Self = Self {
        row: Some(Login::NEW),
        owner: Login::NEW.current(),
        inflight: None,
        slow: None,
        thief: None,
        stolen: false,
        turns: 0,
        last: Party::Nobody,
        turn: Party::Nobody,
        steps: 0,
    };

    fn with_row(self, row: impl Into<Option<Login>>) -> Self {
        Self { row: row.into(), ..self }
    }

    /// It remembers who was served last after the theft.
    fn served(self, by: Party) -> Self {
        if self.stolen { Self { last: by, ..self } } else { self }
    }

    /// Then it called the API: one turn, when the other one had the turn before.
    fn gained(self, login: Login, by: Party, token: Token) -> Self {
        if self.stolen && token == login.current() && self.last == by && self.turn != by {
            return Self { turns: self.turns + 1, turn: by, ..self };
        }
        self
    }

    /// Presentations are more than a grace apart after the theft.
    fn may(self, login: Login, by: Party) -> bool {
        !(self.stolen && login.in_grace && self.last != Party::Nobody && self.last != by)
    }

    fn next(
        self,
        login: Login,
        rule: &impl Rule,
        theft: bool,
        tabs: Tabs,
        bad: &mut Vec<Promise>,
    ) -> Vec<Self> {
        let mut next = Vec::new();
        if self.may(login, Party::Owner) {
            match rule.present(login, self.owner, Terms::PLAIN) {
                (row, Some(token)) => {
                    let served = self.with_row(row).served(Party::Owner);
                    next.extend([Self { owner: token, ..served }, served]);
                    if self.slow.is_none() && !self.stolen {
                        next.push(Self { slow: Some((self.owner, token)), ..self.with_row(row) });
                    }
                    if self.inflight.is_none() && !self.stolen {
                        next.push(Self { owner: token, inflight: Some(self.owner), ..served });
                    }
                }
                (_, None) => next.push(self.with_row(None)),
            }
        }
        if let Some(inflight) = self.inflight.filter(|_| login.in_grace || tabs == Tabs::BeforeSlowAnswers) {
            next.push(match rule.present(login, inflight, Terms::PLAIN) {
                (Some(row), Some(token)) => Self { owner: token, inflight: None, ..self.with_row(row) },
                (row, _) => Self { inflight: None, ..self.with_row(row) },
            });
        }
        if let Some((presented, answer)) = self.slow {
            let (row, token) = rule.deliver(login, presented, answer);
            let delivered = Self { slow: None, owner: token.unwrap_or(self.owner), ..self.with_row(row) };
            next.push(delivered);
            if token.is_some() {
                next.push(Self { slow: None, ..self.with_row(row) });
                let has_waiting_tab = self.inflight.is_none() && self.owner == presented;
                if tabs == Tabs::BeforeSlowAnswers && has_waiting_tab {
                    next.push(Self { inflight: Some(presented), ..delivered });
                }
            }
        }
        let used = self.with_row(use_token(login, self.owner));
        next.push(used.gained(login, Party::Owner, self.owner));
        if login.in_grace && self.inflight.is_none() {
            next.push(self.with_row(Login { in_grace: false, ..login }));
        }
        if theft && !self.stolen {
            next.push(Self { thief: Some(self.owner), stolen: true, inflight: None, slow: None, ..self });
        }
        if let Some(thief) = self.thief {
            if self.may(login, Party::Thief) {
                match rule.present(login, thief, Terms::PLAIN) {
                    (row, Some(token)) => {
                        if Some(thief) == login.predecessor() && login.confirmed && !login.in_grace {
                            bad.push(Promise::P3);
                        }
                        let served = self.with_row(row).served(Party::Thief);
                        next.extend([Self { thief: Some(token), ..served }, served]);
                    }
                    (_, None) => next.push(self.with_row(None)),
                }
            }
            let used = self.with_row(use_token(login, thief));
            next.push(used.gained(login, Party::Thief, thief));
        }
        next
    }
}

/// P1 to P3.
pub(crate) fn explore(rule: &impl Rule, bound: u32, turns: u32, theft: bool, tabs: Tabs) -> Explored {
    walk(World::START, |world, bad| {
        let Some(login) = world.row else {
            bad.extend((!world.stolen).then_some(Promise::P1));
            return Vec::new();
        };
        if world.turns > turns {
            bad.push(Promise::P2);
            return Vec::new();
        }
        if world.steps >= bound {
            return Vec::new();
        }
        let mut next = world.next(login, rule, theft, tabs, bad);
        next.iter_mut().for_each(|next| next.steps = world.steps + 1);
        next
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sharing {
    row: Option<Login>,
    /// The owner's and the thief's.
    tokens: [Token; 2],
    /// The current token was used, or presented again.
    used: bool,
    /// Generations in a row with a late replay.
    run: u32,
    counted: bool,
    steps: u32,
}

/// P4: an observer that knows nothing but what happened.
pub(crate) fn explore_sharing(rule: &impl Rule, bound: u32, end_after: u32) -> Explored {
    let tokens = [Login::NEW.current(); 2];
    let start = Sharing { row: Some(Login::NEW), tokens, used: true, run: 0, counted: false, steps: 0 };
    walk(start, |world, bad| {
        let Some(login) = world.row.filter(|_| world.steps < bound) else { return Vec::new() };
        let mut next = Vec::new();
        for (who, token) in world.tokens.into_iter().enumerate() {
            let (row, handed) = rule.present(login, token, Terms { end_after, ..Terms::PLAIN });
            let is_replay = Some(token) == login.predecessor() && login.in_grace;
            let late = is_replay && world.used;
            let mut run = world.run + u32::from(late && !world.counted);
            let is_over = end_after > 0 && run >= end_after;
            let Some(after) = row else {
                bad.extend((is_replay && !is_over).then_some(Promise::P4));
                continue;
            };
            bad.extend(is_over.then_some(Promise::P4));
            let is_fresh = after.current() != login.current();
            if is_fresh {
                run = match (world.counted, after.generation == login.generation) {
                    (true, _) => world.run,
                    (false, false) => 0,
                    (false, true) => run,
                };
            }
            let mut tokens = world.tokens;
            tokens[who] = handed.unwrap();
            next.push(Sharing {
                row,
                tokens,
                run,
                counted: (world.counted || late) && !is_fresh,
                used: (world.used || token == login.current()) && !is_fresh,
                ..world
            });
            bad.extend((after.shared != run).then_some(Promise::P4));
            if token == login.current() {
                next.push(Sharing { row: Some(use_token(login, token)), used: true, ..world });
            }
        }
        if login.in_grace {
            next.push(Sharing { row: Some(Login { in_grace: false, ..login }), ..world });
        }
        next.iter_mut().for_each(|next| next.steps = world.steps + 1);
        next
    })
}

/// P5: the thief has refresh tokens only, and the owner always brings the pair.
pub(crate) fn explore_pairing(rule: &impl Rule, bound: u32) -> Explored {
    let start = (Some(Login::NEW), Login::NEW.current(), None::<Token>, 0);
    walk(start, |(row, owner, thief, steps), bad| {
        let Some(login) = row.filter(|_| steps < bound) else { return Vec::new() };
        let pair = Terms { pair: true, ..Terms::PLAIN };
        let (row, token) = rule.present(login, owner, pair);
        let mut next = vec![
            (row, token.unwrap_or(owner), thief),
            (Some(use_token(login, owner)), owner, thief),
            (Some(login), owner, Some(owner)),
        ];
        if login.in_grace {
            next.push((Some(Login { in_grace: false, ..login }), owner, thief));
        }
        if let Some(stolen) = thief {
            let (row, token) = rule.present(login, stolen, Terms { paired: false, ..pair });
            let would_be_served = rule.present(login, stolen, Terms::PLAIN).1.is_some();
            if token.is_some() || (would_be_served && row.is_some()) {
                bad.push(Promise::P5);
            }
            next.push((row, owner, thief));
        }
        next.into_iter().map(|(row, owner, thief)| (row, owner, thief, steps + 1)).collect()
    })
}

/// Breadth first through everything that can be reached.
fn walk<W: Copy + Eq + std::hash::Hash>(
    start: W,
    mut next: impl FnMut(W, &mut Vec<Promise>) -> Vec<W>,
) -> Explored {
    let (mut seen, mut todo, mut bad) = (HashSet::from([start]), VecDeque::from([start]), Vec::new());
    while let Some(world) = todo.pop_front() {
        for world in next(world, &mut bad) {
            if seen.insert(world) {
                todo.push_back(world);
            }
        }
    }
    (seen.len(), bad)
}
