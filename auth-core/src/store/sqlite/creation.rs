//! The parts of creating a login under a limit. All conditions are checked before the first row changes.

use sqlx::sqlite::SqliteRow;

use super::entries::{LOGIN, reason_code};
use super::rows::{Columns, bind_login, bytes, capped, hash_of, json, millis};
use super::sessions::insert_session;
use super::step::{Step, live};
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::store::hex::hex;
use crate::store::{
    EndReason, Limit, Logged, LoginRow, Mark, NewLogin, NewSession, Realm, StoreError, Ticket,
};

/// Whether there are reasons to refuse a new login.
pub(super) struct Obstacles {
    pub(super) is_outdated: bool,
    pub(super) is_taken: bool,
}

pub(super) async fn obstacles(
    step: &mut Step<'_>,
    realm: &Realm,
    ticket: &Ticket,
    login: &NewLogin,
    session: Option<&NewSession>,
) -> Result<Obstacles, StoreError> {
    let select = "SELECT max(coalesce(record.epoch, 0), realm.floor) <> $4, \
                         EXISTS (SELECT 1 FROM auth_login WHERE id = $5) \
                         OR EXISTS (SELECT 1 FROM auth_session WHERE auth_session.realm = realm.id AND hash = $6) \
                  FROM auth_realm AS realm \
                  LEFT JOIN auth_subject AS record ON record.realm = realm.id AND record.subject = $3 \
                  WHERE realm.name = $2";
    let select = step
        .statement(realm, select)
        .bind(login.subject.as_str().to_owned())
        .bind(capped(ticket.epoch))
        .bind(bytes(login.id))
        .bind(session.and_then(|session| hash_of(&session.key)));
    let row = step.row(select).await?.ok_or_else(|| StoreError::new("the row of the realm is missing"))?;
    let mut columns = Columns::of(&row);
    let is_outdated = columns.take::<bool>()? || ticket.is_expired(step.now);
    Ok(Obstacles { is_outdated, is_taken: columns.take()? })
}

/// The live logins that must end so that a new one can begin, oldest first; `None` when the new one is refused.
pub(super) async fn surplus(
    step: &mut Step<'_>,
    realm: &Realm,
    login: &NewLogin,
    limit: Limit,
) -> Result<Option<Vec<(LoginId, Logged)>>, StoreError> {
    let select = concat!(
        "SELECT id, retention FROM auth_live WHERE subject = $3 AND id IS NOT $4 AND ",
        live!(),
        " ORDER BY created_at, id"
    );
    let select = step.statement(realm, select).bind(login.subject.as_str().to_owned());
    let live = step.rows(select.bind(login.replaces.map(bytes))).await?;
    let Some(surplus) = limit.surplus(live.len()) else { return Ok(None) };
    let now = step.now;
    live.iter().take(surplus).map(|row| to_end(row, login, now)).collect::<Result<_, _>>().map(Some)
}

/// The live login of the subject that the new one replaces.
pub(super) async fn replaced(
    step: &mut Step<'_>,
    realm: &Realm,
    login: &NewLogin,
) -> Result<Option<(LoginId, Logged)>, StoreError> {
    let Some(old) = login.replaces else { return Ok(None) };
    let select = concat!("SELECT id, retention FROM auth_live WHERE id = $4 AND subject = $3 AND ", live!());
    let select = step.statement(realm, select).bind(login.subject.as_str().to_owned()).bind(bytes(old));
    step.row(select).await?.map(|row| to_end(&row, login, step.now)).transpose()
}

/// A login (id, retention) that ends now because of a new one.
fn to_end(row: &SqliteRow, new: &NewLogin, now: Timestamp) -> Result<(LoginId, Logged), StoreError> {
    let mut columns = Columns::of(row);
    let login = columns.login_id()?;
    let mark = Mark::random()?;
    let expires_at = now.after(columns.duration()?.max(new.retention));
    Ok((login, Logged { mark, expires_at }))
}

/// Ends live logins, and appends an entry for each.
pub(super) async fn end_each(
    step: &mut Step<'_>,
    realm: &Realm,
    ended: &[(LoginId, Logged)],
    reason: EndReason,
) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = ended
        .iter()
        .map(|(login, logged)| {
            (hex(login.as_bytes()), hex(logged.mark.as_bytes()), logged.expires_at.millis())
        })
        .collect();
    let end = "INSERT INTO auth_log (realm, mark, kind, thing, value, entry_ends) \
               SELECT realm.id, unhex(value ->> 1), $4, unhex(value ->> 0), $5, value ->> 2 \
               FROM auth_realm AS realm CROSS JOIN json_each($3) AS one WHERE realm.name = $2 ORDER BY one.key; \
               DELETE FROM auth_login WHERE id IN (SELECT unhex(value ->> 0) FROM json_each($3))";
    let end = step.statement(realm, end).bind(json(&list)?).bind(LOGIN).bind(reason_code(reason));
    step.note_logged();
    step.run(end).await.map(drop)
}

/// Adds the login, and the session that carries it. Creates the subject's record, or raises its retention.
pub(super) async fn insert(
    step: &mut Step<'_>,
    realm: &Realm,
    login: &LoginRow,
    session: Option<&NewSession>,
) -> Result<(), StoreError> {
    let record = "INSERT INTO auth_subject (realm, subject, epoch, outdated_below, ended_below, retention) \
                  SELECT id, $3, floor, floor, floor, $4 FROM auth_realm WHERE name = $2 \
                  ON CONFLICT (realm, subject) DO UPDATE SET retention = excluded.retention \
                      WHERE retention < excluded.retention";
    let record =
        step.statement(realm, record).bind(login.subject.as_str().to_owned()).bind(millis(login.retention));
    step.run(record).await?;
    let insert = "INSERT INTO auth_login (realm, id, subject, kind, created_at, last_seen_at, authenticated_at, \
                      expires_at, idle_expires_at, user_agent, address, claims, begun_under, epoch, \
                      claims_loaded_at, retention, extra, generation, branch, previous_branch, current, previous, \
                      nonce, rotated_at, confirmed, shared, counted, look_at) \
                  SELECT id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
                      $22, $23, $24, $25, $26, $27, $28, min($9, $10) \
                  FROM auth_realm WHERE name = $2";
    let insert = bind_login(step.statement(realm, insert), login)?;
    step.run(insert).await?;
    match session {
        Some(session) if !insert_session(step, realm, session, Some(login.id)).await? => {
            Err(StoreError::new(
                "the session hash is taken, although it was free earlier in the same transaction",
            ))
        }
        _ => Ok(()),
    }
}
