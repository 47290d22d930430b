//! The data of all realms, and the state of each: floor, records, liveness.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::log::Log;
use super::tables::{Logins, Sessions};
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::store::{Document, LiveLogin, Logged, LoginRow, Mark, Realm, Revoked, SessionKey, SessionRow};

#[derive(Default)]
pub(super) struct State {
    pub(super) realms: HashMap<Realm, RealmState>,
    /// `None` until it is first needed.
    pub(super) incarnation: Option<Mark>,
}

impl State {
    /// The data of a realm, which is created at its first use; that time is its first floor.
    pub(super) fn realm(&mut self, realm: &Realm, now: Timestamp) -> &mut RealmState {
        self.realms.entry(realm.clone()).or_insert_with(|| RealmState::new(epoch_at(now)))
    }

    /// The number of entries that were ever appended.
    pub(super) fn logged(&self) -> u64 {
        self.realms.values().map(|realm| realm.log.appended()).fold(0, u64::wrapping_add)
    }

    pub(super) fn has_login(&self, id: LoginId) -> bool {
        self.realms.values().any(|realm| realm.logins.get(id).is_some())
    }
}

/// The lowest epoch at this time.
pub(super) fn epoch_at(now: Timestamp) -> u64 {
    u64::try_from(now.millis()).unwrap_or(0).max(1)
}

#[derive(Clone)]
pub(super) struct RealmState {
    pub(super) floor: u64,
    records: HashMap<Subject, Record>,
    pub(super) logins: Logins,
    pub(super) sessions: Sessions,
    pub(super) log: Log,
    pub(super) documents: BTreeMap<String, Document>,
}

/// The record of a subject.
#[derive(Clone, Copy)]
pub(super) struct Record {
    pub(super) epoch: u64,
    pub(super) outdated_below: u64,
    pub(super) ended_below: u64,
    pub(super) spared: Option<LoginId>,
    pub(super) retention: Duration,
}

impl RealmState {
    fn new(floor: u64) -> Self {
        Self {
            floor,
            records: HashMap::new(),
            logins: Logins::default(),
            sessions: Sessions::default(),
            log: Log::default(),
            documents: BTreeMap::new(),
        }
    }

    /// The record of a subject, with its numbers raised to the floor.
    pub(super) fn record(&self, subject: &Subject) -> Record {
        let floor = self.floor;
        let none =
            Record { epoch: 0, outdated_below: 0, ended_below: 0, spared: None, retention: Duration::ZERO };
        let record = self.records.get(subject).copied().unwrap_or(none);
        Record {
            epoch: record.epoch.max(floor),
            outdated_below: record.outdated_below.max(floor),
            ended_below: record.ended_below.max(floor),
            ..record
        }
    }

    pub(super) fn set_record(&mut self, subject: &Subject, record: Record) {
        self.records.insert(subject.clone(), record);
    }

    /// The record, after its epoch was raised.
    pub(super) fn raised(&self, subject: &Subject, now: Timestamp) -> Record {
        let record = self.record(subject);
        Record { epoch: record.epoch.saturating_add(1).max(epoch_at(now)), ..record }
    }

    pub(super) fn raise_retention(&mut self, subject: &Subject, retention: Duration) {
        let record = self.record(subject);
        self.set_record(subject, Record { retention: record.retention.max(retention), ..record });
    }

    pub(super) fn highest_epoch(&self) -> u64 {
        self.records.values().map(|record| record.epoch).fold(self.floor, u64::max)
    }

    pub(super) fn is_live(&self, login: &LoginRow, now: Timestamp) -> bool {
        let began_late =
            |record: Record| login.begun_under >= record.ended_below || record.spared == Some(login.id);
        !login.is_expired(now) && login.begun_under >= self.floor && began_late(self.record(&login.subject))
    }

    pub(super) fn live(&self, id: LoginId, now: Timestamp) -> Option<&LoginRow> {
        self.logins.get(id).filter(|login| self.is_live(login, now))
    }

    /// Changes a live login. The change must not affect `id`, `subject` and `created_at`, because they are in
    /// indexes.
    pub(super) fn live_mut(&mut self, id: LoginId, now: Timestamp) -> Option<&mut LoginRow> {
        self.live(id, now)?;
        self.logins.get_mut(id)
    }

    pub(super) fn with_subject(&self, login: &LoginRow) -> LiveLogin {
        let Record { epoch, outdated_below, .. } = self.record(&login.subject);
        LiveLogin { row: login.clone(), subject_epoch: epoch, outdated_below }
    }

    pub(super) fn live_login(&self, id: LoginId, now: Timestamp) -> Option<LiveLogin> {
        self.live(id, now).map(|login| self.with_subject(login))
    }

    /// The live logins of a subject, oldest first.
    pub(super) fn live_of(
        &self,
        subject: &Subject,
        now: Timestamp,
    ) -> impl DoubleEndedIterator<Item = &LoginRow> {
        self.logins.of(subject).filter(move |login| self.is_live(login, now))
    }

    pub(super) fn is_live_session(&self, session: &SessionRow, now: Timestamp) -> bool {
        session.expires_at > now && session.login.is_none_or(|login| self.live(login, now).is_some())
    }

    pub(super) fn session(&self, key: &SessionKey, now: Timestamp) -> Option<&SessionRow> {
        let session = self.sessions.get(&key.hash).filter(|session| session.key == *key);
        session.filter(|session| self.is_live_session(session, now))
    }

    pub(super) fn remove_login(&mut self, id: LoginId) {
        self.logins.remove(id);
        self.sessions.remove_of(id);
    }

    pub(super) fn append(&mut self, mark: Mark, revoked: Revoked, expires_at: Timestamp) -> Logged {
        self.log.append(mark, revoked, expires_at);
        Logged { mark, expires_at }
    }
}
