//! Entries of the log: their conversion to columns and back, and appending them.

use std::borrow::Cow;

use super::rows::{foreign, signed};
use super::step::Step;
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::store::hex::unhex;
use crate::store::{
    EndReason, LogEntry, Logged, Mark, Partition, Realm, Revoked, SecretHash, SessionKey, StoreError,
};

pub(super) const LOGIN: i64 = 0;
pub(super) const ALL_ENDED: i64 = 1;
pub(super) const CLAIMS_CHANGED: i64 = 2;
pub(super) const SESSION: i64 = 3;
pub(super) const TOKEN: i64 = 4;
pub(super) const KEY: i64 = 5;
pub(super) const FLOOR: i64 = 6;

/// What was revoked, as columns.
pub(super) struct RevokedColumns<'a> {
    pub(super) kind: i64,
    pub(super) thing: Option<&'a [u8]>,
    pub(super) name: Option<&'a str>,
    pub(super) value: Option<i64>,
}

impl<'a> RevokedColumns<'a> {
    /// `None` for a kind that this version does not know.
    pub(super) fn of(revoked: &'a Revoked) -> Result<Option<Self>, StoreError> {
        let mut columns = Self { kind: LOGIN, thing: None, name: None, value: None };
        match revoked {
            Revoked::Login(id, reason) => {
                columns.thing = Some(id.as_bytes());
                columns.value = Some(reason_code(*reason));
            }
            Revoked::AllEnded { subject, below, spared } => {
                columns.kind = ALL_ENDED;
                columns.thing = spared.as_ref().map(|id| id.as_bytes().as_slice());
                columns.name = Some(subject.as_str());
                columns.value = Some(signed(*below)?);
            }
            Revoked::ClaimsChanged { subject, below } => {
                columns.kind = CLAIMS_CHANGED;
                columns.name = Some(subject.as_str());
                columns.value = Some(signed(*below)?);
            }
            Revoked::Session(key) => {
                columns.kind = SESSION;
                columns.thing = Some(key.hash.as_bytes());
            }
            // This store has one partition.
            Revoked::Token(_, id) => {
                columns.kind = TOKEN;
                columns.thing = Some(id.as_bytes());
            }
            Revoked::Key(id) => {
                columns.kind = KEY;
                columns.name = Some(id.as_str());
            }
            Revoked::Floor(floor) => {
                columns.kind = FLOOR;
                columns.value = Some(signed(*floor)?);
            }
            Revoked::Unknown => return Ok(None),
        }
        Ok(Some(columns))
    }
}

/// The entries in an array of arrays, as [`entries_as_json`] selects them, each with its number.
pub(super) fn entries(json: &str) -> Result<Vec<(i64, LogEntry)>, StoreError> {
    let rows: Vec<EntryRow<'_>> = serde_json::from_str(json).map_err(StoreError::new)?;
    rows.iter().map(entry).collect()
}

/// Number, mark, kind, thing, name, value and end.
type EntryRow<'a> = (i64, &'a str, i64, &'a str, Option<Cow<'a, str>>, Option<i64>, i64);

/// All entries in one row: a node that starts reads hundreds of thousands, and a row costs more than what is in it. A thing
/// that is not there is the empty text.
macro_rules! entries_as_json {
    () => {
        "json_group_array(json_array(number, hex(mark), kind, hex(thing), name, value, entry_ends))"
    };
}
pub(super) use entries_as_json;

fn entry(row: &EntryRow<'_>) -> Result<(i64, LogEntry), StoreError> {
    let (number, mark, kind, thing, name, value, entry_ends) = row;
    let mark = unhex(mark).and_then(|mark| mark.try_into().ok()).map(Mark::from_bytes);
    let mark = mark.ok_or_else(|| foreign("a mark in the log has the wrong length"))?;
    let thing = unhex(thing).ok_or_else(|| foreign("an id or hash in the log is not in bytes"))?;
    let stored = RevokedColumns {
        kind: *kind,
        thing: (!thing.is_empty()).then_some(&*thing),
        name: name.as_deref(),
        value: *value,
    };
    let expires_at = Timestamp::from_millis(*entry_ends);
    Ok((*number, LogEntry { mark, revoked: stored.revoked()?, expires_at }))
}

impl RevokedColumns<'_> {
    fn revoked(&self) -> Result<Revoked, StoreError> {
        Ok(match self.kind {
            LOGIN => match reason(self.value()?) {
                Some(reason) => Revoked::Login(LoginId::from_bytes(self.bytes()?), reason),
                // The reason was introduced by a later version.
                None => Revoked::Unknown,
            },
            ALL_ENDED => Revoked::AllEnded {
                subject: self.subject()?,
                below: self.epoch()?,
                spared: self.thing.map(|_| self.bytes()).transpose()?.map(LoginId::from_bytes),
            },
            CLAIMS_CHANGED => Revoked::ClaimsChanged { subject: self.subject()?, below: self.epoch()? },
            SESSION => Revoked::Session(SessionKey {
                partition: Partition::REALM,
                hash: SecretHash::from_bytes(self.bytes()?),
            }),
            TOKEN => Revoked::Token(Partition::REALM, TokenId::from_bytes(self.bytes()?)),
            KEY => Revoked::Key(
                self.name.and_then(KeyId::new).ok_or_else(|| foreign("a log entry has no valid key id"))?,
            ),
            FLOOR => Revoked::Floor(self.epoch()?),
            _ => Revoked::Unknown,
        })
    }

    fn bytes<const N: usize>(&self) -> Result<[u8; N], StoreError> {
        let bytes = self.thing.and_then(|thing| thing.try_into().ok());
        bytes.ok_or_else(|| foreign("an id or hash in the log has the wrong length"))
    }

    fn subject(&self) -> Result<Subject, StoreError> {
        Subject::new(self.name.unwrap_or_default()).map_err(StoreError::new)
    }

    fn value(&self) -> Result<i64, StoreError> {
        self.value.ok_or_else(|| foreign("a log entry has no reason, epoch or floor"))
    }

    fn epoch(&self) -> Result<u64, StoreError> {
        self.value()?.try_into().map_err(StoreError::new)
    }
}

/// Appends to the log, as part of a write in an existing realm.
pub(super) async fn append(
    step: &mut Step<'_>,
    realm: &Realm,
    revoked: &Revoked,
    expires_at: Timestamp,
) -> Result<Logged, StoreError> {
    let mark = Mark::random()?;
    let columns =
        RevokedColumns::of(revoked)?.ok_or_else(|| StoreError::new("what is not known cannot be logged"))?;
    let insert = "INSERT INTO auth_log (realm, mark, kind, thing, name, value, entry_ends) \
                  SELECT id, $3, $4, $5, $6, $7, $8 FROM auth_realm WHERE name = $2";
    let insert = step
        .statement(realm, insert)
        .bind(mark.as_bytes().to_vec())
        .bind(columns.kind)
        .bind(columns.thing.map(<[u8]>::to_vec))
        .bind(columns.name.map(str::to_owned))
        .bind(columns.value)
        .bind(expires_at.millis());
    match step.run(insert).await?.rows_affected() {
        1 => {
            step.note_logged();
            Ok(Logged { mark, expires_at })
        }
        _ => Err(foreign("the row of the realm is missing")),
    }
}

/// The number of a reason in the log.
pub(super) fn reason_code(reason: EndReason) -> i64 {
    reason.code().into()
}

fn reason(code: i64) -> Option<EndReason> {
    u8::try_from(code).ok().and_then(EndReason::from_code)
}
