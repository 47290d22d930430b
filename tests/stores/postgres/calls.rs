//! Calls whose connections are cut, and values that no column holds.

use std::time::Duration;

use auth_core::id::Position;
use auth_core::store::{
    Created, Cursor, DocumentStore as _, FamilyStore as _, Ids, LogEntry, LoginStore as _, NewSession,
    Partition, RevocationStore as _, Rotated, Rotation, SecretHash, SessionKey, SessionStore as _, Standing,
    Ticket,
};
use auth_tests::server::Server;
use auth_tests::within;

use crate::concurrency::{HOUR, Stage};
use crate::postgres::world::PostgresWorld;

/// Every connection of the store, as often as it makes new ones: a call fails or is done, and the store goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cut_connection_fails_a_call_and_not_the_store() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let subject = Stage::subject(1);
    let (mut last, mut failed) = (stage.end_all(&subject).await.0, 0);
    let mut stranger = world.stranger().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE query LIKE '%\"{s}\".%' AND pid <> pg_backend_pid()";
    for round in 0..60 {
        let ending = tokio::spawn({
            let (store, realm, subject) = (world.store.clone(), stage.realm.clone(), subject.clone());
            async move { store.end_all(&realm, &subject, None, HOUR).await }
        });
        if round % 3 == 0 {
            stranger.number(cut).await;
        }
        match ending.await.unwrap() {
            Ok(ended) => {
                assert!(ended.value.epoch > last);
                last = ended.value.epoch;
            }
            Err(_) => failed += 1,
        }
    }
    assert!(failed > 0, "no call met a cut connection");
    let epoch = within("an answer", async {
        loop {
            if let Ok(ticket) = world.store.ticket(&stage.realm, &subject).await {
                return ticket.value.epoch;
            }
        }
    });
    assert!(epoch.await >= last, "an end that was acknowledged is lost");
}

#[tokio::test]
async fn a_login_needs_constant_space_however_often_it_rotates() {
    const ROTATIONS: u32 = 2000;
    // One of its own, because PostgreSQL keeps old rows as long as any transaction of the server could see them.
    let Some(server) = Server::another_postgres() else { return };
    let world = PostgresWorld::on(&server).await;
    let stage = Stage::of(&world);
    let subject = Stage::subject(1);
    assert!(matches!(stage.create(&stage.login(&subject, 1), None, None).await, Created::Made { .. }));
    let secret = |generation: u32| SecretHash::of(&generation.to_be_bytes());
    for generation in 0..ROTATIONS {
        let rotation = Rotation {
            presented: Position { generation, branch: 0 },
            secret: if generation == 0 { SecretHash::from_bytes([1; 32]) } else { secret(generation) },
            successor: secret(generation + 1),
            ..stage.rotation(&subject, 1, 0)
        };
        let done = world.store.rotate(&stage.realm, &rotation).await.unwrap().value;
        assert!(matches!(done, Rotated::Rotated(_)), "{done:?}");
    }
    let mut stranger = world.stranger().await;
    let pages = "SELECT (pg_relation_size('{s}.auth_login') + pg_indexes_size('{s}.auth_login')) / 8192";
    let pages = stranger.number(pages).await;
    // Two of each of the four indexes, and the rest are of the table: rotations within a page leave no rows behind.
    assert!(pages <= 12, "{pages} pages");
}

#[tokio::test]
async fn nothing_is_in_a_partition_that_is_not_there() {
    let Some(world) = PostgresWorld::new().await else { return };
    let (stage, store) = (Stage::of(&world), &world.store);
    assert_eq!(store.partitions().get(), 1);
    let session = stage.session(&Stage::subject(1), 1);
    assert!(store.create_session(&stage.realm, &session).await.unwrap().value);
    let elsewhere = SessionKey { partition: Partition::new(1), ..session.key };
    assert_eq!(store.session(&stage.realm, &elsewhere).await.unwrap().value, None);
    let ids = Ids { session: Some(elsewhere), ..Ids::default() };
    assert_eq!(store.standing(&stage.realm, &ids).await.unwrap().value, Standing::Gone);
    let saved = store.save_session(&stage.realm, &elsewhere, b"", 1, HOUR).await.unwrap().value;
    assert!(!saved);
    assert!(store.create_session(&stage.realm, &NewSession { key: elsewhere, ..session }).await.is_err());
}

#[tokio::test]
async fn numbers_that_no_column_can_contain_are_refused() {
    let Some(world) = PostgresWorld::new().await else { return };
    let (stage, store, realm) = (Stage::of(&world), &world.store, Stage::of(&world).realm);
    let subject = Stage::subject(1);
    let login = stage.login(&subject, 1);
    let ticket = store.ticket(&realm, &subject).await.unwrap().value;
    let late = Ticket { epoch: u64::MAX, ..ticket.clone() };
    assert_eq!(store.create(&realm, &late, &login, None, None).await.unwrap().value, Created::Outdated);
    assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));
    assert!(!store.save_document(&realm, "a", u64::MAX, b"").await.unwrap().value);
    assert!(store.save_claims(&realm, login.id, b"", u64::MAX).await.is_err());
    // Longer than time itself.
    let ended = store.end_all(&realm, &subject, None, Duration::MAX).await.unwrap().value;
    assert!(ended.logged.expires_at > ticket_time(&ticket).after(Duration::from_secs(1 << 40)));
    let page = stage.page(&Cursor::start(), 9).await;
    assert_eq!(page.entries[0].expires_at, ended.logged.expires_at);
    assert!(page.entries[0].expires_at < LogEntry::NEVER && !page.has_more);
    let long = auth_core::store::NewLogin {
        lifetime: Duration::MAX,
        idle: Duration::MAX,
        ..stage.login(&subject, 2)
    };
    let Created::Made { login, .. } = stage.create(&long, None, None).await else {
        panic!("it was not made")
    };
    assert!(store.login(&realm, long.id).await.unwrap().value.is_some_and(|live| live.row == login));
}

fn ticket_time(ticket: &Ticket) -> auth_core::clock::Timestamp {
    auth_core::clock::Timestamp::from_millis(ticket.issued_at)
}

#[tokio::test]
async fn debug_shows_no_content() {
    let Some(world) = PostgresWorld::new().await else { return };
    assert_eq!(format!("{:?}", world.store), "PostgresStore { .. }");
}
