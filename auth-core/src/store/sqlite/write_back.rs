//! Writing back entries that nodes know and the log lacks: appending them, and applying them to rows and records.

use super::entries::{ALL_ENDED, CLAIMS_CHANGED, FLOOR, LOGIN, RevokedColumns, SESSION};
use super::rows::{Columns, json};
use super::step::Step;
use crate::store::hex::hex;
use crate::store::{LogEntry, Realm, StoreError};

/// The entries that this step appended: their numbers are greater than `$3`.
macro_rules! written {
    () => {
        "FROM auth_log AS entry WHERE number > $3 AND realm = (SELECT id FROM auth_realm WHERE name = $2)"
    };
}

/// Writes entries back, as part of a write in an existing realm.
pub(super) async fn write_back(
    step: &mut Step<'_>,
    realm: &Realm,
    entries: &[LogEntry],
) -> Result<(), StoreError> {
    let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'auth_log'), 0)";
    let last: i64 = Columns::first(&step.rows(step.statement(realm, last)).await?)?.take()?;
    let append = "INSERT INTO auth_log (realm, mark, kind, thing, name, value, entry_ends) \
                  SELECT realm.id, unhex(value ->> 0), value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4, \
                      value ->> 5 \
                  FROM auth_realm AS realm CROSS JOIN json_each($3) AS one WHERE realm.name = $2 ORDER BY one.key \
                  ON CONFLICT (realm, mark) DO NOTHING";
    let append = step.statement(realm, append).bind(json(&rows(entries)?)?);
    if step.run(append).await?.rows_affected() == 0 {
        return Ok(());
    }
    step.note_logged();
    let apply = step
        .statement(realm, APPLY)
        .bind(last)
        .bind(LOGIN)
        .bind(SESSION)
        .bind(ALL_ENDED)
        .bind(CLAIMS_CHANGED)
        .bind(FLOOR);
    step.run(apply).await.map(drop)
}

/// In SQLite, the other columns of a SELECT with `max` come from the row with the maximum. The spared login is the
/// one that the entry or record with the highest epoch names, if it is live and no other entry or record ends it.
const APPLY: &str = concat!(
    "DELETE FROM auth_login WHERE +realm = (SELECT id FROM auth_realm WHERE name = $2) \
         AND id IN (SELECT thing ",
    written!(),
    " AND kind = $4); \
     DELETE FROM auth_session WHERE realm = (SELECT id FROM auth_realm WHERE name = $2) \
         AND hash IN (SELECT thing ",
    written!(),
    " AND kind = $5); \
     INSERT INTO auth_untidy (realm, subject) SELECT DISTINCT realm, name ",
    written!(),
    " AND kind = $6 ON CONFLICT DO NOTHING; \
     INSERT INTO auth_subject (realm, subject, epoch, outdated_below, ended_below, spared, retention) \
     SELECT realm, name, max(value), 0, value, thing, 0 ",
    written!(),
    " AND kind = $6 GROUP BY realm, name \
     ON CONFLICT (realm, subject) DO UPDATE SET epoch = max(epoch, excluded.epoch), \
         spared = (SELECT login.id FROM auth_live AS login \
             WHERE login.id = iif(excluded.ended_below > auth_subject.ended_below, excluded.spared, auth_subject.spared) \
                 AND login.realm = auth_subject.realm AND login.subject = auth_subject.subject AND over_at > $1 \
                 AND NOT EXISTS (SELECT 1 FROM auth_log AS entry \
                     WHERE entry.number > $3 AND entry.realm = login.realm AND entry.kind = $6 \
                         AND entry.name = login.subject AND entry.value > login.begun_under \
                         AND entry.thing IS NOT login.id)), \
         ended_below = max(ended_below, excluded.ended_below); \
     INSERT INTO auth_subject (realm, subject, epoch, outdated_below, ended_below, retention) \
     SELECT realm, name, max(value), value, 0, 0 ",
    written!(),
    " AND kind = $7 GROUP BY realm, name \
     ON CONFLICT (realm, subject) DO UPDATE SET epoch = max(epoch, excluded.epoch), \
         outdated_below = max(outdated_below, excluded.outdated_below); \
     UPDATE auth_realm SET floor = max(floor, coalesce((SELECT max(value) ",
    written!(),
    " AND kind = $8), 0)) WHERE name = $2"
);

type Row<'a> = (String, i64, Option<String>, Option<&'a str>, Option<i64>, i64);

/// The rows of the entries. Entries of a kind that this version does not know are left out.
fn rows(entries: &[LogEntry]) -> Result<Vec<Row<'_>>, StoreError> {
    let known = entries.iter().filter_map(|entry| {
        let columns = RevokedColumns::of(&entry.revoked).transpose()?;
        Some(columns.map(|columns| {
            let mark = hex(entry.mark.as_bytes());
            let thing = columns.thing.map(hex);
            (mark, columns.kind, thing, columns.name, columns.value, entry.expires_at.millis())
        }))
    });
    known.collect()
}
