//! The tables and their indexes, which change only together.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::store::{EndReason, LogEntry, LoginRow, Revoked, SessionHash, SessionRow};

#[derive(Default)]
pub(super) struct State {
    logins: BTreeMap<LoginId, LoginRow>,
    /// Oldest first.
    by_subject: BTreeMap<Subject, BTreeSet<(Timestamp, LoginId)>>,
    sessions: BTreeMap<SessionHash, SessionRow>,
    by_login: BTreeSet<(LoginId, SessionHash)>,
    epochs: BTreeMap<Subject, u64>,
    log: BTreeMap<u64, LogEntry>,
    by_thing: BTreeSet<(Thing, u64)>,
    last: u64,
}

/// What entries of the log are looked up by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Login(LoginId),
    Subject(Subject),
    Session(SessionHash),
    Token(TokenId),
    Key(KeyId),
}

impl Thing {
    fn of(revoked: &Revoked) -> Self {
        match revoked {
            Revoked::Login(id, _) => Self::Login(*id),
            Revoked::SubjectBelow(subject, _) => Self::Subject(subject.clone()),
            Revoked::Session(id) => Self::Session(*id),
            Revoked::Token(id) => Self::Token(*id),
            Revoked::Key(id) => Self::Key(id.clone()),
        }
    }
}

/// Logins.
impl State {
    pub(super) fn login(&self, id: LoginId, now: Timestamp) -> Option<&LoginRow> {
        self.logins.get(&id).filter(|login| !login.is_expired(now))
    }

    /// The caller must leave `id`, `subject` and `created_at` alone: indexes hold them.
    pub(super) fn login_mut(&mut self, id: LoginId, now: Timestamp) -> Option<&mut LoginRow> {
        self.logins.get_mut(&id).filter(|login| !login.is_expired(now))
    }

    /// The live logins of a subject, oldest first.
    pub(super) fn logins_of(
        &self,
        subject: &Subject,
        now: Timestamp,
    ) -> impl DoubleEndedIterator<Item = &LoginRow> {
        let ids = self.by_subject.get(subject).into_iter().flatten();
        ids.filter_map(move |(_, id)| self.login(*id, now))
    }

    /// Adds a login in place of an expired one of the same id, if need be.
    pub(super) fn insert_login(&mut self, login: LoginRow) {
        self.remove_login(login.id);
        self.by_subject.entry(login.subject.clone()).or_default().insert((login.created_at, login.id));
        self.logins.insert(login.id, login);
    }

    /// Ends a login, and logs it.
    pub(super) fn end(&mut self, id: LoginId, reason: EndReason, log_until: Timestamp) {
        self.remove_login(id);
        self.append(Revoked::Login(id, reason), log_until);
    }

    fn remove_login(&mut self, id: LoginId) {
        let Some(login) = self.logins.remove(&id) else { return };
        if let Some(ids) = self.by_subject.get_mut(&login.subject) {
            ids.remove(&(login.created_at, id));
            if ids.is_empty() {
                self.by_subject.remove(&login.subject);
            }
        }
        let first = (id, SessionHash::from_bytes([0; 32]));
        let sessions: Vec<_> = self
            .by_login
            .range(first..)
            .take_while(|(login, _)| *login == id)
            .map(|(_, session)| *session)
            .collect();
        for session in sessions {
            self.remove_session(&session);
        }
    }

    pub(super) fn epoch(&self, subject: &Subject) -> u64 {
        self.epochs.get(subject).copied().unwrap_or(0)
    }

    pub(super) fn raise_epoch(&mut self, subject: &Subject) -> u64 {
        let epoch = self.epochs.entry(subject.clone()).or_insert(0);
        *epoch += 1;
        *epoch
    }
}

/// Sessions.
impl State {
    pub(super) fn session(&self, id: &SessionHash, now: Timestamp) -> Option<&SessionRow> {
        self.sessions.get(id).filter(|session| {
            session.expires_at > now && session.login.is_none_or(|login| self.login(login, now).is_some())
        })
    }

    /// The caller must leave `id` and `login` alone, and ask [`session`](Self::session) first.
    pub(super) fn session_mut(&mut self, id: &SessionHash) -> Option<&mut SessionRow> {
        self.sessions.get_mut(id)
    }

    /// Adds a session in place of an expired one of the same id, if need be.
    pub(super) fn insert_session(&mut self, session: SessionRow) {
        self.remove_session(&session.id);
        self.by_login.extend(session.login.map(|login| (login, session.id)));
        self.sessions.insert(session.id, session);
    }

    pub(super) fn remove_session(&mut self, id: &SessionHash) -> Option<SessionRow> {
        let session = self.sessions.remove(id)?;
        if let Some(login) = session.login {
            self.by_login.remove(&(login, *id));
        }
        Some(session)
    }
}

/// The log.
impl State {
    pub(super) fn append(&mut self, revoked: Revoked, expires_at: Timestamp) -> u64 {
        self.last += 1;
        self.by_thing.insert((Thing::of(&revoked), self.last));
        self.log.insert(self.last, LogEntry { sequence: self.last, revoked, expires_at });
        self.last
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn entries(&self, after: u64, now: Timestamp) -> impl Iterator<Item = &LogEntry> {
        let entries = self.log.range((Excluded(after), Unbounded)).map(|(_, entry)| entry);
        entries.filter(move |entry| entry.expires_at > now)
    }

    /// The live entries for the same thing.
    pub(super) fn entries_for(&self, revoked: &Revoked, now: Timestamp) -> impl Iterator<Item = &LogEntry> {
        let thing = Thing::of(revoked);
        let numbers = self.by_thing.range((thing.clone(), 0)..).take_while(move |(other, _)| *other == thing);
        numbers.filter_map(|(_, sequence)| self.log.get(sequence)).filter(move |entry| entry.expires_at > now)
    }
}

/// Where a purge has come to.
#[derive(Clone, Copy)]
pub(super) enum Purge {
    Logins(Option<LoginId>),
    Sessions(Option<SessionHash>),
    Log(u64),
}

impl State {
    /// Looks at the next `most` rows and deletes the expired ones. Returns where to go on, and how many logins went.
    pub(super) fn purge(&mut self, at: Purge, most: usize, now: Timestamp) -> (Option<Purge>, u64) {
        match at {
            Purge::Logins(after) => {
                let (last, expired) =
                    batch(&self.logins, after.as_ref(), most, |login| login.is_expired(now));
                let purged = u64::try_from(expired.len()).unwrap_or(u64::MAX);
                expired.into_iter().for_each(|id| self.remove_login(id));
                (Some(last.map_or(Purge::Sessions(None), |id| Purge::Logins(Some(id)))), purged)
            }
            Purge::Sessions(after) => {
                let (last, expired) =
                    batch(&self.sessions, after.as_ref(), most, |row| row.expires_at <= now);
                for id in expired {
                    self.remove_session(&id);
                }
                (Some(last.map_or(Purge::Log(0), |id| Purge::Sessions(Some(id)))), 0)
            }
            Purge::Log(after) => {
                let (last, expired) = batch(&self.log, Some(&after), most, |entry| entry.expires_at <= now);
                for sequence in expired {
                    if let Some(entry) = self.log.remove(&sequence) {
                        self.by_thing.remove(&(Thing::of(&entry.revoked), sequence));
                    }
                }
                (last.map(Purge::Log), 0)
            }
        }
    }
}

/// The last key of the next `most` rows, if there are so many, and those of the expired ones among them.
fn batch<K: Copy + Ord, V>(
    rows: &BTreeMap<K, V>,
    after: Option<&K>,
    most: usize,
    expired: impl Fn(&V) -> bool,
) -> (Option<K>, Vec<K>) {
    let rows = rows.range((after.map_or(Unbounded, Excluded), Unbounded)).take(most);
    let mut seen = 0;
    let mut last = None;
    let mut keys = Vec::new();
    for (key, row) in rows {
        seen += 1;
        last = Some(*key);
        if expired(row) {
            keys.push(*key);
        }
    }
    (last.filter(|_| seen == most), keys)
}
