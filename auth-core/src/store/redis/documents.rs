//! Implements [`DocumentStore`].

use async_trait::async_trait;

use super::RedisStore;
use super::arguments::Arguments;
use crate::store::{Document, DocumentStore, Partition, Realm, StoreError, Timed};

const MOST_BYTES: usize = 64 * 1024;

#[async_trait]
impl DocumentStore for RedisStore {
    async fn document(&self, realm: &Realm, name: &str) -> Result<Timed<Option<Document>>, StoreError> {
        let arguments = Arguments::new().text(name);
        let reply = self.run(&self.shared.scripts.document, realm, Partition::REALM, &arguments).await?;
        let version = reply.number(1)?;
        let document = (version > 0).then(|| Ok(Document { version, bytes: reply.get(2)? }));
        reply.timed(document.transpose()?)
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
        let arguments = Arguments::new().text(name).epoch(expected).bytes(bytes);
        self.run(&self.shared.scripts.save_document, realm, Partition::REALM, &arguments).await?.is_done()
    }
}
