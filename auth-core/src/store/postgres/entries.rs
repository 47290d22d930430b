//! Entries of the log: their conversion to columns and back.

use super::rows::{Row, foreign, signed};
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::store::{EndReason, LogEntry, Mark, Partition, Revoked, SecretHash, SessionKey, StoreError};

const LOGIN: i16 = 0;
const ALL_ENDED: i16 = 1;
const CLAIMS_CHANGED: i16 = 2;
const SESSION: i16 = 3;
const TOKEN: i16 = 4;
const KEY: i16 = 5;
const FLOOR: i16 = 6;

/// Entries as arrays, one for each column.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) marks: Vec<&'a [u8]>,
    pub(super) kinds: Vec<i16>,
    pub(super) things: Vec<Option<&'a [u8]>>,
    pub(super) subjects: Vec<Option<&'a str>>,
    pub(super) values: Vec<Option<i64>>,
    pub(super) ends: Vec<i64>,
}

impl<'a> Columns<'a> {
    /// Entries of a kind that this version does not know are left out.
    pub(super) fn of(entries: &'a [LogEntry]) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        for entry in entries {
            let (kind, thing, subject, value) = match &entry.revoked {
                Revoked::Login(id, reason) => {
                    (LOGIN, Some(id.as_bytes().as_slice()), None, Some(reason.code().into()))
                }
                Revoked::AllEnded { subject, below, spared } => {
                    let spared = spared.as_ref().map(|id| id.as_bytes().as_slice());
                    (ALL_ENDED, spared, Some(subject.as_str()), Some(signed(*below)?))
                }
                Revoked::ClaimsChanged { subject, below } => {
                    (CLAIMS_CHANGED, None, Some(subject.as_str()), Some(signed(*below)?))
                }
                Revoked::Session(key) => (SESSION, Some(key.hash.as_bytes().as_slice()), None, None),
                // This store has one partition.
                Revoked::Token(_, token) => (TOKEN, Some(token.as_bytes().as_slice()), None, None),
                // As bytes, because a key id may contain NUL, and PostgreSQL's text cannot.
                Revoked::Key(key) => (KEY, Some(key.as_str().as_bytes()), None, None),
                Revoked::Floor(floor) => (FLOOR, None, None, Some(signed(*floor)?)),
                Revoked::Unknown => continue,
            };
            columns.marks.push(entry.mark.as_bytes());
            columns.kinds.push(kind);
            columns.things.push(thing);
            columns.subjects.push(subject);
            columns.values.push(value);
            columns.ends.push(entry.expires_at.millis());
        }
        Ok(columns)
    }
}

impl Row {
    /// The entry in this row.
    pub(super) fn entry(&self) -> Result<LogEntry, StoreError> {
        let expires_at = Timestamp::from_millis(self.get("entry_ends")?);
        Ok(LogEntry { mark: Mark::from_bytes(self.bytes("mark")?), revoked: self.revoked()?, expires_at })
    }

    fn revoked(&self) -> Result<Revoked, StoreError> {
        let subject = || Subject::new(self.get("subject")?).map_err(StoreError::new);
        Ok(match self.get::<i16>("kind")? {
            LOGIN => {
                let code = u8::try_from(self.get::<i64>("value")?).ok();
                match code.and_then(EndReason::from_code) {
                    Some(reason) => Revoked::Login(LoginId::from_bytes(self.bytes("thing")?), reason),
                    // The reason was introduced by a later version.
                    None => Revoked::Unknown,
                }
            }
            ALL_ENDED => {
                let spared = self.is_there("thing")?.then(|| self.bytes("thing")).transpose()?;
                let (below, spared) = (self.number("value")?, spared.map(LoginId::from_bytes));
                Revoked::AllEnded { subject: subject()?, below, spared }
            }
            CLAIMS_CHANGED => Revoked::ClaimsChanged { subject: subject()?, below: self.number("value")? },
            SESSION => {
                let hash = SecretHash::from_bytes(self.bytes("thing")?);
                Revoked::Session(SessionKey { partition: Partition::REALM, hash })
            }
            TOKEN => Revoked::Token(Partition::REALM, TokenId::from_bytes(self.bytes("thing")?)),
            KEY => {
                let name = str::from_utf8(self.get("thing")?).map_err(StoreError::new)?;
                Revoked::Key(KeyId::new(name).ok_or_else(|| foreign("a log entry has no valid key id"))?)
            }
            FLOOR => Revoked::Floor(self.number("value")?),
            _ => Revoked::Unknown,
        })
    }
}
