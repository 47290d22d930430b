//! What changes a login while it is used: its last use, its claims, its subject's epoch.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::fixture::{
    MANY, NOW, add, after, anna, at_once, bert, end, kept, load, log, login_id, session_login, token_login,
};
use crate::store::{LoginRow, Revoked, Store, Touch};

/// Never back, whatever the order, and no further than the login lasts.
pub async fn use_moves_a_login_forward_only(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    add(&store, &session_login(2), None).await;
    let touch = |number, seen_at, idle| Touch {
        login: login_id(number),
        seen_at: after(seen_at),
        idle_expires_at: after(idle),
    };
    let moved = |seen_at, idle| LoginRow {
        last_seen_at: after(seen_at),
        idle_expires_at: after(idle),
        ..token_login(1)
    };
    store.touch(&[touch(1, 30, 3700), touch(9, 30, 3700)], NOW).await.expect("touch");
    assert_eq!(load(&store, 1, NOW).await, Some(moved(30, 3700)));
    store.touch(&[touch(1, 20, 3650)], NOW).await.expect("touch");
    assert_eq!(load(&store, 1, NOW).await, Some(moved(30, 3700)));
    let batch = [touch(1, 50, 3800), touch(2, 40, 3650), touch(1, 60, 3750), touch(1, 40, 3790)];
    store.touch(&batch, NOW).await.expect("touch");
    store.touch(&[], NOW).await.expect("touch");
    assert_eq!(load(&store, 1, NOW).await, Some(moved(60, 3800)));
    let other = LoginRow { last_seen_at: after(40), idle_expires_at: after(3650), ..session_login(2) };
    assert_eq!(load(&store, 2, NOW).await, Some(other));
    store.touch(&[touch(1, 60, 99_000)], NOW).await.expect("touch");
    assert_eq!(load(&store, 1, NOW).await.map(|login| login.idle_expires_at), Some(end()));
}

/// A slow reload that began before the claims changed does not undo the change.
pub async fn claims_of_an_older_epoch_are_not_saved(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    let id = login_id(1);
    assert!(!store.save_claims(id, b"old", 2, after(9), NOW).await.expect("save_claims"));
    assert!(!store.save_claims(login_id(9), b"nobody's", 9, after(9), NOW).await.expect("save_claims"));
    assert_eq!(load(&store, 1, NOW).await, Some(token_login(1)));
    for (claims, epoch) in [(b"same", 3), (b"next", 4)] {
        assert!(store.save_claims(id, claims, epoch, after(9), NOW).await.expect("save_claims"));
        let expected =
            LoginRow { claims: claims.to_vec(), epoch, claims_loaded_at: after(9), ..token_login(1) };
        assert_eq!(load(&store, 1, NOW).await, Some(expected));
    }
    assert!(!store.save_claims(id, b"same", 3, after(9), NOW).await.expect("save_claims"));
}

/// However many raise it at once, each gets a number of its own, and each is logged.
pub async fn the_epoch_counts_up_by_one(store: Arc<dyn Store>) {
    assert_eq!(store.epoch(&anna()).await.expect("epoch"), 0);
    let raised = at_once(&store, |store, _| async move { store.raise_epoch(&anna(), kept(), NOW).await });
    let raised: BTreeSet<_> = raised.await.into_iter().collect();
    let expected: BTreeSet<_> = (1..=u64::from(MANY)).collect();
    assert_eq!(raised, expected);
    assert_eq!(store.epoch(&anna()).await.expect("epoch"), u64::from(MANY));
    assert_eq!(store.epoch(&bert()).await.expect("epoch"), 0);
    let logged: Vec<_> =
        log(&store).await.into_iter().map(|entry| (entry.revoked, entry.expires_at)).collect();
    // In the order in which they were counted: who applies the log ends at the highest.
    let expected: Vec<_> =
        expected.into_iter().map(|epoch| (Revoked::SubjectBelow(anna(), epoch), kept())).collect();
    assert_eq!(logged, expected);
    store.purge(kept()).await.expect("purge");
    assert_eq!(
        store.raise_epoch(&anna(), after(99_999), kept()).await.expect("raise_epoch"),
        u64::from(MANY) + 1
    );
}
