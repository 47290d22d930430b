//! `rotation_model.py`, line by line: the protocol, and every interleaving of an owner with tabs and lost responses,
//! and a thief.

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    pub(crate) generation: u32,
    pub(crate) branch: u16,
}

/// The new row, or that the login is revoked; and the token that is handed out.
pub(crate) type Answer = (Option<Login>, Option<Token>);

/// Decides on a presentation.
pub(crate) type Rule = fn(Login, Token) -> Answer;

impl Login {
    pub(crate) const NEW: Self =
        Self { generation: 0, branch: 0, previous_branch: None, confirmed: true, in_grace: false };

    pub(crate) const fn current(self) -> Token {
        Token { generation: self.generation, branch: self.branch }
    }

    pub(crate) fn predecessor(self) -> Option<Token> {
        let branch = self.previous_branch?;
        Some(Token { generation: self.generation.checked_sub(1)?, branch })
    }
}

pub(crate) fn present(login: Login, token: Token) -> Answer {
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
        };
        return (Some(rotated), Some(rotated.current()));
    }
    if Some(token) == login.predecessor() {
        if login.in_grace {
            return (Some(login), Some(login.current()));
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    Nobody,
    Owner,
    Thief,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Situation {
    /// `None`: revoked.
    pub(crate) row: Option<Login>,
    /// What the owner's storage holds.
    pub(crate) owner: Token,
    /// A second tab's request that has not arrived.
    pub(crate) inflight: Option<Token>,
    pub(crate) thief: Option<Token>,
    pub(crate) stolen: bool,
    /// How often, after the theft, the party being served changed.
    pub(crate) turns: u32,
    last: Party,
    turn: Party,
    steps: u32,
}

/// Something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    Presents(Token),
    Uses(Token),
    GraceEnds,
    Copies,
}

/// What the protocol promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nobody stole anything: the login is never revoked.
    P1,
    /// Thief and owner get at most one turn each.
    P2,
    /// Once the owner used what the rotation gave it, the predecessor gains nothing.
    P3,
}

impl Situation {
    pub(crate) const START: Self = Self {
        row: Some(Login::NEW),
        owner: Login::NEW.current(),
        inflight: None,
        thief: None,
        stolen: false,
        turns: 0,
        last: Party::Nobody,
        turn: Party::Nobody,
        steps: 0,
    };

    /// The promise that this situation breaks.
    pub(crate) fn broken(&self, turns: u32) -> Option<Promise> {
        match self.row {
            None => (!self.stolen).then_some(Promise::P1),
            Some(_) => (self.turns > turns).then_some(Promise::P2),
        }
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

    /// P2 and P3 speak of presentations more than a grace apart: while in grace after the theft, the other party waits.
    fn may(&self, login: Login, by: Party) -> bool {
        !(self.stolen && login.in_grace && self.last != Party::Nobody && self.last != by)
    }

    /// What can happen next: a move, what comes of it, and whether it breaks P3.
    pub(crate) fn next(&self, rule: Rule, theft: bool) -> Vec<(Move, Self, bool)> {
        let Some(login) = self.row else { return Vec::new() };
        let mut next = Vec::new();
        self.owner_moves(login, rule, &mut next);
        if login.in_grace && self.inflight.is_none() {
            let row = Some(Login { in_grace: false, ..login });
            next.push((Move::GraceEnds, Self { row, ..*self }, false));
        }
        if theft && !self.stolen {
            let copied = Self { thief: Some(self.owner), stolen: true, inflight: None, ..*self };
            next.push((Move::Copies, copied, false));
        }
        if let Some(thief) = self.thief {
            self.thief_moves(login, thief, rule, &mut next);
        }
        next.into_iter()
            .map(|(name, then, bad)| (name, Self { steps: self.steps + 1, ..then }, bad))
            .collect()
    }

    fn owner_moves(&self, login: Login, rule: Rule, next: &mut Vec<(Move, Self, bool)>) {
        let presents = Move::Presents(self.owner);
        if self.may(login, Party::Owner) {
            let (row, token) = rule(login, self.owner);
            let then = Self { row, ..*self };
            match token {
                None => next.push((presents, Self { row: None, ..*self }, false)),
                Some(token) => {
                    next.push((presents, Self { owner: token, ..then }.served(Party::Owner), false));
                    next.push((presents, then.served(Party::Owner), false));
                    if self.inflight.is_none() && !self.stolen {
                        let inflight = Some(self.owner);
                        next.push((presents, Self { owner: token, inflight, ..then }, false));
                    }
                }
            }
        }
        if let Some(inflight) = self.inflight
            && login.in_grace
        {
            let (row, token) = rule(login, inflight);
            let owner = token.filter(|_| row.is_some()).unwrap_or(self.owner);
            next.push((Move::Presents(inflight), Self { row, owner, inflight: None, ..*self }, false));
        }
        let used = Self { row: Some(use_token(login, self.owner)), ..*self };
        next.push((Move::Uses(self.owner), used.gained(login, Party::Owner, self.owner), false));
    }

    fn thief_moves(&self, login: Login, thief: Token, rule: Rule, next: &mut Vec<(Move, Self, bool)>) {
        let presents = Move::Presents(thief);
        if self.may(login, Party::Thief) {
            let (row, token) = rule(login, thief);
            let then = Self { row, ..*self };
            match token {
                None => next.push((presents, Self { row: None, ..*self }, false)),
                Some(token) => {
                    let bad = Some(thief) == login.predecessor() && login.confirmed && !login.in_grace;
                    next.push((presents, Self { thief: Some(token), ..then }.served(Party::Thief), bad));
                    next.push((presents, then.served(Party::Thief), bad));
                }
            }
        }
        let used = Self { row: Some(use_token(login, thief)), ..*self };
        next.push((Move::Uses(thief), used.gained(login, Party::Thief, thief), false));
    }
}

/// Goes every way of at most `bound` steps. Returns how many situations there are, and which promises were broken.
pub(crate) fn explore(rule: Rule, bound: u32, turns: u32, theft: bool) -> (usize, Vec<Promise>) {
    let mut seen = HashSet::from([Situation::START]);
    let mut todo = VecDeque::from([Situation::START]);
    let mut broken = Vec::new();
    while let Some(situation) = todo.pop_front() {
        broken.extend(situation.broken(turns));
        if situation.broken(turns).is_some() || situation.steps >= bound {
            continue;
        }
        for (_, next, bad) in situation.next(rule, theft) {
            broken.extend(bad.then_some(Promise::P3));
            if seen.insert(next) {
                todo.push_back(next);
            }
        }
    }
    (seen.len(), broken)
}
