//! Implements [`LoginStore`].

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use super::PostgresStore;
use super::call::statement_time;
use super::rows::{capped, hash_of, kind_code, live_columns, millis, signed, stored};
use crate::id::{LoginId, Subject};
use crate::store::{
    Created, EndReason, EndedAll, Limit, ListCursor, LiveLogin, Logged, LoginStore, Mark, NewLogin,
    NewSession, Partition, Realm, StoreError, Ticket, Timed, Touch,
};

#[async_trait]
impl LoginStore for PostgresStore {
    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Result<Timed<Ticket>, StoreError> {
        let select = concat!(
            "SELECT ",
            statement_time!(),
            " AS now, greatest(record.epoch, realm.floor) AS epoch FROM {s}.auth_realm AS realm \
             LEFT JOIN {s}.auth_subject AS record ON record.realm = realm.id AND record.subject = $3 \
             WHERE realm.name = $1"
        );
        self.call(realm, select).bind(subject.as_str()).row().await?.ticket(subject)
    }

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Result<Timed<Created>, StoreError> {
        if session.is_some_and(|session| session.key.partition != Partition::REALM) {
            return Err(StoreError::new("the session is in a partition that does not exist"));
        }
        let login = NewLogin {
            lifetime: stored(login.lifetime),
            idle: stored(login.idle),
            retention: stored(login.retention),
            ..login.clone()
        };
        let create = "SELECT * FROM {s}.auth_create($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
                          $15, $16, $17, $18, $19, $20, $21, $22, $23)";
        let create = self
            .call(realm, create)
            .bind(capped(ticket.epoch))
            .bind(ticket.issued_at)
            .bind(capped(ticket.lifetime))
            .bind(login.id.as_bytes().as_slice())
            .bind(login.subject.as_str())
            .bind(kind_code(login.kind))
            .bind(millis(login.lifetime))
            .bind(millis(login.idle))
            .bind(millis(login.retention))
            .bind(login.user_agent.as_deref())
            .bind(login.address.as_deref())
            .bind(login.claims.as_slice())
            .bind(login.secret.as_ref().map(|secret| secret.as_bytes().as_slice()))
            .bind(login.extra.as_slice())
            .bind(login.replaces.as_ref().map(|old| old.as_bytes().as_slice()))
            .bind(session.and_then(|session| hash_of(&session.key)))
            .bind(session.map(|session| session.data.as_slice()))
            .bind(session.map(|session| millis(session.lifetime)))
            .bind(limit.map(|limit| i64::from(limit.most().get())))
            .bind(matches!(limit, Some(Limit::EvictOldest(_))))
            .bind(Mark::random()?.as_bytes().as_slice());
        let row = create.row().await?;
        self.wake_if(row.is_there("ended")?);
        row.created(&login, ticket)
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        let select = concat!(
            "SELECT ",
            statement_time!(),
            " AS now, live.* FROM {s}.auth_realm AS realm LEFT JOIN LATERAL (SELECT ",
            live_columns!(),
            " FROM {s}.auth_live WHERE id = $3 AND realm = realm.id AND over_at > ",
            statement_time!(),
            ") AS live ON true WHERE realm.name = $1"
        );
        let row = self.call(realm, select).bind(id.as_bytes().as_slice()).row().await?;
        row.answer(row.live_login()?)
    }

    async fn list(
        &self,
        realm: &Realm,
        subject: &Subject,
        after: Option<&ListCursor>,
        most: NonZeroU32,
    ) -> Result<Timed<Vec<LiveLogin>>, StoreError> {
        let select = concat!(
            "SELECT ",
            statement_time!(),
            " AS now, live.* FROM {s}.auth_realm AS realm LEFT JOIN LATERAL (SELECT ",
            live_columns!(),
            " FROM {s}.auth_live WHERE realm = realm.id AND subject = $3 AND over_at > ",
            statement_time!(),
            " AND (created_at, id) < ($4, $5) ORDER BY created_at DESC, id DESC LIMIT $6) AS live ON true \
             WHERE realm.name = $1 ORDER BY live.created_at DESC, live.id DESC"
        );
        let select = self
            .call(realm, select)
            .bind(subject.as_str())
            .bind(after.map_or(i64::MAX, |after| after.created_at.millis()))
            .bind(after.map_or([u8::MAX; 16], |after| *after.id.as_bytes()).as_slice())
            .bind(i64::from(most.get()));
        let rows = select.rows().await?;
        let logins = rows.iter().filter_map(|row| row.live_login().transpose());
        let logins = logins.collect::<Result<Vec<_>, _>>()?;
        let first = rows.first().ok_or_else(|| StoreError::new("a list returned no row"))?;
        first.answer(logins)
    }

    async fn end(
        &self,
        realm: &Realm,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        retention: Duration,
    ) -> Result<Timed<Option<Logged>>, StoreError> {
        let mark = Mark::random()?;
        let end = self
            .call(realm, "SELECT * FROM {s}.auth_end($1, $2, $3, $4, $5, $6, $7)")
            .bind(subject.as_str())
            .bind(id.as_bytes().as_slice())
            .bind(i64::from(reason.code()))
            .bind(millis(retention))
            .bind(mark.as_bytes().as_slice());
        let row = end.row().await?;
        self.wake_if(row.is_there("ends")?);
        row.ended(mark)
    }

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
    ) -> Result<Timed<EndedAll>, StoreError> {
        let mark = Mark::random()?;
        let end = self
            .call(realm, "SELECT * FROM {s}.auth_end_all($1, $2, $3, $4, $5, $6)")
            .bind(subject.as_str())
            .bind(except.as_ref().map(|id| id.as_bytes().as_slice()))
            .bind(millis(retention))
            .bind(mark.as_bytes().as_slice());
        let row = end.row().await?;
        self.shared.wake_ups.wake();
        row.ended_all(mark)
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        let mark = Mark::random()?;
        let change = self
            .call(realm, "SELECT * FROM {s}.auth_claims_changed($1, $2, $3, $4, $5)")
            .bind(subject.as_str())
            .bind(millis(retention))
            .bind(mark.as_bytes().as_slice());
        let row = change.row().await?;
        self.shared.wake_ups.wake();
        row.answer((row.number("new_epoch")?, row.logged(mark)?))
    }

    async fn save_claims(
        &self,
        realm: &Realm,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
    ) -> Result<Timed<bool>, StoreError> {
        let save = self
            .call(realm, "SELECT * FROM {s}.auth_save_claims($1, $2, $3, $4, $5)")
            .bind(id.as_bytes().as_slice())
            .bind(claims)
            .bind(signed(epoch)?);
        let row = save.row().await?;
        row.answer(row.get("is_done")?)
    }

    async fn touch(&self, realm: &Realm, touches: &[Touch]) -> Result<Timed<()>, StoreError> {
        let ids: Vec<_> = touches.iter().map(|touch| touch.login.as_bytes().as_slice()).collect();
        let agos: Vec<_> = touches.iter().map(|touch| millis(touch.ago)).collect();
        let idles: Vec<_> = touches.iter().map(|touch| millis(touch.idle)).collect();
        let touch = self.call(realm, "SELECT * FROM {s}.auth_touch($1, $2, $3, $4, $5)");
        touch.bind(ids).bind(agos).bind(idles).row().await?.answer(())
    }

    async fn purge(&self) -> Result<Timed<u64>, StoreError> {
        self.purge_all().await
    }
}
