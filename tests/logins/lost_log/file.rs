//! The file of a store is deleted or emptied.

use std::path::PathBuf;
use std::sync::Arc;

use auth_core::store::sqlite::SqliteStore;
use auth_tests::program::change;
use auth_tests::shop::{assert_ended, assert_try_again, assert_works, key_id, open, refresh_of};
use auth_tests::{SECOND, STALENESS, World, anna, in_time, subject, whole};
use http::Method;

/// What can happen to the file of a running node.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    Deleted,
    Renamed,
    Replaced,
    LogDeleted,
}

#[tokio::test]
async fn a_file_that_went_away_under_a_running_node_acknowledges_nothing_more() {
    whole(async {
        for mishap in [Mishap::Deleted, Mishap::Renamed, Mishap::Replaced, Mishap::LogDeleted] {
            let world = World::sqlite().await;
            let node = world.node().await;
            let [tokens, other] = [node.login(anna()).await, node.login(anna()).await];
            let cookie = node.sign_in("anna", "").await;
            assert_works(&node, &tokens).await;
            node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
            befall(&world, mishap).await;

            // Whatever would have to be written is not acknowledged.
            let out = node.bearer(Method::POST, "/auth/logout", tokens.access_token()).await;
            out.assert_unavailable();
            node.browser(Method::POST, "/auth/logout", &cookie).await.assert_unavailable();
            node.bearer(Method::DELETE, "/auth/logins", tokens.access_token()).await.assert_unavailable();
            let answer = node.browser(Method::POST, "/login/anna", "").await;
            answer.assert_unavailable();
            assert_try_again(&node.refresh(&refresh_of(&other)).await);
            assert!(in_time(node.auth.claims_changed(&subject("anna"))).await.is_err());
            assert!(in_time(node.auth.revoke_key(&key_id(0))).await.is_err());
            assert!(in_time(node.auth.end_all_logins(&subject("anna"))).await.is_err());
            assert!(in_time(node.auth.catch_up()).await.is_err());
            // And when the list is too old, every request is refused.
            world.clock.advance(STALENESS + SECOND);
            node.get("/me", tokens.access_token()).await.assert_unavailable();
            node.get_by_cookie("/me", &cookie).await.assert_unavailable();
            node.get("/lax", tokens.access_token()).await.assert_text("anna, by jwt");

            // It stays so until the file is opened anew, by everybody.
            if matches!(mishap, Mishap::LogDeleted) {
                continue;
            }
            let again = SqliteStore::builder(world.path()).clock(world.clock.clone()).open().await.unwrap();
            node.get("/me", tokens.access_token()).await.assert_unavailable();
            let world = world.with_store(Arc::new(again));
            let fresh = world.node().await;
            fresh.get("/me", tokens.access_token()).await.assert_invalid_token();
            assert_works(&fresh, &fresh.login(anna()).await).await;
        }
    })
    .await;
}

async fn befall(world: &World, mishap: Mishap) {
    let path = world.path();
    let beside = |suffix: &str| {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    match mishap {
        Mishap::Deleted => {
            for suffix in ["", "-wal", "-shm"] {
                std::fs::remove_file(beside(suffix)).unwrap();
            }
        }
        Mishap::Renamed => {
            for suffix in ["", "-wal", "-shm"] {
                let to = world.path().with_file_name(format!("elsewhere.db{suffix}"));
                std::fs::rename(beside(suffix), to).unwrap();
            }
        }
        Mishap::Replaced => {
            let copy = world.path().with_file_name("copy.db");
            drop(open(copy.clone(), &world.clock).await);
            // So that all of it is in the file: the store's connections close on threads of their own.
            change(&copy, "PRAGMA wal_checkpoint(TRUNCATE)").await;
            std::fs::rename(copy, &path).unwrap();
            for suffix in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(beside(suffix));
            }
        }
        Mishap::LogDeleted => std::fs::remove_file(beside("-wal")).unwrap(),
    }
    world.clock.advance(SECOND);
}

#[tokio::test]
async fn a_file_that_was_emptied_before_the_start_lets_nothing_old_in() {
    whole(async {
        let folder = tempfile::TempDir::new().unwrap();
        let (tokens, cookie) = {
            let world = World::in_folder(folder.path()).await;
            let node = world.node().await;
            let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
            let signed_out = node.bearer(Method::POST, "/auth/logout", tokens.access_token()).await;
            signed_out.assert_empty(204);
            (tokens, cookie)
        };
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("auth.db{suffix}")));
        }
        std::fs::write(folder.path().join("auth.db"), "").unwrap();
        let world = World::in_folder(folder.path()).await;
        world.clock.advance(SECOND);
        let node = world.node().await;
        assert_ended(&node, &tokens).await;
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_works(&node, &node.login(anna()).await).await;
    })
    .await;
}
