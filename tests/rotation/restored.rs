//! A database from a backup: what clients hold is newer than it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use auth_core::audit::AuditEvent;
use auth_tests::shop::{assert_refused, login_of, open, refresh_of};
use auth_tests::{Forged, GRACE, HOUR, World, anna};

/// A copy of a database that is not written meanwhile.
fn back_up(path: &Path) -> PathBuf {
    let copy = path.with_file_name("backup.db");
    std::fs::copy(path, &copy).unwrap();
    std::fs::copy(path.with_file_name("auth.db-wal"), path.with_file_name("backup.db-wal")).unwrap();
    copy
}

#[tokio::test]
async fn a_token_newer_than_a_restored_database_is_refused_and_is_no_theft() {
    let world = World::sqlite().await;
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let second = refresh_of(&node.refresh(&first).await.unwrap());
    world.clock.advance(GRACE);
    let backup = back_up(&world.path());
    let third = refresh_of(&node.refresh(&second).await.unwrap());
    world.clock.advance(GRACE);
    let fourth = node.refresh(&third).await.unwrap();
    node.get("/me", fourth.access_token()).await.assert_text("anna, by jwt");

    let restored = world.with_store(Arc::new(open(backup, &node.clock).await));
    let node = restored.node().await;
    let row = node.row(&first).await;
    let login = login_of(&first);
    for token in [&refresh_of(&fourth), &third] {
        assert_refused(&node.refresh(token).await);
        assert_eq!(node.events.take(), [AuditEvent::StoreBehind { login }]);
        assert_eq!(node.row(&first).await, row);
    }
    node.get("/me", fourth.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(node.logins_of("anna").await, [login]);

    // Who still has the token of the backup goes on with it.
    let again = refresh_of(&node.refresh(&second).await.unwrap());
    assert_eq!(Forged::from(&again).generation(), 2);
    // And the token of that generation from the time after the backup has another secret: refused, and no theft.
    assert_ne!(again, third);
    assert_refused(&node.refresh(&third).await);
    assert_eq!(node.logins_of("anna").await, [login]);
    assert_eq!(node.events.thefts(), 0);
}

#[tokio::test]
async fn a_branch_newer_than_a_restored_database_is_refused_and_is_no_theft() {
    let world = World::sqlite().await;
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    drop(node.refresh(&first).await.unwrap());
    let backup = back_up(&world.path());
    world.clock.advance(HOUR);
    let replaced = refresh_of(&node.refresh(&first).await.unwrap());
    assert_eq!(Forged::from(&replaced).branch(), 1);

    let restored = world.with_store(Arc::new(open(backup, &node.clock).await));
    let node = restored.node().await;
    assert_refused(&node.refresh(&replaced).await);
    assert_eq!(node.events.take(), [AuditEvent::StoreBehind { login: login_of(&first) }]);
    assert_eq!(node.logins_of("anna").await, [login_of(&first)]);
}

#[tokio::test]
async fn a_login_newer_than_a_restored_database_is_refused() {
    let world = World::sqlite().await;
    let node = world.node().await;
    drop(node.login(anna()).await);
    let backup = back_up(&world.path());
    let token = refresh_of(&node.login(anna()).await);
    let restored = world.with_store(Arc::new(open(backup, &node.clock).await));
    let node = restored.node().await;
    assert_refused(&node.refresh(&token).await);
    assert_eq!(node.logins_of("anna").await.len(), 1);
}
