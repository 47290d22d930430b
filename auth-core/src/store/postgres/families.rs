//! Implements [`FamilyStore`].

use std::time::Duration;

use async_trait::async_trait;

use super::PostgresStore;
use super::rows::{answer_of, millis};
use crate::id::{LoginId, Position};
use crate::store::{Family, FamilyStore, GraceStart, LiveLogin, Realm, Rotated, Rotation, StoreError, Timed};

#[async_trait]
impl FamilyStore for PostgresStore {
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Result<Timed<Rotated>, StoreError> {
        let rotate = answer_of!("auth_rotate($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
        let rotate = self
            .call(realm, rotate)
            .bind(rotation.login.as_bytes().as_slice())
            .bind(i64::from(rotation.presented.generation))
            .bind(i32::from(rotation.presented.branch))
            .bind(rotation.secret.as_bytes().as_slice())
            .bind(rotation.successor.as_bytes().as_slice())
            .bind(rotation.nonce.as_slice())
            .bind(millis(rotation.grace))
            .bind(millis(rotation.idle))
            .bind(millis(rotation.retention));
        rotate.row().await?.rotated()
    }

    async fn replace_family(
        &self,
        realm: &Realm,
        id: LoginId,
        expected: &Family,
        new: &Family,
        grace: GraceStart,
        retention: Duration,
    ) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        let replace = answer_of!(
            "auth_replace_family($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
                 $19, $20, $21, $22, $23, $24, $25)"
        );
        let replace = self
            .call(realm, replace)
            .bind(id.as_bytes().as_slice())
            .bind(grace == GraceStart::Now)
            .bind(millis(retention))
            .bind_family(new)
            .bind_family(expected);
        let row = replace.row().await?;
        row.answer(row.live_login()?)
    }

    async fn confirm(&self, realm: &Realm, used: &[(LoginId, Position)]) -> Result<Timed<()>, StoreError> {
        let ids: Vec<_> = used.iter().map(|(login, _)| login.as_bytes().as_slice()).collect();
        let generations: Vec<_> = used.iter().map(|(_, position)| i64::from(position.generation)).collect();
        let branches: Vec<_> = used.iter().map(|(_, position)| i32::from(position.branch)).collect();
        let confirm = self.call(realm, "SELECT * FROM {s}.auth_confirm($1, $2, $3, $4, $5)");
        confirm.bind(ids).bind(generations).bind(branches).row().await?.answer(())
    }
}
