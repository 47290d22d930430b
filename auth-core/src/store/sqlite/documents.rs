//! Implements [`DocumentStore`].

use async_trait::async_trait;

use super::SqliteStore;
use super::rows::{Columns, capped};
use crate::store::{Document, DocumentStore, Realm, StoreError, Timed};

const MOST_BYTES: usize = 64 * 1024;

#[async_trait]
impl DocumentStore for SqliteStore {
    async fn document(&self, realm: &Realm, name: &str) -> Result<Timed<Option<Document>>, StoreError> {
        let mut step = self.read().await?;
        let select = "SELECT version, bytes FROM auth_document \
                      WHERE realm = (SELECT id FROM auth_realm WHERE name = $2) AND name = $3";
        let row = step.row(step.statement(realm, select).bind(name.to_owned())).await?;
        let document = row.map(|row| {
            let mut columns = Columns::of(&row);
            Ok::<_, StoreError>(Document { version: columns.unsigned()?, bytes: columns.take()? })
        });
        Ok(step.answer(document.transpose()?))
    }

    async fn save_document(
        &self,
        realm: &Realm,
        name: &str,
        expected: u64,
        bytes: &[u8],
    ) -> Result<Timed<bool>, StoreError> {
        if bytes.len() > MOST_BYTES {
            return Err(StoreError::new("the document is larger than 64 KiB"));
        }
        let mut step = self.write_in(realm).await?;
        let save = if expected == 0 {
            "INSERT INTO auth_document (realm, name, version, bytes) \
             SELECT id, $3, 1 + $4, $5 FROM auth_realm WHERE name = $2 ON CONFLICT (realm, name) DO NOTHING"
        } else {
            "UPDATE auth_document SET version = version + 1, bytes = $5 \
             WHERE realm = (SELECT id FROM auth_realm WHERE name = $2) AND name = $3 AND version = $4"
        };
        let save =
            step.statement(realm, save).bind(name.to_owned()).bind(capped(expected)).bind(bytes.to_vec());
        let is_saved = step.run(save).await?.rows_affected() > 0;
        step.commit(is_saved).await
    }
}
