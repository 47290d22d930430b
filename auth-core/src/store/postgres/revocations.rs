//! Implements [`RevocationStore`].

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::PostgresStore;
use super::call::statement_time;
use super::cursor::{NOTHING, Place};
use super::entries::Columns;
use super::rows::{Row, capped, hash_of, millis};
use super::schema::{UNREADABLE, is_readable};
use crate::clock::Timestamp;
use crate::id::{KeyId, Subject, TokenId};
use crate::store::{
    Cursor, Ids, LogEntry, Logged, Mark, Page, Realm, Reset, RevocationStore, Standing, StoreError, Timed,
};

#[async_trait]
impl RevocationStore for PostgresStore {
    async fn revoke_token(
        &self,
        realm: &Realm,
        subject: &Subject,
        token: TokenId,
        retention: Duration,
    ) -> Result<Timed<Logged>, StoreError> {
        let mark = Mark::random()?;
        let revoke = self
            .call(realm, "SELECT * FROM {s}.auth_revoke_token($1, $2, $3, $4, $5, $6)")
            .bind(subject.as_str())
            .bind(token.as_bytes().as_slice())
            .bind(millis(retention))
            .bind(mark.as_bytes().as_slice());
        let row = revoke.row().await?;
        self.shared.wake_ups.wake();
        row.answer(row.logged(mark)?)
    }

    async fn revoke_key(&self, realm: &Realm, key: &KeyId) -> Result<Timed<Logged>, StoreError> {
        let mark = Mark::random()?;
        let revoke = self
            .call(realm, "SELECT * FROM {s}.auth_revoke_key($1, $2, $3, $4, $5)")
            .bind(key.as_str().as_bytes())
            .bind(LogEntry::NEVER.millis())
            .bind(mark.as_bytes().as_slice());
        let row = revoke.row().await?;
        self.shared.wake_ups.wake();
        row.answer(Logged { mark, expires_at: LogEntry::NEVER })
    }

    async fn page(
        &self,
        realm: &Realm,
        cursor: &Cursor,
        most: NonZeroU32,
    ) -> Result<Timed<Page>, StoreError> {
        let place = Place::read(cursor);
        let select = "SELECT now, floor, least_reader, incarnation, reset, upto, is_latest, txid::text AS transaction, \
                          id, mark, kind, thing, subject, value, entry_ends \
                      FROM {s}.auth_page($1, $2, $3, $4::text::pg_snapshot, $5::text::pg_snapshot, $6::text::xid8, \
                          $7, $8, $9, $10)";
        let of_place = place.as_ref();
        let select = self
            .call(realm, select)
            .bind(of_place.map(|place| place.incarnation.as_str()))
            .bind(of_place.map(|place| place.from.as_str()))
            .bind(of_place.and_then(|place| place.to.as_deref()))
            .bind(of_place.map_or_else(|| "0".to_owned(), |place| place.last.0.to_string()))
            .bind(of_place.map_or(0, |place| place.last.1))
            .bind(of_place.map(|place| place.mark.as_bytes().as_slice()))
            .bind(i64::from(most.get()))
            .bind(millis(LogEntry::MARGIN));
        let rows = select.rows().await?;
        let first = rows.first().ok_or_else(|| StoreError::new("a page returned no row"))?;
        if !is_readable(first.get("least_reader")?) {
            self.shared.is_too_old.store(true, Ordering::Relaxed);
            return Err(StoreError::new(UNREADABLE));
        }
        let is_malformed = place.is_none() && !cursor.is_start();
        let reset = if is_malformed { Some(Reset::Malformed) } else { reset(first, place.as_ref())? };
        first.answer(page(&rows, first, place.filter(|_| reset.is_none()), most, reset)?)
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Result<Timed<Standing>, StoreError> {
        // $6 is the epoch of the claims, $7 the epoch under which the login began.
        let select = concat!(
            "SELECT ",
            statement_time!(),
            " AS now, pg_is_in_recovery() AS is_standby, \
             ($3 IS NOT NULL AND NOT EXISTS (SELECT FROM {s}.auth_live AS live \
                 WHERE live.id = $3 AND live.realm = realm.id AND live.over_at > ",
            statement_time!(),
            ")) OR ($8 AND NOT EXISTS (SELECT FROM {s}.auth_live_session AS live \
                 WHERE live.realm = realm.id AND live.hash = $4 AND live.over_at > ",
            statement_time!(),
            ")) OR coalesce(least($6, $7) < realm.floor, false) \
             OR coalesce($7 < record.ended_below AND NOT coalesce($3 = record.spared, false), false) \
             OR EXISTS (SELECT FROM {s}.auth_log AS entry WHERE entry.realm = realm.id AND entry.kind = 4 \
                 AND entry.thing = $9 AND entry.entry_ends > ",
            statement_time!(),
            " - $11) OR EXISTS (SELECT FROM {s}.auth_log AS entry WHERE entry.realm = realm.id AND entry.kind = 5 \
                 AND entry.thing = $10) AS is_gone, \
             coalesce($6 < record.outdated_below, false) AS is_outdated \
             FROM {s}.auth_realm AS realm \
             LEFT JOIN {s}.auth_subject AS record ON record.realm = realm.id AND record.subject = $5 \
             WHERE realm.name = $1"
        );
        let epoch = ids.subject.map(|(_, epoch)| epoch);
        let begun_under = epoch.map(|epoch| ids.begun_under.unwrap_or(epoch));
        let select = self
            .call(realm, select)
            .bind(ids.login.as_ref().map(|id| id.as_bytes().as_slice()))
            .bind(ids.session.as_ref().and_then(hash_of))
            .bind(ids.subject.map(|(subject, _)| subject.as_str()))
            .bind(epoch.map(capped))
            .bind(begun_under.map(capped))
            .bind(ids.session.is_some())
            .bind(ids.token.as_ref().map(|token| token.as_bytes().as_slice()))
            .bind(ids.key.map(|key| key.as_str().as_bytes()))
            .bind(millis(LogEntry::MARGIN));
        let row = select.row().await?;
        if row.get("is_standby")? {
            return Err(StoreError::new("a standby does not know what is revoked"));
        }
        let standing = match (row.get("is_gone")?, row.get("is_outdated")?) {
            (true, _) => Standing::Gone,
            (false, true) => Standing::Outdated,
            (false, false) => Standing::Good,
        };
        row.answer(standing)
    }

    async fn write_back(&self, realm: &Realm, entries: &[LogEntry]) -> Result<Timed<()>, StoreError> {
        let columns = Columns::of(entries)?;
        let write = self
            .call(realm, "SELECT * FROM {s}.auth_write_back($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(columns.marks)
            .bind(columns.kinds)
            .bind(columns.things)
            .bind(columns.subjects)
            .bind(columns.values)
            .bind(columns.ends);
        let row = write.row().await?;
        self.wake_if(row.number("appended")? > 0);
        row.answer(())
    }

    async fn declare_restored(
        &self,
        realm: &Realm,
        instant: Option<Timestamp>,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        let mark = Mark::random()?;
        let declare = self
            .call(realm, "SELECT * FROM {s}.auth_declare_restored($1, $2, $3, $4, $5)")
            .bind(instant.map_or(0, Timestamp::millis))
            .bind(LogEntry::NEVER.millis())
            .bind(mark.as_bytes().as_slice());
        let row = declare.row().await?;
        self.shared.wake_ups.wake();
        row.answer((row.number("new_floor")?, Logged { mark, expires_at: LogEntry::NEVER }))
    }

    fn wake_ups(&self) -> watch::Receiver<u64> {
        self.shared.wake_ups.subscribe()
    }
}

/// Why the page begins at the start of the log although the cursor, which names this place, did not.
fn reset(row: &Row, place: Option<&Place>) -> Result<Option<Reset>, StoreError> {
    let now = row.time("now")?;
    let was_over = place.is_some_and(|place| place.expires_at <= now.before(LogEntry::MARGIN));
    Ok(row.get::<Option<&str>>("reset")?.map(|reset| match reset {
        "incarnation" => Reset::Incarnation,
        _ if was_over => Reset::Purged,
        _ => Reset::UnknownMark,
    }))
}

/// The page in these rows, after a place; `None` if it begins at the start of the log.
fn page(
    rows: &[Row],
    first: &Row,
    place: Option<Place>,
    most: NonZeroU32,
    reset: Option<Reset>,
) -> Result<Page, StoreError> {
    let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
    let is_cut = rows.len() > most;
    // Without entries there is one row, which has none.
    let with_entry = rows.iter().take(most).filter(|row| row.is_there("id").unwrap_or(true));
    let mut entries = Vec::with_capacity(rows.len());
    let mut last = (0, 0);
    for row in with_entry {
        let transaction: &str = row.get("transaction")?;
        last = (transaction.parse().map_err(StoreError::new)?, row.get("id")?);
        entries.push(row.entry()?);
    }
    let incarnation = first.get("incarnation")?;
    let (upto, is_latest): (String, bool) = (first.get("upto")?, first.get("is_latest")?);
    let seen = entries.last().map(|entry| (entry.mark, entry.expires_at));
    let seen = seen.or(place.as_ref().map(|place| (place.mark, place.expires_at)));
    let next = seen.map(|(mark, expires_at)| {
        if is_cut {
            let from = place.map_or_else(|| NOTHING.to_owned(), |place| place.from);
            Place { incarnation, from, to: Some(upto), last, mark, expires_at }
        } else {
            Place { incarnation, from: upto, to: None, last: (0, 0), mark, expires_at }
        }
    });
    // The snapshot with which an earlier page began may be old.
    let has_more = is_cut || !is_latest;
    let next = next.map_or_else(Cursor::start, |next| next.cursor());
    Ok(Page { entries, next, has_more, floor: first.number("floor")?, reset })
}
