//! Writing back entries that a node knows and the store lost.

use super::state::{RealmState, Record};
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::store::{LogEntry, Revoked};

impl RealmState {
    /// Applies and appends an entry, unless its mark is in the log.
    pub(super) fn write_back(&mut self, entry: &LogEntry, now: Timestamp) {
        if self.log.has(&entry.mark) {
            return;
        }
        match &entry.revoked {
            Revoked::Login(id, _) => self.remove_login(*id),
            Revoked::AllEnded { subject, below, spared } => {
                let record = self.all_ended(subject, *below, *spared, now);
                self.set_record(subject, record);
            }
            Revoked::ClaimsChanged { subject, below } => {
                let record = self.record(subject);
                let (epoch, outdated_below) = (record.epoch.max(*below), record.outdated_below.max(*below));
                self.set_record(subject, Record { epoch, outdated_below, ..record });
            }
            Revoked::Session(key) => {
                if self.sessions.get(&key.hash).is_some_and(|session| session.key == *key) {
                    self.sessions.remove(&key.hash);
                }
            }
            Revoked::Floor(floor) => self.floor = self.floor.max(*floor),
            Revoked::Token(..) | Revoked::Key(_) => {}
            Revoked::Unknown => return,
        }
        self.append(entry.mark, entry.revoked.clone(), entry.expires_at);
    }

    /// The record after all logins below this epoch ended, except at most one. A login stays spared only if it is
    /// live now and neither this end nor the last one ended it.
    fn all_ended(&self, subject: &Subject, below: u64, spared: Option<LoginId>, now: Timestamp) -> Record {
        let record = self.record(subject);
        let survives = |id: &LoginId| {
            let login = self.live(*id, now).filter(|login| login.subject == *subject);
            login.is_some_and(|login| login.begun_under >= below || spared == Some(*id))
        };
        let kept = if below > record.ended_below { spared } else { record.spared };
        Record {
            epoch: record.epoch.max(below),
            ended_below: record.ended_below.max(below),
            spared: kept.filter(survives),
            ..record
        }
    }
}
