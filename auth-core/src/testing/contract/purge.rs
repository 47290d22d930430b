//! Deleting what has expired.

use std::sync::Arc;

use super::fixture::{
    NOW, add, after, anna, annas, end, kept, load, load_session, login_id, session, session_login,
    token_login,
};
use crate::id::{LoginId, TokenId};
use crate::store::{LoginRow, Revoked, SessionRow, Store};

/// It counts the logins, logs nothing, and leaves what is live as it was.
pub async fn a_purge_deletes_only_what_has_expired(store: Arc<dyn Store>) {
    add(&store, &LoginRow { expires_at: after(10), ..session_login(1) }, Some(&session(1))).await;
    add(&store, &LoginRow { idle_expires_at: after(10), ..token_login(2) }, None).await;
    add(&store, &session_login(3), Some(&session(3))).await;
    for (number, expires_at) in [(4, after(10)), (5, end())] {
        let row = SessionRow { expires_at, ..session(number) };
        assert!(store.create_session(&row, NOW).await.expect("create_session"));
        let token = Revoked::Token(TokenId::from_bytes([number; 16]));
        store.append(&token, expires_at, NOW).await.expect("append");
    }
    assert_eq!(store.purge(after(10)).await.expect("purge"), 2);
    assert_eq!(store.purge(after(10)).await.expect("purge"), 0);

    // Asked as of a time before the expiry, a store answers from what is still there.
    for number in [1, 2] {
        assert_eq!(load(&store, number, NOW).await, None);
    }
    for number in [1, 4] {
        assert_eq!(load_session(&store, number, NOW).await, None);
    }
    assert_eq!(annas(&store, NOW).await, [login_id(3)]);
    assert_eq!(load(&store, 3, NOW).await, Some(session_login(3)));
    assert!(load_session(&store, 3, NOW).await.is_some() && load_session(&store, 5, NOW).await.is_some());
    let page = store.entries(0, 99, NOW).await.expect("entries");
    assert_eq!((page.entries.len(), page.last), (1, 2));
    assert_eq!(page.entries[0].sequence, 2);
}

/// It goes on until nothing expired is left.
pub async fn a_purge_deletes_more_than_a_batch(store: Arc<dyn Store>) {
    for number in 0..2500_u128 {
        let id = LoginId::from_bytes(number.to_be_bytes());
        add(&store, &LoginRow { id, expires_at: after(10), ..token_login(0) }, None).await;
    }
    add(&store, &LoginRow { id: LoginId::from_bytes([0xff; 16]), ..token_login(0) }, None).await;
    assert_eq!(store.purge(after(10)).await.expect("purge"), 2500);
    assert_eq!(store.list_logins(&anna(), NOW).await.expect("list_logins").len(), 1);
}

/// Neither when some entries are left nor when none is: a reader that waits after number 3 must see the next entry.
pub async fn numbers_are_not_used_again_after_a_purge(store: Arc<dyn Store>) {
    let token = Revoked::Token(TokenId::from_bytes([1; 16]));
    for (sequence, expires_at) in [(1, kept()), (2, after(10)), (3, after(10))] {
        assert_eq!(store.append(&token, expires_at, NOW).await.expect("append"), sequence);
    }
    store.purge(after(10)).await.expect("purge");
    assert_eq!(store.entries(0, 99, after(10)).await.expect("entries").last, 3);
    assert_eq!(store.append(&token, kept(), after(10)).await.expect("append"), 4);
    store.purge(kept()).await.expect("purge");
    let page = store.entries(0, 99, kept()).await.expect("entries");
    assert_eq!((page.entries.len(), page.last), (0, 4));
    assert_eq!(store.append(&token, after(99_999), kept()).await.expect("append"), 5);
}
