//! What a cursor says of Redis: one place for each partition.

use auth_core::clock::Timestamp;
use auth_core::store::{Cursor, LogEntry, Mark, StoreError};

use crate::engines::redis::PARTITIONS;
use crate::engines::redis::reply::{hex, unhex};

/// The last entry that was seen of a partition.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) mark: Mark,
    pub(super) expires_at: Timestamp,
}

pub(super) fn expiry_of(text: &str) -> Result<Timestamp, StoreError> {
    match text {
        "never" => Ok(LogEntry::NEVER),
        millis => millis.parse().map(Timestamp::from_millis).map_err(StoreError::new),
    }
}

/// `id`, mark and expiry of each partition; the start where no partition has an entry.
pub(super) fn cursor_of(places: &[Option<Place>]) -> Cursor {
    if places.iter().all(Option::is_none) {
        return Cursor::start();
    }
    let parts = places.iter().map(|place| {
        place.as_ref().map_or_else(
            || "-".into(),
            |place| format!("{}={}={}", place.id, place.expires_at.millis(), hex(place.mark.as_bytes())),
        )
    });
    // The end says that it is whole.
    Cursor::from_bytes(format!("{};", parts.collect::<Vec<_>>().join(",")).into_bytes())
}

pub(super) fn places_of(cursor: &Cursor) -> Option<Vec<Option<Place>>> {
    let text = str::from_utf8(cursor.as_bytes()).ok()?.strip_suffix(';')?;
    let places = text.split(',').map(|part| {
        if part == "-" {
            return Some(None);
        }
        let (id, rest) = part.split_once('=')?;
        let (expires_at, mark) = rest.split_once('=')?;
        let expires_at = Timestamp::from_millis(expires_at.parse().ok()?);
        let (time, sequence) = id.split_once('-')?;
        (time.parse::<u64>().is_ok() && sequence.parse::<u64>().is_ok()).then_some(())?;
        Some(Some(Place { id: id.into(), mark: Mark::from_bytes(unhex(mark).ok()?), expires_at }))
    });
    let places: Vec<_> = places.collect::<Option<_>>()?;
    (places.len() == usize::from(PARTITIONS)).then_some(places)
}
