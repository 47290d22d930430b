//! Tests that SQLite uses an index in every statement of this store.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row as _};

use super::SqliteStore;
use super::purging::BELOW_FLOOR;
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::requirement::Scheme;
use crate::store::*;

thread_local! {
    static STATEMENTS: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Records a statement that is about to run.
pub(super) fn note(sql: &'static str) {
    STATEMENTS.with_borrow_mut(|statements| statements.insert(sql));
}

/// The scans that are allowed: of parameters, single rows, the queue of purging, and the list of realms.
const SHORT: [&str; 10] = [
    "SCAN CONSTANT ROW",
    "SCAN json_each VIRTUAL TABLE",
    "SCAN one VIRTUAL TABLE",
    "SCAN used",
    "SCAN store",
    "SCAN page",
    "SCAN untidy",
    "SCAN auth_untidy",
    "SCAN realm",
    "SCAN sqlite_sequence",
];

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("auth.db")).await.unwrap();
    run_every_statement(&store).await;
    let statements: Vec<_> = STATEMENTS.with_borrow(|statements| statements.iter().copied().collect());
    assert!(statements.len() > 35, "only {} statements ran", statements.len());

    let mut lease = store.shared.writer.lease().await.unwrap();
    let connection = lease.connection().unwrap();
    for part in statements.iter().flat_map(|statement| statement.split(';')).map(str::trim) {
        if matches!(part, "BEGIN" | "COMMIT") {
            continue;
        }
        let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {part}")));
        let plan = explain.fetch_all(&mut *connection).await.unwrap();
        for line in plan.iter().map(|row| row.get::<String, _>("detail")) {
            let is_short = SHORT.iter().any(|short| line.starts_with(short));
            let is_whole = line.starts_with("SCAN") || line.contains("AUTOMATIC");
            // These indexes would lead to all logins of a realm, or all above the floor.
            let is_long = line.contains("login") && line.ends_with("(realm=?)")
                || line.contains("auth_login_begun_under") && part != BELOW_FLOOR;
            assert!(is_short || !(is_whole || is_long), "{line}\nin {part}");
        }
    }
}

async fn run_every_statement(store: &SqliteStore) {
    let realm = Realm::new("r").unwrap();
    let anna = Subject::new("anna").unwrap();
    let most = NonZeroU32::MIN;
    let hour = Duration::from_secs(3600);
    let limit = Some(Limit::EvictOldest(most));
    let key = |number| SessionKey { partition: Partition::REALM, hash: SecretHash::from_bytes([number; 32]) };
    let session = |number| NewSession { key: key(number), data: Vec::new(), lifetime: hour };
    let ticket = store.ticket(&realm, &anna).await.unwrap().value;
    for number in 0..3 {
        let login = NewLogin {
            id: LoginId::from_bytes([number; 16]),
            subject: anna.clone(),
            kind: Scheme::Jwt,
            lifetime: hour,
            idle: hour,
            retention: hour,
            user_agent: None,
            address: None,
            claims: Vec::new(),
            secret: Some(SecretHash::of(b"a")),
            extra: Vec::new(),
            replaces: None,
        };
        let _ = store.create(&realm, &ticket, &login, Some(&session(number)), limit).await.unwrap();
    }
    let id = LoginId::from_bytes([2; 16]);
    let family = Family::first(SecretHash::of(b"a"));
    let rotation = Rotation {
        login: id,
        presented: family.position,
        secret: family.current,
        successor: family.current,
        nonce: [0; 16],
        grace: hour,
        idle: hour,
        retention: hour,
    };
    store.login(&realm, id).await.unwrap();
    store.list(&realm, &anna, None, most).await.unwrap();
    let _ = store.rotate(&realm, &rotation).await.unwrap();
    store.replace_family(&realm, id, &family, &family, GraceStart::Now, hour).await.unwrap();
    store.confirm(&realm, &[]).await.unwrap();
    store.touch(&realm, &[]).await.unwrap();
    store.save_claims(&realm, id, b"", 0).await.unwrap();
    store.create_session(&realm, &session(9)).await.unwrap();
    store.session(&realm, &key(2)).await.unwrap();
    let _ = store.save_session(&realm, &key(2), b"", 1, hour).await.unwrap();
    let _ = store.rename_session(&realm, &key(2), &key(7).hash, hour).await.unwrap();
    store.delete_session(&realm, &key(9)).await.unwrap();
    store.revoke_token(&realm, &anna, TokenId::from_bytes([0; 16]), hour).await.unwrap();
    store.revoke_key(&realm, &KeyId::new("key").unwrap()).await.unwrap();
    store.claims_changed(&realm, &anna, hour).await.unwrap();
    store.end_all(&realm, &anna, Some(id), hour).await.unwrap();
    let _ = store.end(&realm, &anna, id, EndReason::SignedOut, Duration::ZERO).await.unwrap();
    store.page(&realm, &Cursor::start(), most).await.unwrap();
    let _ = store.standing(&realm, &Ids::default()).await.unwrap();
    let entry = LogEntry {
        mark: Mark::from_bytes([0; 16]),
        revoked: Revoked::Floor(1),
        expires_at: Timestamp::UNIX_EPOCH,
    };
    store.write_back(&realm, &[entry]).await.unwrap();
    store.declare_restored(&realm, None).await.unwrap();
    store.save_document(&realm, "a", 0, b"").await.unwrap();
    store.save_document(&realm, "a", 1, b"").await.unwrap();
    store.document(&realm, "a").await.unwrap();
    store.purge().await.unwrap();
}
