//! The content of a cursor.

use crate::clock::Timestamp;
use crate::store::{Cursor, Mark};

/// Everything that the snapshot `from` saw was read. If there is a snapshot `to`, the reader is within a bounded page:
/// of what `to` saw besides, it has read everything up to the transaction and id `last`.
pub(super) struct Place {
    pub(super) incarnation: String,
    pub(super) from: String,
    pub(super) to: Option<String>,
    pub(super) last: (u64, i64),
    pub(super) mark: Mark,
    pub(super) expires_at: Timestamp,
}

/// The snapshot that saw nothing: transactions of clients begin at 3.
pub(super) const NOTHING: &str = "3:3:";

impl Place {
    pub(super) fn cursor(&self) -> Cursor {
        let Self { incarnation, from, to, last: (transaction, id), mark, expires_at } = self;
        let to = to.as_deref().unwrap_or_default();
        let mark = u128::from_be_bytes(*mark.as_bytes());
        let expires_at = expires_at.millis();
        let text = format!("{incarnation}|{from}|{to}|{transaction}|{id}|{expires_at}|{mark:032x}");
        Cursor::from_bytes(text.into_bytes())
    }

    /// `None` if the cursor is malformed: a server never gets a snapshot that it cannot parse.
    pub(super) fn read(cursor: &Cursor) -> Option<Self> {
        let text = str::from_utf8(cursor.as_bytes()).ok()?;
        let parts: Vec<_> = text.split('|').collect();
        let &[incarnation, from, to, transaction, id, expires_at, mark] = parts.as_slice() else {
            return None;
        };
        let is_uuid = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
        let is_good = incarnation.bytes().all(is_uuid)
            && is_snapshot(from)
            && (to.is_empty() || is_snapshot(to))
            && mark.len() == 32;
        let mark = u128::from_str_radix(mark, 16).ok().filter(|_| is_good)?;
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

/// Whether it is `xmin:xmax:` and the transactions between that were in progress, as PostgreSQL writes them.
fn is_snapshot(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(3, ':').collect();
    let &[xmin, xmax, running] = parts.as_slice() else { return false };
    let (Ok(xmin), Ok(xmax)) = (xmin.parse::<u64>(), xmax.parse::<u64>()) else { return false };
    let running: Option<Vec<u64>> = if running.is_empty() {
        Some(Vec::new())
    } else {
        running.split(',').map(|one| one.parse().ok()).collect()
    };
    // PostgreSQL computes with it as a signed number.
    let is_number = |one: u64| i64::try_from(one).is_ok();
    (1..=xmax).contains(&xmin)
        && is_number(xmax)
        && running.is_some_and(|all| {
            all.is_sorted_by(|one, next| one < next) && all.iter().all(|one| (xmin..xmax).contains(one))
        })
}
