//! Rows and their indexes, which change only together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::store::{LoginRow, SessionHash, SessionRow};

/// Logins, live or not.
#[derive(Clone, Default)]
pub(super) struct Logins {
    rows: BTreeMap<LoginId, LoginRow>,
    /// Oldest first.
    by_subject: HashMap<Subject, BTreeSet<(Timestamp, LoginId)>>,
}

impl Logins {
    pub(super) fn get(&self, id: LoginId) -> Option<&LoginRow> {
        self.rows.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: LoginId) -> Option<&mut LoginRow> {
        self.rows.get_mut(&id)
    }

    /// A subject's, oldest first.
    pub(super) fn of(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = &LoginRow> {
        self.by_subject.get(subject).into_iter().flatten().filter_map(|(_, id)| self.rows.get(id))
    }

    /// The id must be free.
    pub(super) fn insert(&mut self, login: LoginRow) {
        self.by_subject.entry(login.subject.clone()).or_default().insert((login.created_at, login.id));
        self.rows.insert(login.id, login);
    }

    pub(super) fn remove(&mut self, id: LoginId) {
        let Some(login) = self.rows.remove(&id) else { return };
        if let Some(ids) = self.by_subject.get_mut(&login.subject) {
            ids.remove(&(login.created_at, id));
            if ids.is_empty() {
                self.by_subject.remove(&login.subject);
            }
        }
    }

    /// Those after an id, by id.
    pub(super) fn after(&self, id: Option<LoginId>) -> impl Iterator<Item = (LoginId, &LoginRow)> {
        let rows = self.rows.range((id.map_or(Unbounded, Excluded), Unbounded));
        rows.map(|(id, login)| (*id, login))
    }
}

/// Sessions, live or not.
#[derive(Clone, Default)]
pub(super) struct Sessions {
    rows: BTreeMap<SessionHash, SessionRow>,
    by_login: BTreeSet<(LoginId, SessionHash)>,
}

impl Sessions {
    pub(super) fn get(&self, hash: &SessionHash) -> Option<&SessionRow> {
        self.rows.get(hash)
    }

    /// The caller must leave `key` and `login` alone.
    pub(super) fn get_mut(&mut self, hash: &SessionHash) -> Option<&mut SessionRow> {
        self.rows.get_mut(hash)
    }

    /// The hash must be free.
    pub(super) fn insert(&mut self, session: SessionRow) {
        self.by_login.extend(session.login.map(|login| (login, session.key.hash)));
        self.rows.insert(session.key.hash, session);
    }

    pub(super) fn remove(&mut self, hash: &SessionHash) -> Option<SessionRow> {
        let session = self.rows.remove(hash)?;
        if let Some(login) = session.login {
            self.by_login.remove(&(login, *hash));
        }
        Some(session)
    }

    /// Removes those that carry a login.
    pub(super) fn remove_of(&mut self, login: LoginId) {
        let first = (login, SessionHash::from_bytes([0; 32]));
        let carrying = self.by_login.range(first..).take_while(|(other, _)| *other == login);
        let hashes: Vec<_> = carrying.map(|(_, hash)| *hash).collect();
        for hash in &hashes {
            self.remove(hash);
        }
    }

    /// Those after a hash, by hash.
    pub(super) fn after(
        &self,
        hash: Option<SessionHash>,
    ) -> impl Iterator<Item = (SessionHash, &SessionRow)> {
        let rows = self.rows.range((hash.map_or(Unbounded, Excluded), Unbounded));
        rows.map(|(hash, session)| (*hash, session))
    }
}
