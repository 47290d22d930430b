//! The log of one realm: numbered entries, and the cursors that refer to them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};

use crate::clock::Timestamp;
use crate::id::{KeyId, TokenId};
use crate::store::{Cursor, LogEntry, Mark, Page, Reset, Revoked};

#[derive(Clone, Default)]
pub(super) struct Log {
    entries: BTreeMap<u64, LogEntry>,
    marks: HashSet<Mark>,
    /// When the entries expire.
    tokens: HashMap<TokenId, Timestamp>,
    keys: HashSet<KeyId>,
    appended: u64,
}

/// Whether an entry is no longer applied.
pub(super) fn is_over(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.after(LogEntry::MARGIN) <= now
}

impl Log {
    /// The number of entries that were ever appended.
    pub(super) fn appended(&self) -> u64 {
        self.appended
    }

    pub(super) fn append(&mut self, mark: Mark, revoked: Revoked, expires_at: Timestamp) {
        match &revoked {
            Revoked::Token(_, token) => {
                let until = self.tokens.entry(*token).or_insert(expires_at);
                *until = expires_at.max(*until);
            }
            Revoked::Key(key) => {
                self.keys.insert(key.clone());
            }
            _ => {}
        }
        self.appended = self.appended.saturating_add(1);
        self.marks.insert(mark);
        self.entries.insert(self.appended, LogEntry { mark, revoked, expires_at });
    }

    pub(super) fn has(&self, mark: &Mark) -> bool {
        self.marks.contains(mark)
    }

    pub(super) fn has_token(&self, token: &TokenId, now: Timestamp) -> bool {
        self.tokens.get(token).is_some_and(|expires_at| !is_over(*expires_at, now))
    }

    pub(super) fn has_key(&self, key: &KeyId) -> bool {
        self.keys.contains(key)
    }

    pub(super) fn page(
        &self,
        cursor: &Cursor,
        most: usize,
        incarnation: Mark,
        floor: u64,
        now: Timestamp,
    ) -> Page {
        let (after, reset) = match self.find(cursor, incarnation, now) {
            Ok(after) => (after, None),
            Err(reset) => (0, Some(reset)),
        };
        let mut entries = Vec::new();
        let mut last = after;
        let mut has_more = false;
        for (sequence, entry) in self.entries.range((Excluded(after), Unbounded)) {
            let is_served = !is_over(entry.expires_at, now);
            if is_served && entries.len() >= most {
                has_more = true;
                break;
            }
            entries.extend(is_served.then(|| entry.clone()));
            last = *sequence;
        }
        let seen = self.entries.get(&last);
        let next = seen.map_or_else(Cursor::start, |entry| Place::new(incarnation, last, entry).cursor());
        Page { entries, next, has_more, floor, reset }
    }

    /// The number of the entry that the cursor names; zero at the start.
    fn find(&self, cursor: &Cursor, incarnation: Mark, now: Timestamp) -> Result<u64, Reset> {
        if cursor.is_start() {
            return Ok(0);
        }
        let place = Place::read(cursor).ok_or(Reset::Malformed)?;
        if place.incarnation != incarnation {
            return Err(Reset::Incarnation);
        }
        let entry = self.entries.get(&place.sequence).filter(|entry| entry.mark == place.mark);
        match entry {
            Some(_) => Ok(place.sequence),
            None if is_over(place.expires_at, now) => Err(Reset::Purged),
            None => Err(Reset::UnknownMark),
        }
    }

    /// Deletes the expired entries among the next `most`, except the newest entry of the log. Returns where to
    /// continue.
    pub(super) fn purge(&mut self, after: u64, most: usize, now: Timestamp) -> Option<u64> {
        let newest = self.entries.last_key_value().map(|(sequence, _)| *sequence);
        let next: Vec<_> = self.entries.range((Excluded(after), Unbounded)).take(most).collect();
        let last = next.last().map(|(sequence, _)| **sequence).filter(|_| next.len() == most);
        let over = next.into_iter().filter(|(_, entry)| is_over(entry.expires_at, now));
        let over: Vec<_> = over.map(|(sequence, _)| *sequence).filter(|one| Some(*one) != newest).collect();
        for sequence in over {
            self.remove(sequence, now);
        }
        last
    }

    fn remove(&mut self, sequence: u64, now: Timestamp) {
        let Some(entry) = self.entries.remove(&sequence) else { return };
        self.marks.remove(&entry.mark);
        if let Revoked::Token(_, token) = entry.revoked
            && !self.has_token(&token, now)
        {
            self.tokens.remove(&token);
        }
    }
}

/// The content of a cursor.
struct Place {
    incarnation: Mark,
    sequence: u64,
    mark: Mark,
    expires_at: Timestamp,
}

impl Place {
    fn new(incarnation: Mark, sequence: u64, entry: &LogEntry) -> Self {
        Self { incarnation, sequence, mark: entry.mark, expires_at: entry.expires_at }
    }

    fn cursor(&self) -> Cursor {
        let expires_at = self.expires_at.millis().to_be_bytes();
        let number = self.sequence.to_be_bytes();
        let parts = [&self.incarnation.as_bytes()[..], &number, &expires_at, self.mark.as_bytes()];
        Cursor::from_bytes(parts.concat())
    }

    fn read(cursor: &Cursor) -> Option<Self> {
        let (incarnation, rest) = cursor.as_bytes().split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (expires_at, mark) = rest.split_first_chunk()?;
        Some(Self {
            incarnation: Mark::from_bytes(*incarnation),
            sequence: u64::from_be_bytes(*sequence),
            expires_at: Timestamp::from_millis(i64::from_be_bytes(*expires_at)),
            mark: Mark::from_bytes(mark.try_into().ok()?),
        })
    }
}
