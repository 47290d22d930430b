//! The steps: each is one function of `postgres.sql`, in one round trip.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::id::{LoginId, Subject};
use auth_core::store::{
    Created, Cursor, EndedAll, Family, Ids, Limit, LiveLogin, LogEntry, Logged, LoginKind, Mark, NewLogin,
    NewSession, Page, Realm, Reset, Rotated, Rotation, Standing, StoreError, Ticket, Timed,
};
use sqlx::AssertSqlSafe;

use crate::engines::postgres::PostgresEngine;
use crate::engines::postgres::cursor::Place;
use crate::engines::postgres::row::Row;
use crate::engines::sketch::{Answer, Engine, millis, number};

const ANSWER: &str = "SELECT a.outcome, a.now, a.subject_epoch, a.subject_outdated_below, (a.login).* FROM ";

#[async_trait]
impl Engine for PostgresEngine {
    const PARTITIONS: NonZeroU32 = NonZeroU32::MIN;

    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Answer<Ticket> {
        let query = || {
            let query = sqlx::query("SELECT * FROM ticket($1, $2, $3)");
            query.bind(realm.as_str()).bind(subject.as_str()).bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let now = row.now()?;
        Ok(Timed::new(Ticket::new(subject, row.number("epoch")?, now), now))
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Answer<Option<LiveLogin>> {
        let sql = format!("{ANSWER} login($1, $2, $3) a");
        let query = || {
            let query = sqlx::query(AssertSqlSafe(sql.clone()));
            query.bind(realm.as_str()).bind(id.as_bytes().to_vec()).bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let is_live = row.get::<String>("outcome")? == "live";
        let login = is_live.then(|| row.live_login()).transpose()?;
        Ok(Timed::new(login, row.now()?))
    }

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
        mark: Mark,
    ) -> Answer<Created> {
        let sql = "SELECT c.outcome, c.now, c.is_replaced, c.ended, c.marks, c.expiries, (c.login).* FROM create_login($1,
            ROW($2, $3, $4, $5, 0, 0, 0, $6, $7, $8, $9, $10, 0, 0, 0, $11, $12, $13, $14, NULL, $15, NULL, $16,
                $17, $18, $19, $20)::logins,
            $21, $22, $23, $24, ROW(NULL, $25, NULL, $26, 1, $27)::sessions, $28, $29, $30) c";
        let family = login.secret.map(Family::first);
        let family = family.as_ref();
        let query = || {
            sqlx::query(sql)
                .bind(self.shift())
                .bind(login.id.as_bytes().to_vec())
                .bind(realm.as_str())
                .bind(login.subject.as_str())
                .bind(kind_text(login.kind))
                .bind(millis(login.lifetime))
                .bind(millis(login.idle))
                .bind(login.user_agent.as_deref())
                .bind(login.address.as_deref())
                .bind(&*login.claims)
                .bind(millis(login.retention))
                .bind(&*login.extra)
                .bind(family.map(|family| i64::from(family.position.generation)))
                .bind(family.map(|family| i32::from(family.position.branch)))
                .bind(family.map(|family| family.current.as_bytes().to_vec()))
                .bind(family.map(|family| family.nonce.to_vec()))
                .bind(family.map(|family| family.rotated_at.millis()))
                .bind(family.map(|family| family.confirmed))
                .bind(family.map(|family| i64::from(family.shared)))
                .bind(family.map(|family| family.counted))
                .bind(number(ticket.epoch))
                .bind(ticket.issued_at)
                .bind(number(ticket.lifetime))
                .bind(mark.as_bytes().to_vec())
                .bind(session.map(|session| session.key.hash.as_bytes().to_vec()))
                .bind(session.map(|session| session.data.clone()))
                .bind(session.map(|session| millis(session.lifetime)))
                .bind(limit.map(|limit| i64::from(limit.most().get())))
                .bind(matches!(limit, Some(Limit::EvictOldest(_))))
                .bind(login.replaces.map(|old| old.as_bytes().to_vec()))
        };
        let row = self.row(realm, query).await?;
        let created = match &*row.get::<String>("outcome")? {
            "made" => {
                let mut evicted = row.ended()?;
                let is_replaced: bool = row.get("is_replaced")?;
                let replaced = is_replaced.then(|| evicted.remove(0).1);
                Created::Made { login: row.login()?, replaced, evicted }
            }
            "outdated" => Created::Outdated,
            "id_taken" => Created::IdTaken,
            _ => Created::LimitReached,
        };
        Ok(Timed::new(created, row.now()?))
    }

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
        mark: Mark,
    ) -> Answer<EndedAll> {
        let query = || {
            sqlx::query("SELECT * FROM end_all($1, $2, $3, $4, $5, $6)")
                .bind(realm.as_str())
                .bind(subject.as_str())
                .bind(except.map(|id| id.as_bytes().to_vec()))
                .bind(millis(retention))
                .bind(mark.as_bytes().to_vec())
                .bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let ended = EndedAll {
            count: row.number("ended")?,
            epoch: row.number("epoch")?,
            spared: row.id("spared")?,
            logged: Logged { mark, expires_at: row.time("expires_at")? },
        };
        Ok(Timed::new(ended, row.now()?))
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
        mark: Mark,
    ) -> Answer<(u64, Logged)> {
        let query = || {
            sqlx::query("SELECT * FROM claims_changed($1, $2, $3, $4, $5)")
                .bind(realm.as_str())
                .bind(subject.as_str())
                .bind(millis(retention))
                .bind(mark.as_bytes().to_vec())
                .bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let logged = Logged { mark, expires_at: row.time("expires_at")? };
        Ok(Timed::new((row.number("epoch")?, logged), row.now()?))
    }

    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Answer<Rotated> {
        let sql = format!("{ANSWER} rotate($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) a");
        let query = || {
            sqlx::query(AssertSqlSafe(sql.clone()))
                .bind(realm.as_str())
                .bind(rotation.login.as_bytes().to_vec())
                .bind(i64::from(rotation.presented.generation))
                .bind(i32::from(rotation.presented.branch))
                .bind(rotation.secret.as_bytes().to_vec())
                .bind(rotation.successor.as_bytes().to_vec())
                .bind(rotation.nonce.to_vec())
                .bind(millis(rotation.grace))
                .bind(millis(rotation.idle))
                .bind(millis(rotation.retention))
                .bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let rotated = match &*row.get::<String>("outcome")? {
            "rotated" => Rotated::Rotated(row.live_login()?),
            "live" => Rotated::Unchanged(row.live_login()?),
            _ => Rotated::NotLive,
        };
        Ok(Timed::new(rotated, row.now()?))
    }

    async fn page(&self, realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Answer<Page> {
        let place = Place::read(cursor);
        let malformed = (place.is_none() && !cursor.is_start()).then_some(Reset::Malformed);
        let sql = "SELECT p.now, p.floor, p.incarnation, p.reset, p.upto, p.is_latest, (p.entry).*,
                (p.entry).txid::text AS transaction
            FROM page($1, $2, $3::text::pg_snapshot, $4::text::pg_snapshot, $5::text::xid8, $6, $7, $8, $9, $10) p";
        let query = || {
            sqlx::query(sql)
                .bind(realm.as_str())
                .bind(place.as_ref().map(|place| place.incarnation.clone()))
                .bind(place.as_ref().map(|place| place.from.clone()))
                .bind(place.as_ref().and_then(|place| place.to.clone()))
                .bind(place.as_ref().map_or_else(|| "0".into(), |place| place.last.0.to_string()))
                .bind(place.as_ref().map_or(0, |place| place.last.1))
                .bind(place.as_ref().map(|place| place.mark.as_bytes().to_vec()))
                .bind(i64::from(most.get()))
                .bind(millis(LogEntry::MARGIN))
                .bind(self.shift())
        };
        let mut rows: Vec<_> = self.rows(realm, query, |_| true).await?.into_iter().map(Row).collect();
        let first = rows.first().ok_or_else(|| StoreError::new("no row"))?;
        let (now, floor) = (first.now()?, first.number("floor")?);
        let incarnation: String = first.get("incarnation")?;
        let (upto, is_latest): (String, bool) = (first.get("upto")?, first.get("is_latest")?);
        let lost = first.get::<Option<String>>("reset")?.map(|reset| match &*reset {
            "incarnation" => Reset::Incarnation,
            _ if place.as_ref().is_some_and(|place| place.expires_at <= now.before(LogEntry::MARGIN)) => {
                Reset::Purged
            }
            _ => Reset::UnknownMark,
        });
        let reset = malformed.or(lost);
        let place = place.filter(|_| reset.is_none());

        let is_cut = rows.len() > usize::try_from(most.get()).map_err(StoreError::new)?;
        rows.truncate(rows.len() - usize::from(is_cut));
        rows.retain(|row| row.get::<Option<i64>>("id").is_ok_and(|id| id.is_some()));
        let entries = rows.iter().map(Row::entry).collect::<Result<Vec<_>, _>>()?;
        let last = rows.last().map(Row::place).transpose()?.unwrap_or((0, 0));
        let seen = entries.last().map(|entry| (entry.mark, entry.expires_at));
        let seen = seen.or(place.as_ref().map(|place| (place.mark, place.expires_at)));
        let next = seen.map(|(mark, expires_at)| {
            let place = if is_cut {
                let from = place.map_or_else(|| "3:3:".into(), |place| place.from);
                Place { incarnation, from, to: Some(upto), last, mark, expires_at }
            } else {
                Place { incarnation, from: upto, to: None, last: (0, 0), mark, expires_at }
            };
            place.cursor()
        });
        // The end of what an earlier page began with may have been long ago.
        let has_more = is_cut || !is_latest;
        Ok(Timed::new(Page { entries, next: next.unwrap_or_default(), has_more, floor, reset }, now))
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Answer<Standing> {
        let query = || {
            sqlx::query("SELECT * FROM standing($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
                .bind(realm.as_str())
                .bind(ids.login.map(|id| id.as_bytes().to_vec()))
                .bind(ids.session.map(|key| key.hash.as_bytes().to_vec()))
                .bind(ids.subject.map(|(subject, _)| subject.as_str()))
                .bind(ids.subject.map(|(_, epoch)| number(epoch)))
                .bind(ids.begun_under.map(number))
                .bind(ids.token.map(|token| token.as_bytes().to_vec()))
                .bind(ids.key.map(|key| key.as_str().as_bytes().to_vec()))
                .bind(millis(LogEntry::MARGIN))
                .bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let standing = match &*row.get::<String>("standing")? {
            "good" => Standing::Good,
            "outdated" => Standing::Outdated,
            _ => Standing::Gone,
        };
        Ok(Timed::new(standing, row.now()?))
    }
}

fn kind_text(kind: LoginKind) -> &'static str {
    match kind {
        LoginKind::Token => "token",
        LoginKind::Session => "session",
    }
}
