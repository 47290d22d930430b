//! Content that is not ours.

use auth_core::store::{Cursor, LoginStore as _, RevocationStore as _, Revoked, SessionStore as _};
use tempfile::TempDir;

use crate::sqlite::support::*;

#[tokio::test]
async fn foreign_content_is_an_error_and_never_a_login() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "PRAGMA foreign_keys = OFF").await;
    let changes = [
        "kind = 7",
        "epoch = -1",
        "retention = -1",
        "generation = -1",
        "branch = 65536",
        "branch = NULL",
        "current = zeroblob(31)",
        "previous = zeroblob(31)",
        "nonce = zeroblob(17)",
        "rotated_at = NULL",
        "shared = -1",
        "counted = NULL",
        "user_agent = CAST(x'ff' AS TEXT)",
    ];
    for (number, change) in (0..).zip(changes) {
        add(&store, number).await;
        let which = format!("id = x'{:032x}'", number);
        run(&mut stranger, &format!("UPDATE auth_login SET {change} WHERE {which}")).await;
        assert!(store.login(&realm(), id(number)).await.is_err(), "{change}");
        assert!(store.session(&realm(), &key(number)).await.is_err(), "{change}");
        assert!(store.list(&realm(), &anna(), None, most(9)).await.is_err(), "{change}");
        run(&mut stranger, &format!("DELETE FROM auth_login WHERE {which}; DELETE FROM auth_session")).await;
    }
    add(&store, 99).await;
    assert_eq!(state(&store, 99).await, (true, true, false));
}

#[tokio::test]
async fn a_login_without_its_subjects_record_is_not_live() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    add(&store, 1).await;
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "PRAGMA foreign_keys = OFF; DELETE FROM auth_subject").await;
    assert_eq!(state(&store, 1).await, (false, false, false));
}

/// Columns kind, thing, name, value.
async fn log(folder: &TempDir, entry: &str) {
    let sql = format!(
        "DELETE FROM auth_log; INSERT INTO auth_log (realm, mark, kind, thing, name, value, entry_ends) \
         VALUES (1, randomblob(16), {entry}, 1 << 50)"
    );
    run(&mut stranger(&file(folder)).await, &sql).await;
}

#[tokio::test]
async fn a_strange_entry_of_the_log_is_an_error() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    page(&store, &Cursor::start()).await;
    for entry in [
        "0, zeroblob(15), NULL, 0",
        "0, NULL, NULL, 0",
        "0, zeroblob(16), NULL, NULL",
        "1, NULL, '', 1",
        "1, NULL, 'anna', -1",
        "1, zeroblob(3), 'anna', 1",
        "2, NULL, NULL, 1",
        "3, zeroblob(16), NULL, NULL",
        "4, NULL, NULL, NULL",
        "5, NULL, '', NULL",
        "6, NULL, NULL, NULL",
    ] {
        log(&folder, entry).await;
        assert!(store.page(&realm(), &Cursor::start(), most(9)).await.is_err(), "{entry}");
    }
}

#[tokio::test]
async fn what_a_later_version_logged_is_unknown() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    page(&store, &Cursor::start()).await;
    for entry in ["7, zeroblob(99), 'x', 1", "0, zeroblob(16), NULL, 99"] {
        log(&folder, entry).await;
        assert_eq!(page(&store, &Cursor::start()).await.entries[0].revoked, Revoked::Unknown, "{entry}");
    }
}
