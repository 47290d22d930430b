//! Every call finds its rows by an index, in tables that are not small.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::{KeyId, Position, TokenId};
use auth_core::store::postgres::PostgresStore;
use auth_core::store::{
    Cursor, DocumentStore as _, EndReason, Family, FamilyStore as _, GraceStart, Ids, Limit, LogEntry,
    LoginStore as _, Mark, RevocationStore as _, Revoked, SecretHash, SessionStore as _, Touch,
};
use sqlx::{Connection as _, Row as _};

use crate::concurrency::{self, HOUR, Stage};
use crate::postgres::world::{PostgresWorld, Stranger};

/// 20,000 logins of 5,000 subjects, with sessions, entries and documents.
const FILL: &str = "
    INSERT INTO {s}.auth_subject (realm, subject, epoch, retention)
        SELECT (SELECT min(id) FROM {s}.auth_realm), 'one of many ' || n, n, 1000 FROM generate_series(1, 5000) AS n;
    INSERT INTO {s}.auth_login (id, realm, subject, kind, created_at, last_seen_at, authenticated_at, expires_at,
            idle_expires_at, claims, begun_under, epoch, claims_loaded_at, retention, extra, look_at,
            generation, rotated_at, shared, branch, current_hash, nonce, confirmed, counted)
        SELECT substring(sha256(n::text::bytea) FOR 16), (SELECT min(id) FROM {s}.auth_realm),
            'one of many ' || 1 + n % 5000, 1, n, n, n, 4000000000000, 4000000000000, '{}', 4000000000000, n, n, 1000,
            '', 4000000000000, 0, 0, 0, 0, sha256('a'), '', true, false
        FROM generate_series(1, 20000) AS n;
    INSERT INTO {s}.auth_session (realm, hash, login, version, expires_at, look_at, data)
        SELECT realm, sha256(id), id, 1, 4000000000000, 4000000000000, '' FROM {s}.auth_login;
    INSERT INTO {s}.auth_log (realm, mark, kind, thing, entry_ends)
        SELECT realm, id, 4, id, 4000000000000 FROM {s}.auth_login;
    INSERT INTO {s}.auth_document SELECT min(id), 'document ' || n, 1, 'x' FROM {s}.auth_realm, generate_series(1, 5000) AS n
        GROUP BY n;
    ANALYZE";

/// How often each table was read from its beginning to its end.
async fn scans(stranger: &mut Stranger) -> BTreeMap<String, i64> {
    let scans = "SELECT relname::text, seq_scan FROM pg_stat_user_tables \
                 WHERE schemaname = '{s}' AND relname NOT IN ('auth_realm', 'auth_store', 'auth_incarnation')";
    let rows = sqlx::query(stranger.sql(scans)).fetch_all(&mut stranger.connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Waits until the server has counted what closed connections did.
async fn until_closed(stranger: &mut Stranger) {
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE query ~ '\\m{s}\\M.*auth_' AND pid <> pg_backend_pid()";
    while stranger.number(open).await > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn no_call_reads_a_whole_table() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    stage.end_all(&Stage::subject(0)).await;
    let mut filling = world.stranger().await;
    filling.run(FILL).await;
    filling.connection.close().await.unwrap();
    let mut stranger = world.stranger().await;
    let PostgresWorld { store, schema, options, .. } = world;
    let url = auth_tests::server::Server::postgres().unwrap().postgres_url();
    drop((store, options, stage));
    until_closed(&mut stranger).await;
    let before = scans(&mut stranger).await;

    // Twelve times, because after some PostgreSQL plans for all parameters at once.
    let store = PostgresStore::builder(&url).schema(&schema).max_connections(1).open().await.unwrap();
    for round in 0..12 {
        call_everything(&store, round).await;
    }
    drop(store);
    until_closed(&mut stranger).await;
    let after = scans(&mut stranger).await;
    assert!(after.len() >= 5, "{after:?}");
    assert_eq!(after, before);
    let used = "SELECT sum(idx_scan)::bigint FROM pg_stat_user_tables WHERE schemaname = '{s}'";
    assert!(stranger.number(used).await > 500, "the calls were not counted");
}

async fn call_everything(store: &PostgresStore, round: u8) {
    let stage = Stage {
        store: std::sync::Arc::new(store.clone()),
        realm: auth_core::store::Realm::new("https://shop.example").unwrap(),
    };
    let (realm, subject) = (&stage.realm, Stage::subject(round));
    let most = NonZeroU32::new(5).unwrap();
    for number in [1, 2] {
        let (login, session) =
            (stage.login(&subject, round * 10 + number), stage.session(&subject, round * 10 + number));
        let _ = stage.create(&login, Some(&session), Some(Limit::EvictOldest(concurrency::most(1)))).await;
    }
    let id = stage.id(&subject, round * 10 + 2);
    let key = stage.session(&subject, round * 10 + 2).key;
    let family = Family::first(SecretHash::from_bytes([round * 10 + 2; 32]));
    store.login(realm, id).await.unwrap();
    store.list(realm, &subject, None, most).await.unwrap();
    store.touch(realm, &[Touch { login: id, ago: Duration::ZERO, idle: HOUR }]).await.unwrap();
    let replaced = store.replace_family(realm, id, &family, &family, GraceStart::Keep, HOUR).await.unwrap();
    assert!(replaced.value.is_some());
    let _ = store.rotate(realm, &stage.rotation(&subject, round * 10 + 2, 200)).await.unwrap();
    let position = Position { generation: 1, branch: 0 };
    store.confirm(realm, &[(id, position)]).await.unwrap();
    assert!(store.save_claims(realm, id, b"{}", u64::MAX / 2).await.unwrap().value);
    assert!(store.session(realm, &key).await.unwrap().value.is_some());
    let _ = store.save_session(realm, &key, b"{}", 1, HOUR).await.unwrap();
    let new = SecretHash::from_bytes([round * 10 + 3; 32]);
    let _ = store.rename_session(realm, &key, &new, HOUR).await.unwrap();
    let alone = stage.session(&subject, round * 10 + 4);
    assert!(store.create_session(realm, &alone).await.unwrap().value);
    store.delete_session(realm, &alone.key).await.unwrap();
    let token = TokenId::from_bytes([round; 16]);
    store.revoke_token(realm, &subject, token, HOUR).await.unwrap();
    let signer = KeyId::new("key").unwrap();
    store.revoke_key(realm, &signer).await.unwrap();
    store.claims_changed(realm, &subject, HOUR).await.unwrap();
    let ids = Ids {
        login: Some(id),
        session: Some(key),
        subject: Some((&subject, 1)),
        token: Some(token),
        key: Some(&signer),
        ..Ids::default()
    };
    let _ = store.standing(realm, &ids).await.unwrap();
    let mut cursor = store.page(realm, &Cursor::start(), most).await.unwrap().value.next;
    cursor = store.page(realm, &cursor, most).await.unwrap().value.next;
    store.page(realm, &cursor, NonZeroU32::new(100_000).unwrap()).await.unwrap();
    let revoked = [
        Revoked::Login(stage.id(&subject, 99), EndReason::SignedOut),
        Revoked::AllEnded { subject: subject.clone(), below: 5, spared: Some(id) },
        Revoked::ClaimsChanged { subject: subject.clone(), below: 5 },
        Revoked::Session(key),
        Revoked::Floor(1),
    ];
    let entries = revoked.map(|revoked| LogEntry {
        mark: Mark::random().unwrap(),
        revoked,
        expires_at: Timestamp::from_seconds(4_000_000_000),
    });
    store.write_back(realm, &entries).await.unwrap();
    let _ = store.end(realm, &subject, id, EndReason::SignedOut, HOUR).await.unwrap();
    store.end_all(realm, &subject, Some(id), HOUR).await.unwrap();
    store.document(realm, "a").await.unwrap();
    store.save_document(realm, "a", u64::from(round), b"").await.unwrap();
    store.purge().await.unwrap();
}
