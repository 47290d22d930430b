//! Implements [`DocumentStore`].

use async_trait::async_trait;

use super::PostgresStore;
use super::call::statement_time;
use super::rows::capped;
use crate::store::{Document, DocumentStore, Realm, StoreError, Timed};

const MOST_BYTES: usize = 64 * 1024;

#[async_trait]
impl DocumentStore for PostgresStore {
    async fn document(&self, realm: &Realm, name: &str) -> Result<Timed<Option<Document>>, StoreError> {
        let select = concat!(
            "SELECT ",
            statement_time!(),
            " AS now, document.version, document.bytes FROM {s}.auth_realm AS realm \
             LEFT JOIN {s}.auth_document AS document ON document.realm = realm.id AND document.name = $3 \
             WHERE realm.name = $1"
        );
        let row = self.call(realm, select).bind(name).row().await?;
        let document = if row.is_there("version")? {
            Some(Document { version: row.number("version")?, bytes: row.get("bytes")? })
        } else {
            None
        };
        row.answer(document)
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
        let save = self.call(realm, "SELECT * FROM {s}.auth_save_document($1, $2, $3, $4, $5)");
        let row = save.bind(name).bind(capped(expected)).bind(bytes).row().await?;
        row.answer(row.get("is_done")?)
    }
}
