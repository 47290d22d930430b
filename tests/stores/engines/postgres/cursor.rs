//! What a cursor says of PostgreSQL.

use auth_core::clock::Timestamp;
use auth_core::store::{Cursor, Mark};

/// What a cursor says: all that the snapshot `from` saw was read, and of what `to` saw besides, all up to
/// the transaction and id of `last`.
pub(super) struct Place {
    pub(super) incarnation: String,
    pub(super) from: String,
    pub(super) to: Option<String>,
    pub(super) last: (u64, i64),
    pub(super) mark: Mark,
    pub(super) expires_at: Timestamp,
}

impl Place {
    pub(super) fn cursor(&self) -> Cursor {
        let Self { incarnation, from, to, last: (transaction, id), mark, expires_at } = self;
        let to = to.as_deref().unwrap_or_default();
        let mark = u128::from_be_bytes(*mark.as_bytes());
        let (mark, expires_at) = (format!("{mark:032x}"), expires_at.millis());
        let text = format!("{incarnation}|{from}|{to}|{transaction}|{id}|{expires_at}|{mark}");
        Cursor::from_bytes(text.into_bytes())
    }

    pub(super) fn read(cursor: &Cursor) -> Option<Self> {
        let text = str::from_utf8(cursor.as_bytes()).ok()?;
        let parts: Vec<_> = text.split('|').collect();
        let [incarnation, from, to, transaction, id, expires_at, mark] = parts[..] else { return None };
        let mark = (mark.len() == 32).then(|| u128::from_str_radix(mark, 16).ok())??;
        is_snapshot(from).then_some(())?;
        (to.is_empty() || is_snapshot(to)).then_some(())?;
        Some(Self {
            incarnation: incarnation.to_owned(),
            from: from.to_owned(),
            to: (!to.is_empty()).then(|| to.to_owned()),
            last: (transaction.parse().ok()?, id.parse().ok()?),
            mark: Mark::from_bytes(mark.to_be_bytes()),
            expires_at: Timestamp::from_millis(expires_at.parse().ok()?),
        })
    }
}

/// Whether the server can read it: `xmin:xmax:` and the transactions between that were in progress.
fn is_snapshot(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(3, ':').collect();
    let [xmin, xmax, running] = parts[..] else { return false };
    let (Ok(xmin), Ok(xmax)) = (xmin.parse::<u64>(), xmax.parse::<u64>()) else { return false };
    let running: Option<Vec<u64>> = if running.is_empty() {
        Some(Vec::new())
    } else {
        running.split(',').map(|one| one.parse().ok()).collect()
    };
    (1..=xmax).contains(&xmin)
        && running.is_some_and(|all| all.is_sorted() && all.iter().all(|one| (xmin..xmax).contains(one)))
}
