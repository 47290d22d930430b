//! Implements [`LoginStore`].

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use super::SqliteStore;
use super::creation::{end_each, insert, obstacles, replaced, surplus};
use super::entries::append;
use super::purging::{BELOW_FLOOR, EXPIRED_SESSIONS, OVER_ENTRIES};
use super::rows::{Columns, bytes, json, live_columns, live_login, signed};
use super::step::live;
use crate::id::{LoginId, Subject};
use crate::store::hex::hex;
use crate::store::{
    Created, EndReason, EndedAll, Limit, ListCursor, LiveLogin, Logged, LoginStore, NewLogin, NewSession,
    Realm, Revoked, StoreError, Ticket, Timed, Touch,
};

#[async_trait]
impl LoginStore for SqliteStore {
    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Result<Timed<Ticket>, StoreError> {
        let select = "SELECT max(coalesce(record.epoch, 0), realm.floor) FROM auth_realm AS realm \
                      LEFT JOIN auth_subject AS record ON record.realm = realm.id AND record.subject = $3 \
                      WHERE realm.name = $2";
        let rows = self.read_in(realm, select, |select, _| select.bind(subject.as_str().to_owned())).await?;
        let epoch = Columns::first(&rows.value)?.unsigned()?;
        Ok(Timed::new(Ticket::new(subject, epoch, rows.now), rows.now))
    }

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Result<Timed<Created>, StoreError> {
        let mut step = self.write_in(realm).await?;
        let obstacles = obstacles(&mut step, realm, ticket, login, session).await?;
        if obstacles.is_outdated {
            return step.commit(Created::Outdated).await;
        }
        if obstacles.is_taken {
            return step.commit(Created::IdTaken).await;
        }
        let evicted = match limit {
            Some(limit) => surplus(&mut step, realm, login, limit).await?,
            None => Some(Vec::new()),
        };
        let Some(evicted) = evicted else {
            return step.commit(Created::LimitReached).await;
        };
        let replaced = replaced(&mut step, realm, login).await?;
        end_each(&mut step, realm, replaced.as_slice(), EndReason::Replaced).await?;
        end_each(&mut step, realm, &evicted, EndReason::Evicted).await?;
        let login = login.begun(ticket, step.now);
        insert(&mut step, realm, &login, session).await?;
        let replaced = replaced.map(|(_, logged)| logged);
        step.commit(Created::Made { login, replaced, evicted }).await
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        let mut step = self.read().await?;
        let select = concat!("SELECT ", live_columns!(), " FROM auth_live WHERE id = $3 AND ", live!());
        let row = step.row(step.statement(realm, select).bind(bytes(id))).await?;
        Ok(step.answer(row.map(|row| live_login(&mut Columns::of(&row))).transpose()?))
    }

    async fn list(
        &self,
        realm: &Realm,
        subject: &Subject,
        after: Option<&ListCursor>,
        most: NonZeroU32,
    ) -> Result<Timed<Vec<LiveLogin>>, StoreError> {
        let mut step = self.read().await?;
        let select = concat!(
            "SELECT ",
            live_columns!(),
            " FROM auth_live WHERE subject = $3 AND ",
            live!(),
            " AND (created_at, id) < ($4, $5) ORDER BY created_at DESC, id DESC LIMIT $6"
        );
        let select = step
            .statement(realm, select)
            .bind(subject.as_str().to_owned())
            .bind(after.map_or(i64::MAX, |after| after.created_at.millis()))
            .bind(after.map_or([u8::MAX; 16], |after| *after.id.as_bytes()).to_vec())
            .bind(i64::from(most.get()));
        let rows = step.rows(select).await?;
        let logins = rows.iter().map(|row| live_login(&mut Columns::of(row)));
        Ok(step.answer(logins.collect::<Result<_, _>>()?))
    }

    async fn end(
        &self,
        realm: &Realm,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        retention: Duration,
    ) -> Result<Timed<Option<Logged>>, StoreError> {
        let mut step = self.write().await?;
        let delete = concat!(
            "DELETE FROM auth_login WHERE id = (SELECT id FROM auth_live WHERE id = $3 AND subject = $4 AND ",
            live!(),
            ") RETURNING retention"
        );
        let delete = step.statement(realm, delete).bind(bytes(id)).bind(subject.as_str().to_owned());
        let Some(row) = step.row(delete).await? else {
            return step.commit(None).await;
        };
        let expires_at = step.now.after(Columns::of(&row).duration()?.max(retention));
        let logged = append(&mut step, realm, &Revoked::Login(id, reason), expires_at).await?;
        step.commit(Some(logged)).await
    }

    /// `count` is read just before the write and without the write lock, because the time it takes grows with the
    /// number of logins. It is inexact if a login begins or ends in between. Which logins end does not depend on it.
    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
    ) -> Result<Timed<EndedAll>, StoreError> {
        let mut step = self.read().await?;
        let count =
            concat!("SELECT count(*) FROM auth_live WHERE subject = $3 AND id IS NOT $4 AND ", live!());
        let count = step.statement(realm, count).bind(subject.as_str().to_owned()).bind(except.map(bytes));
        let count = Columns::first(&step.rows(count).await?)?.unsigned()?;
        drop(step);
        let mut step = self.write_in(realm).await?;
        let raise = concat!(
            "INSERT INTO auth_untidy (realm, subject) SELECT id, $3 FROM auth_realm \
             WHERE name = $2 AND EXISTS \
                 (SELECT 1 FROM auth_login WHERE auth_login.realm = auth_realm.id AND auth_login.subject = $3) \
             ON CONFLICT DO NOTHING; \
             INSERT INTO auth_subject (realm, subject, epoch, outdated_below, ended_below, spared, retention) \
             SELECT id, $3, max(floor + 1, $1), floor, max(floor + 1, $1), \
                 (SELECT id FROM auth_live WHERE id = $4 AND subject = $3 AND ",
            live!(),
            "), 0 FROM auth_realm WHERE name = $2 \
             ON CONFLICT (realm, subject) DO UPDATE SET epoch = max(epoch + 1, excluded.epoch), \
                 ended_below = max(epoch + 1, excluded.epoch), spared = excluded.spared \
             RETURNING epoch, spared, retention"
        );
        let raise = step.statement(realm, raise).bind(subject.as_str().to_owned()).bind(except.map(bytes));
        let row = step.rows(raise).await?;
        let mut columns = Columns::first(&row)?;
        let epoch = columns.unsigned()?;
        let spared = columns.optional_bytes()?.map(LoginId::from_bytes);
        let expires_at = step.now.after(retention.max(columns.duration()?));
        let revoked = Revoked::AllEnded { subject: subject.clone(), below: epoch, spared };
        let logged = append(&mut step, realm, &revoked, expires_at).await?;
        step.commit(EndedAll { count, epoch, spared, logged }).await
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        let mut step = self.write_in(realm).await?;
        let raise = "INSERT INTO auth_subject (realm, subject, epoch, outdated_below, ended_below, retention) \
                     SELECT id, $3, max(floor + 1, $1), max(floor + 1, $1), floor, 0 FROM auth_realm WHERE name = $2 \
                     ON CONFLICT (realm, subject) DO UPDATE SET epoch = max(epoch + 1, excluded.epoch), \
                         outdated_below = max(epoch + 1, excluded.epoch) \
                     RETURNING epoch, retention";
        let row = step.rows(step.statement(realm, raise).bind(subject.as_str().to_owned())).await?;
        let mut columns = Columns::first(&row)?;
        let epoch = columns.unsigned()?;
        let expires_at = step.now.after(retention.max(columns.duration()?));
        let revoked = Revoked::ClaimsChanged { subject: subject.clone(), below: epoch };
        let logged = append(&mut step, realm, &revoked, expires_at).await?;
        step.commit((epoch, logged)).await
    }

    async fn save_claims(
        &self,
        realm: &Realm,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
    ) -> Result<Timed<bool>, StoreError> {
        let mut step = self.write().await?;
        let update = concat!(
            "UPDATE auth_login SET claims = $4, epoch = $5, claims_loaded_at = $1 \
             WHERE id = (SELECT id FROM auth_live WHERE id = $3 AND ",
            live!(),
            ") AND epoch <= $5"
        );
        let update = step.statement(realm, update).bind(bytes(id)).bind(claims.to_vec()).bind(signed(epoch)?);
        let is_saved = step.run(update).await?.rows_affected() > 0;
        step.commit(is_saved).await
    }

    async fn touch(&self, realm: &Realm, touches: &[Touch]) -> Result<Timed<()>, StoreError> {
        let mut step = self.write().await?;
        let list: Vec<_> = touches
            .iter()
            .map(|touch| {
                let seen_at = step.now.before(touch.ago);
                (hex(touch.login.as_bytes()), seen_at.millis(), seen_at.after(touch.idle).millis())
            })
            .collect();
        // Grouped, because an UPDATE uses an arbitrary one of several source rows for the same row.
        let update = concat!(
            "UPDATE auth_login SET last_seen_at = max(last_seen_at, used.seen_at), \
                 idle_expires_at = max(auth_login.idle_expires_at, min(used.idle_expires_at, expires_at)) \
             FROM (SELECT unhex(value ->> 0) AS login, max(value ->> 1) AS seen_at, \
                       max(value ->> 2) AS idle_expires_at \
                   FROM json_each($3) GROUP BY 1) AS used \
             WHERE auth_login.id = used.login \
                 AND EXISTS (SELECT 1 FROM auth_live WHERE auth_live.id = auth_login.id AND ",
            live!(),
            ")"
        );
        step.run(step.statement(realm, update).bind(json(&list)?)).await?;
        step.commit(()).await
    }

    async fn purge(&self) -> Result<Timed<u64>, StoreError> {
        let expired = self.delete_expired().await?;
        let (below, _) = self.delete_all(BELOW_FLOOR).await?;
        let ended = self.tidy().await?;
        self.delete_all(EXPIRED_SESSIONS).await?;
        let (_, now) = self.delete_all(OVER_ENTRIES).await?;
        Ok(Timed::new(expired + below + ended, now))
    }
}
