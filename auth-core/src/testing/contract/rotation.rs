//! The refresh family of a login.

use std::sync::Arc;
use std::time::Duration;

use super::fixture::{
    GRACE, NOW, add, after, anna, at_once, end, kept, load, login_id, position, rotation, secret,
    session_login, token_login,
};
use crate::store::{Confirmation, EndReason, Family, LoginRow, Rotation, Store};

fn family() -> Family {
    token_login(1).family.expect("a token has one")
}

/// The family of a rotated login.
fn rotated() -> Family {
    Family {
        position: position(8, 0),
        previous_branch: Some(2),
        current: secret(9),
        previous: Some(secret(1)),
        nonce: [8; 16],
        rotated_at: after(10),
        confirmed: false,
    }
}

/// All of it, and the answer is the row as it is stored.
pub async fn a_rotation_moves_the_login_on(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    add(&store, &token_login(2), None).await;
    let expected = LoginRow {
        last_seen_at: after(10),
        idle_expires_at: after(4000),
        family: Some(rotated()),
        ..token_login(1)
    };
    let done = store.rotate(&rotation(1), after(10)).await.expect("rotate");
    assert_eq!(done.as_ref(), Some(&expected));
    assert_eq!(load(&store, 1, NOW).await, done);
    assert_eq!(load(&store, 2, NOW).await, Some(token_login(2)));
    let next =
        Rotation { position: position(8, 0), presented: secret(9), successor: secret(10), ..rotation(1) };
    let done = store.rotate(&next, after(20)).await.expect("rotate").expect("it rotates again");
    assert_eq!(
        done.family.map(|family| (family.position, family.previous)),
        Some((position(9, 0), Some(secret(9))))
    );
}

/// The same token, presented many times at once, with different successors: the row holds the winner's.
pub async fn one_of_many_rotations_wins(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    let done = at_once(&store, |store, number| async move {
        let rotation = Rotation { successor: secret(100 + number), grace: Duration::ZERO, ..rotation(1) };
        store.rotate(&rotation, after(10)).await
    });
    let winners: Vec<_> = done.await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(load(&store, 1, NOW).await.as_ref(), winners.first());
}

/// Not a millisecond before its end, and not while the last rotation seems to be in the future.
pub async fn within_the_grace_nothing_rotates(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    for now in [NOW, after(10).before(Duration::from_millis(1)), NOW.before(Duration::from_secs(60))] {
        assert_eq!(store.rotate(&rotation(1), now).await.expect("rotate"), None);
    }
    let without = Rotation { grace: Duration::ZERO, ..rotation(1) };
    assert_eq!(store.rotate(&without, NOW.before(Duration::from_millis(1))).await.expect("rotate"), None);
    let endless = Rotation { grace: Duration::MAX, ..rotation(1) };
    assert_eq!(store.rotate(&endless, after(60)).await.expect("rotate"), None);
    assert_eq!(load(&store, 1, NOW).await, Some(token_login(1)));
    assert!(store.rotate(&rotation(1), NOW.after(GRACE)).await.expect("rotate").is_some());
}

/// Not another secret, branch, generation or login, and no session; nothing changes for them.
pub async fn only_the_current_token_rotates(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    add(&store, &session_login(2), None).await;
    let wrong = [
        Rotation { presented: secret(3), ..rotation(1) },
        Rotation { presented: secret(2), ..rotation(1) },
        Rotation { position: position(7, 1), ..rotation(1) },
        Rotation { position: position(7, 3), ..rotation(1) },
        Rotation { position: position(6, 2), ..rotation(1) },
        Rotation { position: position(8, 2), ..rotation(1) },
        rotation(2),
        rotation(3),
    ];
    for rotation in wrong {
        assert_eq!(store.rotate(&rotation, after(10)).await.expect("rotate"), None, "{rotation:?}");
    }
    assert_eq!(load(&store, 1, NOW).await, Some(token_login(1)));
    assert_eq!(load(&store, 2, NOW).await, Some(session_login(2)));
}

/// Its idle time ends with it at the latest; and a login that ends meanwhile does not rotate.
pub async fn a_rotation_never_outlives_the_login(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    let long = Rotation { idle_expires_at: kept(), ..rotation(1) };
    let row = store.rotate(&long, after(10)).await.expect("rotate").expect("it rotates");
    assert_eq!(row.idle_expires_at, end());
    let next = Rotation { position: position(8, 0), presented: secret(9), ..rotation(1) };
    let anna = anna();
    let (rotated, ended) = tokio::join!(
        store.rotate(&next, after(30)),
        store.end_logins(&anna, None, EndReason::SubjectEnded, kept(), after(30)),
    );
    rotated.expect("rotate");
    assert_eq!(ended.expect("end_logins"), [login_id(1)]);
    assert_eq!(load(&store, 1, NOW).await, None);
    assert_eq!(store.rotate(&next, after(60)).await.expect("rotate"), None);
}

/// Generation, branch, nonce and confirmation must be as expected; what else is expected does not matter.
pub async fn a_family_is_swapped_only_as_expected(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    add(&store, &session_login(2), None).await;
    let others = [
        Family { position: position(6, 2), ..family() },
        Family { position: position(7, 3), ..family() },
        Family { nonce: [4; 16], ..family() },
        Family { confirmed: false, ..family() },
    ];
    for expected in others {
        assert!(!store.swap_family(login_id(1), &expected, &rotated(), NOW).await.expect("swap_family"));
    }
    for number in [2, 3] {
        assert!(!store.swap_family(login_id(number), &family(), &rotated(), NOW).await.expect("swap_family"));
    }
    assert_eq!(load(&store, 1, NOW).await, Some(token_login(1)));
    assert_eq!(load(&store, 2, NOW).await, Some(session_login(2)));

    let expected = Family { rotated_at: after(9), previous: None, current: secret(7), ..family() };
    assert!(store.swap_family(login_id(1), &expected, &rotated(), NOW).await.expect("swap_family"));
    assert_eq!(load(&store, 1, NOW).await, Some(LoginRow { family: Some(rotated()), ..token_login(1) }));
}

/// The same expectation, many times at once, with different successors.
pub async fn one_of_many_swaps_wins(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    let done = at_once(&store, |store, number| async move {
        let new = Family { nonce: [100 + number; 16], ..rotated() };
        store.swap_family(login_id(1), &family(), &new, NOW).await
    });
    let done = done.await;
    assert_eq!(done.iter().filter(|won| **won).count(), 1);
    let winner = done.iter().position(|won| *won).expect("one won");
    let stored = load(&store, 1, NOW).await.and_then(|login| login.family).expect("a family");
    assert_eq!(usize::from(stored.nonce[0]), 100 + winner);
}

/// A confirmation that comes late, for another branch, or for a session, changes nothing; the others of its batch do.
pub async fn only_the_current_rotation_is_confirmed(store: Arc<dyn Store>) {
    for number in 1..=3 {
        let family = Family { confirmed: false, ..family() };
        add(&store, &LoginRow { family: Some(family), ..token_login(number) }, None).await;
    }
    add(&store, &session_login(4), None).await;
    let used = |number, generation, branch| Confirmation {
        login: login_id(number),
        position: position(generation, branch),
    };
    let batch = [
        used(1, 6, 2),
        used(4, 7, 2),
        used(9, 7, 2),
        used(2, 7, 2),
        used(1, 7, 1),
        used(3, 8, 2),
        used(2, 7, 2),
    ];
    store.confirm(&batch, NOW).await.expect("confirm");
    store.confirm(&[], NOW).await.expect("confirm");
    for number in 1..=3 {
        let family = Family { confirmed: number == 2, ..family() };
        assert_eq!(
            load(&store, number, NOW).await,
            Some(LoginRow { family: Some(family), ..token_login(number) })
        );
    }
    assert_eq!(load(&store, 4, NOW).await, Some(session_login(4)));
}
