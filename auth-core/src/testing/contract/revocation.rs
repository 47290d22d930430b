//! Asking whether something is revoked.

use std::sync::Arc;
use std::time::Duration;

use super::fixture::{NOW, add, after, anna, bert, kept, login_id, token_login};
use crate::clock::Timestamp;
use crate::id::{KeyId, TokenId};
use crate::store::{EndReason, Revoked, Store};

async fn is_revoked(store: &Arc<dyn Store>, revoked: &[Revoked], now: Timestamp) -> bool {
    store.is_revoked(revoked, now).await.expect("is_revoked")
}

/// Of several things asked about, one is enough; what has expired, and what was never revoked, is not.
pub async fn only_live_entries_revoke(store: Arc<dyn Store>) {
    let login = |number| Revoked::Login(login_id(number), EndReason::SignedOut);
    let token = |number| Revoked::Token(TokenId::from_bytes([number; 16]));
    let key = |name| Revoked::Key(KeyId::new(name).expect("a key id"));
    // One and the same text and bytes as different things.
    let things = [login(1), token(2), key("anna"), Revoked::SubjectBelow(bert(), 5)];
    assert!(!is_revoked(&store, &[], NOW).await);
    for thing in &things {
        assert!(!is_revoked(&store, std::slice::from_ref(thing), NOW).await);
        store.append(thing, after(10), NOW).await.expect("append");
    }
    let asked = [login(1), token(2), key("anna"), Revoked::SubjectBelow(bert(), 4)];
    for thing in &asked {
        assert!(is_revoked(&store, std::slice::from_ref(thing), NOW).await, "{thing:?}");
        let among_others = [login(9), token(9), thing.clone(), key("k9")];
        assert!(is_revoked(&store, &among_others, after(10).before(Duration::from_millis(1))).await);
        assert!(!is_revoked(&store, std::slice::from_ref(thing), after(10)).await);
    }
    let others = [login(2), token(1), key("bert"), key("ann"), Revoked::SubjectBelow(anna(), 0)];
    assert!(!is_revoked(&store, &others, NOW).await);
    assert!(!is_revoked(&store, &[], NOW).await);
}

/// Whoever asks knows the login, not why it ended.
pub async fn the_reason_of_an_end_does_not_matter(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    assert!(!is_revoked(&store, &[Revoked::Login(login_id(1), EndReason::Stolen)], NOW).await);
    let ended = store.end_login(&anna(), login_id(1), EndReason::Stolen, kept(), NOW).await;
    assert!(ended.expect("end_login"));
    for reason in [EndReason::SignedOut, EndReason::Stolen] {
        assert!(is_revoked(&store, &[Revoked::Login(login_id(1), reason)], NOW).await);
    }
}

/// What was made under the current epoch is not; one live entry with a later epoch is enough.
pub async fn a_subject_is_revoked_below_its_epoch(store: Arc<dyn Store>) {
    let made_under = |epoch| [Revoked::SubjectBelow(anna(), epoch)];
    assert_eq!(store.raise_epoch(&anna(), kept(), NOW).await.expect("raise_epoch"), 1);
    assert_eq!(store.raise_epoch(&anna(), after(10), NOW).await.expect("raise_epoch"), 2);
    for (epoch, revoked) in [(0, true), (1, true), (2, false), (3, false), (u64::MAX >> 1, false)] {
        assert_eq!(is_revoked(&store, &made_under(epoch), NOW).await, revoked, "epoch {epoch}");
    }
    // The later entry has expired, the earlier one has not.
    assert!(is_revoked(&store, &made_under(0), after(10)).await);
    assert!(!is_revoked(&store, &made_under(1), after(10)).await);
    assert!(!is_revoked(&store, &[Revoked::SubjectBelow(bert(), 0)], NOW).await);
}
