//! Implements [`SessionStore`].

use std::time::Duration;

use async_trait::async_trait;

use super::PostgresStore;
use super::call::statement_time;
use super::rows::{capped, hash_of, live_columns, millis};
use crate::store::{
    LiveLogin, Mark, NewSession, Partition, Realm, Renamed, SecretHash, SessionKey, SessionRow, SessionStore,
    StoreError, Timed,
};

#[async_trait]
impl SessionStore for PostgresStore {
    async fn create_session(&self, realm: &Realm, session: &NewSession) -> Result<Timed<bool>, StoreError> {
        if session.key.partition != Partition::REALM {
            return Err(StoreError::new("the session is in a partition that does not exist"));
        }
        let create = self
            .call(realm, "SELECT * FROM {s}.auth_create_session($1, $2, $3, $4, $5)")
            .bind(session.key.hash.as_bytes().as_slice())
            .bind(session.data.as_slice())
            .bind(millis(session.lifetime));
        let row = create.row().await?;
        row.answer(row.get("is_done")?)
    }

    async fn session(
        &self,
        realm: &Realm,
        key: &SessionKey,
    ) -> Result<Timed<Option<(SessionRow, Option<LiveLogin>)>>, StoreError> {
        let select = concat!(
            "SELECT ",
            statement_time!(),
            " AS now, session.*, live.* FROM {s}.auth_realm AS realm \
             LEFT JOIN LATERAL (SELECT hash, login, data, version, expires_at AS session_ends \
                 FROM {s}.auth_live_session WHERE realm = realm.id AND hash = $3 AND over_at > ",
            statement_time!(),
            ") AS session ON true LEFT JOIN LATERAL (SELECT ",
            live_columns!(),
            " FROM {s}.auth_live WHERE id = session.login) AS live ON true WHERE realm.name = $1"
        );
        let row = self.call(realm, select).bind(hash_of(key)).row().await?;
        row.answer(row.session()?)
    }

    async fn save_session(
        &self,
        realm: &Realm,
        key: &SessionKey,
        data: &[u8],
        expected_version: u64,
        lifetime: Duration,
    ) -> Result<Timed<bool>, StoreError> {
        let save = self
            .call(realm, "SELECT * FROM {s}.auth_save_session($1, $2, $3, $4, $5, $6)")
            .bind(hash_of(key))
            .bind(data)
            .bind(capped(expected_version))
            .bind(millis(lifetime));
        let row = save.row().await?;
        row.answer(row.is_there("new_version")?)
    }

    async fn rename_session(
        &self,
        realm: &Realm,
        old: &SessionKey,
        new: &SecretHash,
        retention: Duration,
    ) -> Result<Timed<Renamed>, StoreError> {
        let mark = Mark::random()?;
        let rename = self
            .call(realm, "SELECT * FROM {s}.auth_rename_session($1, $2, $3, $4, $5, $6)")
            .bind(hash_of(old))
            .bind(new.as_bytes().as_slice())
            .bind(millis(retention))
            .bind(mark.as_bytes().as_slice());
        let row = rename.row().await?;
        self.wake_if(row.is_there("ends")?);
        row.renamed(mark)
    }

    async fn delete_session(&self, realm: &Realm, key: &SessionKey) -> Result<Timed<()>, StoreError> {
        let delete = self.call(realm, "SELECT * FROM {s}.auth_delete_session($1, $2, $3)");
        delete.bind(hash_of(key)).row().await?.answer(())
    }
}
