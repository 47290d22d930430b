//! Rules about a store that lost writes.

use std::sync::Arc;

use super::Restorable;
use super::fixture::{Scene, anna, seconds};
use crate::store::{Cursor, EndReason, Reset};

fn scene(world: &Arc<dyn Restorable>) -> Scene {
    Scene::of(Arc::clone(world) as _)
}

/// After the store was emptied, readers begin at the start of the log, old logins are gone, and everybody can sign
/// in.
pub async fn an_emptied_store_is_noticed(world: Arc<dyn Restorable>) {
    let scene = scene(&world);
    scene.sign_in(1).await;
    scene.end_all(Some(scene.id(1))).await;
    let cursor = scene.cursor().await;
    let floor = scene.floor().await;
    scene.advance(seconds(10));
    world.empty().await;
    let page = scene.page(&cursor, 9).await;
    assert!(page.reset.is_some());
    assert_eq!(page.entries, []);
    assert!(page.floor > floor, "credentials from before would be good");
    assert!(!scene.is_live(scene.id(1)).await);
    scene.sign_in(1).await;
    assert!(scene.is_live(scene.id(1)).await);
}

/// After an older copy was restored, readers notice that the last mark is missing, even if as many entries were
/// logged since.
pub async fn an_older_copy_is_noticed(world: Arc<dyn Restorable>) {
    let scene = scene(&world);
    let kept = scene.end_all(None).await.logged.mark;
    let early = scene.cursor().await;
    world.copy().await;
    for _ in 0..3 {
        scene.end_all(None).await;
    }
    let late = scene.cursor().await;
    world.restore().await;
    for more in 0..4 {
        let page = scene.page(&late, 9).await;
        assert!(page.reset.is_some(), "after {more} new entries the cursor was taken for a good one");
        assert_ne!(page.reset, Some(Reset::Purged), "the entry had not expired");
        assert_eq!(page.entries.len(), 1 + more);
        assert_eq!(page.entries.first().map(|entry| entry.mark), Some(kept));
        scene.end_all(None).await;
    }
    let page = scene.page(&early, 9).await;
    assert!(page.entries.len() >= 4, "nothing since the copy is missing");
    assert_eq!(scene.page(&Cursor::start(), 9).await.reset, None);
}

/// A node that knows the lost entries writes them back.
pub async fn what_a_copy_brought_back_ends_again(world: Arc<dyn Restorable>) {
    let scene = scene(&world);
    scene.sign_in(1).await;
    let other = scene.sign_in(2).await;
    world.copy().await;
    assert!(scene.end(scene.id(1), EndReason::Stolen).await.is_some());
    let known = scene.log().await;
    world.restore().await;
    assert!(scene.is_live(scene.id(1)).await, "the copy is from before the end");
    scene.store.write_back(&scene.realm, &known).await.expect("write_back");
    assert!(!scene.is_live(scene.id(1)).await);
    assert!(scene.is_live(other.id).await);
    assert_eq!(scene.log().await, known);
    scene.end_all(None).await;
    assert!(scene.ticket(&anna()).await.epoch > other.epoch);
}
