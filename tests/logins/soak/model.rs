//! What must be true by the promises of SECURITY.md: the users, their logins and credentials, what ended, and who knows.

use std::collections::BTreeSet;
use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::LoginId;
use auth_tests::{LEEWAY, STALENESS};

/// How long a session lasts unused.
pub(super) const SESSION_IDLE: Duration = Duration::from_secs(6 * 60 * 60);
/// How long a login with tokens lasts unused.
pub(super) const TOKEN_IDLE: Duration = Duration::from_secs(8 * 60 * 60);
/// How long any login lasts.
pub(super) const LIFETIME: Duration = Duration::from_secs(30 * 60 * 60);
/// How many logins a user may have.
pub(super) const MOST: usize = 3;
/// What a use or a step of the store's clock may change about the end of an idle time.
const SLACK: Duration = Duration::from_secs(20 * 60);

/// Something was ended or changed, and these nodes know it from then on.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    at: Duration,
    known: BTreeSet<usize>,
}

impl Fact {
    /// It happened at that time, and these nodes know.
    pub(super) fn new(at: Duration, known: impl IntoIterator<Item = usize>) -> Self {
        Self { at, known: known.into_iter().collect() }
    }

    /// That node reads of it in the log, or made it happen.
    pub(super) fn tell(&mut self, node: usize) {
        self.known.insert(node);
    }

    /// Whether that node must act on it: it knows, or has to ask the store.
    fn binds(&self, node: usize, now: Duration) -> bool {
        self.known.contains(&node) || now - self.at > STALENESS
    }
}

/// When and where a credential is presented.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) node: usize,
    /// The time since the beginning, by a clock that is right.
    pub(super) now: Duration,
    /// The store's time.
    pub(super) store: Timestamp,
    /// Since when the node does not reach its store.
    pub(super) down_since: Option<Duration>,
    /// Whether the claims source answers.
    pub(super) is_source_up: bool,
}

/// The answer to a credential, on a route that only administrators may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    Admin,
    Customer,
    /// 401.
    Refused,
    /// 503.
    Unavailable,
}

impl Seen {
    pub(super) const fn role(is_admin: bool) -> Self {
        if is_admin { Self::Admin } else { Self::Customer }
    }

    pub(super) const fn is_accepted(self) -> bool {
        matches!(self, Self::Admin | Self::Customer)
    }
}

/// What may be answered.
#[derive(Debug)]
pub(super) struct Expected(BTreeSet<Seen>);

impl Expected {
    pub(super) fn allows(&self, seen: Seen) -> bool {
        self.0.contains(&seen)
    }

    fn new(roles: &[bool], state: State, moment: &Moment, needs_source: bool) -> Self {
        let mut all = BTreeSet::new();
        // A list that is too old is not used, and there is nobody to ask.
        let is_blind = moment.down_since.is_some_and(|since| moment.now - since > STALENESS);
        if state != State::Over && !is_blind {
            all.extend(roles.iter().map(|role| Seen::role(*role)));
        }
        if state != State::Live {
            all.insert(Seen::Refused);
        }
        if moment.down_since.is_some() || (needs_source && !moment.is_source_up) {
            all.insert(Seen::Unavailable);
        }
        Self(all)
    }
}

/// What is known of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Live,
    /// It may be refused, and may still be accepted.
    Unsure,
    Over,
}

/// Whoever signs in.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: String,
    /// Whether they are an administrator, after each change of their claims.
    pub(super) roles: Vec<bool>,
    /// The changes.
    pub(super) changes: Vec<Fact>,
    pub(super) logins: Vec<Login>,
}

impl Person {
    pub(super) fn is_admin(&self) -> bool {
        self.roles[self.changes.len()]
    }

    pub(super) fn facts(&mut self) -> impl Iterator<Item = &mut Fact> {
        let of_logins = self.logins.iter_mut().flat_map(|login| {
            let ids = login.cookies.iter_mut().filter_map(|cookie| cookie.dead.as_mut());
            let tokens = login.tokens.iter_mut().filter_map(|token| token.revoked.as_mut());
            login.end.as_mut().into_iter().chain(ids).chain(tokens)
        });
        self.changes.iter_mut().chain(of_logins)
    }

    /// What an access token of a login may be answered.
    pub(super) fn expect_token(&self, login: &Login, token: &Token, moment: &Moment) -> Expected {
        let facts = login.end.iter().chain(&token.revoked).chain(&self.changes[token.version..]);
        let mut state = state_after(facts, moment);
        if moment.store >= token.expires_at.after(LEEWAY) {
            state = State::Over;
        } else if moment.store >= token.expires_at || moment.store < token.issued_at || login.may_be_over {
            state = state.max(State::Unsure);
        }
        Expected::new(&[token.is_admin], state, moment, false)
    }

    /// What a session cookie of a login may be answered.
    pub(super) fn expect_cookie(&self, login: &Login, cookie: &Cookie, moment: &Moment) -> Expected {
        let mut state = state_after(login.end.iter().chain(&cookie.dead), moment);
        if moment.store >= login.possible_until.after(SLACK) {
            state = State::Over;
        } else if login.may_be_over {
            state = state.max(State::Unsure);
        }
        let known = self.changes.iter().take_while(|change| change.binds(moment.node, moment.now)).count();
        Expected::new(&self.roles[known..=self.changes.len()], state, moment, true)
    }
}

fn state_after<'a>(facts: impl Iterator<Item = &'a Fact>, moment: &Moment) -> State {
    let state = |fact: &Fact| if fact.binds(moment.node, moment.now) { State::Over } else { State::Unsure };
    facts.map(state).max().unwrap_or(State::Live)
}

/// A signed-in browser, app or device.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) id: LoginId,
    pub(super) end: Option<Fact>,
    /// The newest of them, as far as anybody has them.
    pub(super) tokens: Vec<Token>,
    /// The refresh token in the client's storage.
    pub(super) held: Option<String>,
    /// The session cookie and those before it.
    pub(super) cookies: Vec<Cookie>,
    /// What is in the session's data.
    pub(super) cart: Option<String>,
    /// When the lifetime ends.
    pub(super) ends_at: Timestamp,
    /// Until when it lasts at least, unused from now on.
    pub(super) certain_until: Timestamp,
    /// Until when it may last.
    pub(super) possible_until: Timestamp,
    /// The idle time may have been over once.
    pub(super) may_be_over: bool,
    /// Which step last made or ended it.
    pub(super) touched: u64,
}

impl Login {
    pub(super) fn new(id: LoginId, idle: Duration, now: Timestamp) -> Self {
        Self {
            id,
            end: None,
            tokens: Vec::new(),
            held: None,
            cookies: Vec::new(),
            cart: None,
            ends_at: now.after(LIFETIME),
            certain_until: now.after(idle).before(SLACK),
            possible_until: now.after(idle),
            may_be_over: false,
            touched: 0,
        }
    }

    fn idle(&self) -> Duration {
        if self.cookies.is_empty() { TOKEN_IDLE } else { SESSION_IDLE }
    }

    /// It was used: the use may be written down at once, later, or be lost with its node.
    pub(super) fn may_be_used(&mut self, now: Timestamp) {
        self.possible_until = self.possible_until.max(now.after(self.idle())).min(self.ends_at);
    }

    /// It was refreshed, which is written at once.
    pub(super) fn refreshed(&mut self, now: Timestamp) {
        self.may_be_used(now);
        self.certain_until = now.after(self.idle()).before(SLACK).min(self.ends_at.before(SLACK));
        self.may_be_over = false;
    }

    pub(super) fn pass(&mut self, now: Timestamp) {
        self.may_be_over |= now >= self.certain_until;
    }

    /// Certainly live.
    pub(super) fn is_live(&self) -> bool {
        self.end.is_none() && !self.may_be_over
    }

    pub(super) fn cookie(&self) -> Option<&str> {
        self.cookies.last().map(|cookie| cookie.pair.as_str())
    }
}

/// An access token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    /// How many changes of the claims came before it.
    pub(super) version: usize,
    pub(super) is_admin: bool,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) revoked: Option<Fact>,
}

/// A session cookie.
#[derive(Clone, Debug)]
pub(super) struct Cookie {
    /// `name=value`.
    pub(super) pair: String,
    /// The session has another id now.
    pub(super) dead: Option<Fact>,
}
