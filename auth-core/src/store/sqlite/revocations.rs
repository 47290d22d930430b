//! Implements [`RevocationStore`].

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::SqliteStore;
use super::entries::{append, entries, entries_as_json};
use super::open::{UNREADABLE, is_readable};
use super::rows::{Columns, bytes, capped, hash_of};
use super::sessions::session_is_live;
use super::step::live;
use super::write_back::write_back;
use crate::clock::Timestamp;
use crate::id::{KeyId, Subject, TokenId};
use crate::store::{
    Cursor, Ids, LogEntry, Logged, Page, Partition, Realm, Reset, RevocationStore, Revoked, Standing,
    StoreError, Timed,
};

#[async_trait]
impl RevocationStore for SqliteStore {
    async fn revoke_token(
        &self,
        realm: &Realm,
        subject: &Subject,
        token: TokenId,
        retention: Duration,
    ) -> Result<Timed<Logged>, StoreError> {
        let mut step = self.write_in(realm).await?;
        let select = "SELECT retention FROM auth_subject \
                      WHERE realm = (SELECT id FROM auth_realm WHERE name = $2) AND subject = $3";
        let record = step.row(step.statement(realm, select).bind(subject.as_str().to_owned())).await?;
        let record = record.map(|row| Columns::of(&row).duration()).transpose()?;
        let expires_at = step.now.after(record.unwrap_or_default().max(retention));
        let logged = append(&mut step, realm, &Revoked::Token(Partition::REALM, token), expires_at).await?;
        step.commit(logged).await
    }

    async fn revoke_key(&self, realm: &Realm, key: &KeyId) -> Result<Timed<Logged>, StoreError> {
        let mut step = self.write_in(realm).await?;
        let logged = append(&mut step, realm, &Revoked::Key(key.clone()), LogEntry::NEVER).await?;
        step.commit(logged).await
    }

    async fn page(
        &self,
        realm: &Realm,
        cursor: &Cursor,
        most: NonZeroU32,
    ) -> Result<Timed<Page>, StoreError> {
        let place = Place::of(cursor);
        let select = concat!(
            "BEGIN; \
            SELECT realm.floor, store.least_reader, store.incarnation, EXISTS (SELECT 1 FROM auth_log AS seen \
                WHERE seen.number = $3 AND seen.realm = realm.id AND seen.mark = $4 AND store.incarnation = $5) \
            FROM auth_realm AS realm, auth_store AS store WHERE realm.name = $2; \
            SELECT (SELECT ",
            entries_as_json!(),
            " FROM (SELECT number, mark, kind, thing, name, value, entry_ends FROM auth_log \
            WHERE realm = (SELECT id FROM auth_realm WHERE name = $2) AND number > coalesce( \
                (SELECT number FROM auth_log AS seen, auth_store AS store \
                 WHERE seen.number = $3 AND seen.realm = (SELECT id FROM auth_realm WHERE name = $2) \
                     AND seen.mark = $4 AND store.incarnation = $5), 0) \
            ORDER BY number LIMIT $6) AS page) FROM auth_realm WHERE name = $2; \
            COMMIT"
        );
        let rows = self.read_in(realm, select, |select, _| {
            select
                .bind(place.number)
                .bind(place.mark.to_vec())
                .bind(place.incarnation.to_vec())
                .bind(i64::from(most.get()) + 1)
        });
        let Timed { value: rows, now } = rows.await?;
        let mut columns = Columns::first(&rows)?;
        let floor = columns.unsigned()?;
        if !is_readable(columns.take()?) {
            return Err(self.shared.file.lose(UNREADABLE));
        }
        let incarnation = columns.bytes()?;
        let is_known = columns.take()?;

        let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
        let mut stored = match rows.get(1) {
            Some(row) => entries(Columns::of(row).take()?)?,
            None => Vec::new(),
        };
        let has_more = stored.len() > most;
        stored.truncate(most);
        let next = match stored.last() {
            Some((number, last)) => {
                let mark = *last.mark.as_bytes();
                Place { incarnation, number: *number, expires_at: last.expires_at, mark }
            }
            None if is_known => Place { incarnation, ..place },
            None => Place { incarnation, ..Place::START },
        };
        let is_served = |entry: &LogEntry| !is_over(entry.expires_at, now);
        let entries = stored.into_iter().map(|(_, entry)| entry).filter(is_served).collect();
        let reset = place.reset(cursor, &incarnation, is_known, now);
        let page = Page { entries, next: next.cursor(), has_more, floor, reset };
        Ok(Timed::new(page, now))
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Result<Timed<Standing>, StoreError> {
        // $6 is the epoch of the claims, $7 the epoch under which the login began.
        let select = concat!(
            "SELECT ($3 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_live WHERE id = $3 AND ",
            live!(),
            ")) OR ($8 AND NOT EXISTS (SELECT 1 FROM auth_session WHERE hash = $4 AND ",
            session_is_live!(),
            ")) OR coalesce(min($6, $7) < realm.floor, FALSE) \
             OR coalesce($7 < record.ended_below AND NOT coalesce($3 = record.spared, FALSE), FALSE) \
             OR EXISTS (SELECT 1 FROM auth_log AS entry WHERE entry.realm = realm.id AND entry.kind = 4 \
                 AND entry.thing = $9 AND entry.entry_ends > $11) \
             OR EXISTS (SELECT 1 FROM auth_log AS entry WHERE entry.realm = realm.id AND entry.kind = 5 \
                 AND entry.name = $10 AND entry.entry_ends > $11), \
             coalesce($6 < record.outdated_below, FALSE) \
             FROM auth_realm AS realm \
             LEFT JOIN auth_subject AS record ON record.realm = realm.id AND record.subject = $5 \
             WHERE realm.name = $2"
        );
        let epoch = ids.subject.map(|(_, epoch)| epoch);
        let begun_under = epoch.map(|epoch| ids.begun_under.unwrap_or(epoch));
        let rows = self.read_in(realm, select, |select, now| {
            select
                .bind(ids.login.map(bytes))
                .bind(ids.session.as_ref().and_then(hash_of))
                .bind(ids.subject.map(|(subject, _)| subject.as_str().to_owned()))
                .bind(epoch.map(capped))
                .bind(begun_under.map(capped))
                .bind(ids.session.is_some())
                .bind(ids.token.map(|token| token.as_bytes().to_vec()))
                .bind(ids.key.map(|key| key.as_str().to_owned()))
                .bind(now.before(LogEntry::MARGIN).millis())
        });
        let rows = rows.await?;
        let mut columns = Columns::first(&rows.value)?;
        let standing = match (columns.take()?, columns.take()?) {
            (true, _) => Standing::Gone,
            (false, true) => Standing::Outdated,
            (false, false) => Standing::Good,
        };
        Ok(Timed::new(standing, rows.now))
    }

    async fn write_back(&self, realm: &Realm, entries: &[LogEntry]) -> Result<Timed<()>, StoreError> {
        let mut step = self.write_in(realm).await?;
        write_back(&mut step, realm, entries).await?;
        step.commit(()).await
    }

    async fn declare_restored(
        &self,
        realm: &Realm,
        instant: Option<Timestamp>,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        let mut step = self.write_in(realm).await?;
        // No login has a higher epoch than the record of its subject, or the floor when it began.
        let raise = "UPDATE auth_realm SET floor = max(floor + 1, $1, $3, \
                         coalesce((SELECT max(epoch) FROM auth_subject WHERE realm = auth_realm.id), 0) + 1) \
                     WHERE name = $2 RETURNING floor";
        let raise = step.statement(realm, raise).bind(instant.map_or(0, Timestamp::millis));
        let floor = Columns::first(&step.rows(raise).await?)?.unsigned()?;
        let logged = append(&mut step, realm, &Revoked::Floor(floor), LogEntry::NEVER).await?;
        step.commit((floor, logged)).await
    }

    fn wake_ups(&self) -> watch::Receiver<u64> {
        self.shared.wake_ups.subscribe()
    }
}

fn is_over(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at <= now.before(LogEntry::MARGIN)
}

/// The content of a cursor: the last entry that was read, or only the incarnation if there was none.
#[derive(Clone, Copy)]
struct Place {
    incarnation: [u8; 16],
    number: i64,
    expires_at: Timestamp,
    mark: [u8; 16],
}

impl Place {
    const START: Self =
        Self { incarnation: [0; 16], number: 0, expires_at: Timestamp::UNIX_EPOCH, mark: [0; 16] };

    /// The place that a cursor names; the start for a malformed one.
    fn of(cursor: &Cursor) -> Self {
        let parts = || {
            let (incarnation, rest) = cursor.as_bytes().split_first_chunk()?;
            let (number, rest) = rest.split_first_chunk()?;
            let (expires_at, mark) = rest.split_first_chunk()?;
            let number = i64::from_be_bytes(*number);
            let expires_at = Timestamp::from_millis(i64::from_be_bytes(*expires_at));
            Some(Self { incarnation: *incarnation, number, expires_at, mark: mark.try_into().ok()? })
        };
        parts().unwrap_or(Self::START)
    }

    fn cursor(&self) -> Cursor {
        let (number, expires_at) = (self.number.to_be_bytes(), self.expires_at.millis().to_be_bytes());
        Cursor::from_bytes([self.incarnation.as_slice(), &number, &expires_at, &self.mark].concat())
    }

    /// Why the page begins at the start of the log; `None` if it continues at the cursor.
    fn reset(
        &self,
        cursor: &Cursor,
        incarnation: &[u8; 16],
        is_known: bool,
        now: Timestamp,
    ) -> Option<Reset> {
        if cursor.is_start() || is_known {
            None
        } else if cursor.as_bytes().len() != self.cursor().as_bytes().len() {
            Some(Reset::Malformed)
        } else if self.incarnation != *incarnation {
            Some(Reset::Incarnation)
        } else if self.number == 0 {
            None
        } else if is_over(self.expires_at, now) {
            Some(Reset::Purged)
        } else {
            Some(Reset::UnknownMark)
        }
    }
}
