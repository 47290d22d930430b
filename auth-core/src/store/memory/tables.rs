//! Rows and their indexes, which change together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::store::{LoginRow, SecretHash, SessionRow};

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

    /// The logins of a subject, oldest first.
    pub(super) fn of(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = &LoginRow> {
        self.by_subject.get(subject).into_iter().flatten().filter_map(|(_, id)| self.rows.get(id))
    }

    /// Inserts a login. The id must be free.
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

    /// The logins after an id, ordered by id.
    pub(super) fn after(&self, id: Option<LoginId>) -> impl Iterator<Item = (LoginId, &LoginRow)> {
        let rows = self.rows.range((id.map_or(Unbounded, Excluded), Unbounded));
        rows.map(|(id, login)| (*id, login))
    }
}

/// Sessions, live or not.
#[derive(Clone, Default)]
pub(super) struct Sessions {
    rows: BTreeMap<SecretHash, SessionRow>,
    by_login: BTreeSet<(LoginId, SecretHash)>,
}

impl Sessions {
    pub(super) fn get(&self, hash: &SecretHash) -> Option<&SessionRow> {
        self.rows.get(hash)
    }

    /// The session, to change it. The caller must not change `key` and `login`.
    pub(super) fn get_mut(&mut self, hash: &SecretHash) -> Option<&mut SessionRow> {
        self.rows.get_mut(hash)
    }

    /// Inserts a session. The hash must be free.
    pub(super) fn insert(&mut self, session: SessionRow) {
        self.by_login.extend(session.login.map(|login| (login, session.key.hash)));
        self.rows.insert(session.key.hash, session);
    }

    pub(super) fn remove(&mut self, hash: &SecretHash) -> Option<SessionRow> {
        let session = self.rows.remove(hash)?;
        if let Some(login) = session.login {
            self.by_login.remove(&(login, *hash));
        }
        Some(session)
    }

    /// Removes the sessions that carry this login.
    pub(super) fn remove_of(&mut self, login: LoginId) {
        let first = (login, SecretHash::from_bytes([0; 32]));
        let carrying = self.by_login.range(first..).take_while(|(other, _)| *other == login);
        let hashes: Vec<_> = carrying.map(|(_, hash)| *hash).collect();
        for hash in &hashes {
            self.remove(hash);
        }
    }

    /// The sessions after a hash, ordered by hash.
    pub(super) fn after(&self, hash: Option<SecretHash>) -> impl Iterator<Item = (SecretHash, &SessionRow)> {
        let rows = self.rows.range((hash.map_or(Unbounded, Excluded), Unbounded));
        rows.map(|(hash, session)| (*hash, session))
    }
}
