//! What the store acknowledged and must still have: an entry that is missing from the first page that is asked for after
//! the acknowledgement was lost.

use std::sync::{Mutex, PoisonError};

use hashbrown::HashSet;

use crate::store::{LogEntry, Mark};

/// The marks that this node expects to read.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    marks: Mutex<Marks>,
}

#[derive(Debug, Default)]
struct Marks {
    /// How many writes have begun and are not answered.
    under_way: usize,
    /// Read while a write was under way: the entry of a write can be read before the write is answered.
    read: HashSet<Mark>,
    /// Acknowledged, and not read yet.
    expected: HashSet<Mark>,
}

impl Acknowledged {
    pub(super) fn begin(&self) {
        self.with(|marks| marks.under_way += 1);
    }

    pub(super) fn end(&self) {
        self.with(|marks| {
            marks.under_way = marks.under_way.saturating_sub(1);
            if marks.under_way == 0 {
                marks.read.clear();
            }
        });
    }

    /// The store has logged this.
    pub(super) fn expect(&self, mark: Mark) {
        self.with(|marks| {
            if !marks.read.contains(&mark) {
                marks.expected.insert(mark);
            }
        });
    }

    /// What a page that is asked for from now on must have, unless an earlier one had it.
    pub(super) fn due(&self) -> HashSet<Mark> {
        self.with(|marks| marks.expected.clone())
    }

    pub(super) fn read(&self, entries: &[LogEntry]) {
        self.with(|marks| {
            for entry in entries {
                marks.expected.remove(&entry.mark);
                if marks.under_way > 0 {
                    marks.read.insert(entry.mark);
                }
            }
        });
    }

    /// Of what was due, what was not read: the store lost it. It is expected no longer.
    pub(super) fn take_lost(&self, due: &HashSet<Mark>) -> usize {
        self.with(|marks| due.iter().filter(|mark| marks.expected.remove(*mark)).count())
    }

    fn with<T>(&self, change: impl FnOnce(&mut Marks) -> T) -> T {
        change(&mut self.marks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
