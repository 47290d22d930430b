//! Implements [`DocumentStore`].

use async_trait::async_trait;

use super::MemoryStore;
use crate::store::{Document, DocumentStore, Realm, StoreError, Timed};

const MOST_BYTES: usize = 64 * 1024;

#[async_trait]
impl DocumentStore for MemoryStore {
    async fn document(&self, realm: &Realm, name: &str) -> Result<Timed<Option<Document>>, StoreError> {
        self.in_realm(realm, |state, _| Ok(state.documents.get(name).cloned()))
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
        self.in_realm(realm, |state, _| {
            let version = state.documents.get(name).map_or(0, |document| document.version);
            let is_expected = version == expected;
            if is_expected {
                let version = version.saturating_add(1);
                state.documents.insert(name.to_owned(), Document { version, bytes: bytes.to_vec() });
            }
            Ok(is_expected)
        })
    }
}
