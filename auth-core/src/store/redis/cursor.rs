//! The content of a cursor: a position in the log of each partition.

use serde::{Deserialize, Serialize};

use super::reply::unhex;
use super::run::PARTITIONS;
use crate::clock::Timestamp;
use crate::store::hex::hex;
use crate::store::{Cursor, LogEntry, Mark, StoreError};

/// The last entry of a partition that a reader has received.
#[derive(Clone)]
pub(super) struct Place {
    /// The id in the stream.
    pub(super) id: String,
    pub(super) mark: Mark,
    pub(super) expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored(String, String, i64);

/// Before the first entry of every partition.
pub(super) fn start() -> Vec<Option<Place>> {
    vec![None; usize::from(PARTITIONS)]
}

pub(super) fn cursor_of(places: &[Option<Place>]) -> Result<Cursor, StoreError> {
    if places.iter().all(Option::is_none) {
        return Ok(Cursor::start());
    }
    let stored = |place: &Option<Place>| {
        place
            .as_ref()
            .map(|place| Stored(place.id.clone(), hex(place.mark.as_bytes()), place.expires_at.millis()))
    };
    let stored: Vec<_> = places.iter().map(stored).collect();
    serde_json::to_vec(&stored).map(Cursor::from_bytes).map_err(StoreError::new)
}

/// `None` when the cursor was not made by [`cursor_of`].
pub(super) fn places_of(cursor: &Cursor) -> Option<Vec<Option<Place>>> {
    if cursor.is_start() {
        return Some(start());
    }
    let stored: Vec<Option<Stored>> = serde_json::from_slice(cursor.as_bytes()).ok()?;
    let place = |stored: Option<Stored>| {
        let Some(Stored(id, mark, expires_at)) = stored else { return Some(None) };
        let (time, sequence) = id.split_once('-')?;
        (time.parse::<u64>().is_ok() && sequence.parse::<u64>().is_ok()).then_some(())?;
        let mark = Mark::from_bytes(unhex(&mark).ok()?);
        Some(Some(Place { id, mark, expires_at: Timestamp::from_millis(expires_at) }))
    };
    let places: Vec<_> = stored.into_iter().map(place).collect::<Option<_>>()?;
    (places.len() == usize::from(PARTITIONS)).then_some(places)
}

/// The text of [`expiry_of`].
pub(super) fn expiry_text(expires_at: Timestamp) -> String {
    if expires_at == LogEntry::NEVER { "never".to_owned() } else { expires_at.millis().to_string() }
}

pub(super) fn expiry_of(text: &str) -> Result<Timestamp, StoreError> {
    match text {
        "never" => Ok(LogEntry::NEVER),
        millis => millis.parse().map(Timestamp::from_millis).map_err(StoreError::new),
    }
}
