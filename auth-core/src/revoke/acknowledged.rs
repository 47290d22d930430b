//! The log entries that the store acknowledged. If one is missing from the log when it is read the next time, the
//! store lost it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hashbrown::{HashMap, HashSet};

use crate::clock::Timestamp;
use crate::store::{LogEntry, Logged, Mark};

/// The marks that this node expects to read.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    marks: Mutex<Marks>,
}

#[derive(Debug, Default)]
struct Marks {
    /// The number of the next write.
    next: u64,
    /// The writes that have begun and are not answered yet.
    under_way: BTreeSet<u64>,
    /// The marks that were read while a write was in progress, each with the number of the next write at that time:
    /// the entry of a write can be read before the write is answered.
    read: HashMap<Mark, u64>,
    /// The size of `read` after marks were last dropped from it.
    kept: usize,
    /// The marks that were acknowledged and not read yet, each with the expiry of its entry.
    expected: HashMap<Mark, Timestamp>,
}

impl Acknowledged {
    /// Notes that a write begins. Returns its number.
    pub(super) fn begin(&self) -> u64 {
        self.with(|marks| {
            let number = marks.next;
            marks.next += 1;
            marks.under_way.insert(number);
            number
        })
    }

    /// Notes that a write is answered. Marks that were read before the oldest write in progress began are dropped:
    /// they cannot be its entries.
    pub(super) fn end(&self, number: u64) {
        self.with(|marks| {
            marks.under_way.remove(&number);
            match marks.under_way.first() {
                None => marks.read.clear(),
                // Not after each write, so that the cost for each mark stays constant.
                Some(oldest) if marks.read.len() > 2 * marks.kept + 1000 => {
                    marks.read.retain(|_, next| *next > *oldest);
                    marks.kept = marks.read.len();
                }
                Some(_) => {}
            }
        });
    }

    /// Notes that the store has appended this entry.
    pub(super) fn expect(&self, logged: Logged) {
        self.with(|marks| {
            if !marks.read.contains_key(&logged.mark) {
                marks.expected.insert(logged.mark, logged.expires_at);
            }
        });
    }

    /// The marks that a page must contain if it is requested from now on, unless an earlier page contains them.
    pub(super) fn due(&self) -> HashSet<Mark> {
        self.with(|marks| marks.expected.keys().copied().collect())
    }

    pub(super) fn read(&self, entries: &[LogEntry]) {
        self.with(|marks| {
            for entry in entries {
                marks.expected.remove(&entry.mark);
                if !marks.under_way.is_empty() {
                    marks.read.insert(entry.mark, marks.next);
                }
            }
        });
    }

    /// The number of due marks that were not read by `read_at`, the store's time: the store lost their entries,
    /// unless they had expired. They are no longer expected.
    pub(super) fn take_lost(&self, due: &HashSet<Mark>, read_at: Timestamp) -> usize {
        let is_served = |expires_at: Timestamp| expires_at.after(LogEntry::MARGIN) > read_at;
        self.with(|marks| {
            due.iter().filter(|mark| marks.expected.remove(*mark).is_some_and(is_served)).count()
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Marks) -> T) -> T {
        change(&mut self.marks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Revoked;

    fn entry(number: u64) -> LogEntry {
        let mut mark = [0; 16];
        mark.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        LogEntry {
            mark: Mark::from_bytes(mark),
            revoked: Revoked::Floor(number),
            expires_at: LogEntry::NEVER,
        }
    }

    fn logged(entry: &LogEntry) -> Logged {
        Logged { mark: entry.mark, expires_at: entry.expires_at }
    }

    fn remembered(acknowledged: &Acknowledged) -> usize {
        acknowledged.with(|marks| marks.read.len())
    }

    #[test]
    fn an_entry_that_was_read_before_its_write_was_answered_is_not_expected() {
        let acknowledged = Acknowledged::default();
        let (early, late) = (entry(1), entry(2));
        let write = acknowledged.begin();
        acknowledged.read(std::slice::from_ref(&early));
        acknowledged.expect(logged(&early));
        acknowledged.expect(logged(&late));
        acknowledged.end(write);
        assert_eq!(acknowledged.due(), HashSet::from_iter([late.mark]));
    }

    /// Each write begins before the previous one is answered, so that one is always in progress, and each entry is
    /// read before its write is answered.
    #[test]
    fn writes_that_never_cease_do_not_pile_up_what_was_read() {
        let acknowledged = Acknowledged::default();
        let mut before = acknowledged.begin();
        for number in 0..100_000 {
            let (write, own) = (acknowledged.begin(), entry(number));
            acknowledged.read(std::slice::from_ref(&own));
            acknowledged.expect(logged(&own));
            acknowledged.end(before);
            before = write;
            assert!(remembered(&acknowledged) <= 1100, "{number}");
        }
        assert_eq!(acknowledged.due(), HashSet::new());
        acknowledged.end(before);
        assert_eq!(remembered(&acknowledged), 0);
    }

    /// However long it takes.
    #[test]
    fn what_was_read_since_a_write_began_is_remembered_until_it_is_answered() {
        let acknowledged = Acknowledged::default();
        let slow = acknowledged.begin();
        let own = entry(u64::MAX);
        acknowledged.read(std::slice::from_ref(&own));
        for number in 0..10_000 {
            let write = acknowledged.begin();
            acknowledged.read(&[entry(number)]);
            acknowledged.end(write);
        }
        acknowledged.expect(logged(&own));
        acknowledged.end(slow);
        assert_eq!(acknowledged.due(), HashSet::new());
    }
}
