//! Rules about documents.

use std::sync::Arc;

use super::World;
use super::fixture::{Scene, at_once};
use crate::store::Document;

/// A document is saved only if its version is the expected one; zero if there is no document.
pub async fn a_document_is_saved_only_over_the_expected_version(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let (store, realm) = (&scene.store, &scene.realm);
    let save = async |name: &str, expected, bytes: &[u8]| {
        store.save_document(realm, name, expected, bytes).await.expect("save_document").value
    };
    let read = async |name: &str| store.document(realm, name).await.expect("document").value;
    assert_eq!(read("keys").await, None);
    assert!(!save("keys", 1, b"one").await);
    assert_eq!(read("keys").await, None);
    assert!(save("keys", 0, b"one").await);
    assert_eq!(read("keys").await, Some(Document { version: 1, bytes: b"one".to_vec() }));
    for wrong in [0, 2] {
        assert!(!save("keys", wrong, b"wrong").await);
    }
    assert!(save("keys", 1, b"two \0\xff").await);
    assert!(!save("keys", 1, b"late").await);
    assert_eq!(read("keys").await, Some(Document { version: 2, bytes: b"two \0\xff".to_vec() }));
    assert_eq!(read("other").await, None);
    assert!(save("other", 0, b"").await);
    assert_eq!(read("other").await, Some(Document { version: 1, bytes: vec![] }));
}

/// A document of 64 KiB is saved and read back. One byte more is an error, and nothing changes.
pub async fn a_document_is_bounded(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let (store, realm) = (&scene.store, &scene.realm);
    let long: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
    assert!(store.save_document(realm, "keys", 0, &long).await.expect("save_document").value);
    let longer = [&long[..], b"!"].concat();
    assert!(store.save_document(realm, "keys", 1, &longer).await.is_err());
    let read = store.document(realm, "keys").await.expect("document").value;
    assert!(read == Some(Document { version: 1, bytes: long }));
}

/// Of many concurrent saves exactly one succeeds, for a new document and for an existing one.
pub async fn one_of_many_documents_wins(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for expected in [0, 1] {
        let done = at_once(&scene, |scene, number| async move {
            let saved = scene.store.save_document(&scene.realm, "keys", expected, &[number]).await?;
            Ok(saved.value.then_some(number))
        })
        .await;
        let winners: Vec<_> = done.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        let read = scene.store.document(&scene.realm, "keys").await.expect("document").value;
        assert_eq!(read, Some(Document { version: expected + 1, bytes: winners }));
    }
}
