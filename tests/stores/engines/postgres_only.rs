//! What only PostgreSQL has: transactions that dawdle, roll back or wait for each other, crashes, and tables to look into.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::id::Subject;
use auth_core::store::{
    Created, Cursor, Ids, Limit, LoginStore as _, Mark, Realm, Reset, RevocationStore as _,
};
use auth_core::testing::contract::World as _;
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::engines::concurrency::{HOUR, Stage, most, read_on};
use crate::engines::postgres::{self, PostgresEngine};
use crate::engines::server::Server;
use crate::engines::sketch::Shifted;

const WRITERS: u8 = 8;

async fn connect(world: &Shifted<PostgresEngine>) -> PgConnection {
    PgConnection::connect_with(&world.store.engine.options).await.unwrap()
}

async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// Ends all in a transaction that somebody else ends.
async fn end_all(connection: &mut PgConnection, realm: &Realm, subject: &Subject) -> Mark {
    let mark = Mark::random().unwrap();
    let query = sqlx::query("SELECT * FROM end_all($1, $2, NULL, 900000, $3, 0)");
    let query = query.bind(realm.as_str()).bind(subject.as_str()).bind(mark.as_bytes().to_vec());
    query.execute(connection).await.unwrap();
    mark
}

/// They commit in another order than they write, some roll back, and one stays open all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_entry_of_writers_that_dawdle_is_seen_once() {
    let Some(world) = postgres::world().await else { return };
    let stage = Stage::of(&world);
    let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
    read_on(&stage, &mut cursor, &mut seen).await;

    let mut held = connect(&world).await;
    run(&mut held, "BEGIN").await;
    let late = end_all(&mut held, &stage.realm, &Stage::subject(100)).await;

    let committed = Arc::new(Mutex::new(Vec::new()));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (mut connection, committed) = (connect(&world).await, Arc::clone(&committed));
        let realm = stage.realm.clone();
        writers.push(tokio::spawn(async move {
            for round in 0..40_u64 {
                run(&mut connection, "BEGIN").await;
                let mark = end_all(&mut connection, &realm, &Stage::subject(writer)).await;
                let while_others_go_on = Duration::from_millis((round * 7 + u64::from(writer) * 3) % 11);
                tokio::time::sleep(while_others_go_on).await;
                if round % 4 == 3 {
                    run(&mut connection, "ROLLBACK").await;
                } else {
                    run(&mut connection, "COMMIT").await;
                    committed.lock().unwrap().push(mark);
                }
            }
        }));
    }
    loop {
        let is_last = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let before = committed.lock().unwrap().clone();
        read_on(&stage, &mut cursor, &mut seen).await;
        assert!(before.iter().all(|mark| seen.contains(mark)), "a committed entry is missing");
        if is_last {
            break;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(!seen.contains(&late));
    run(&mut held, "COMMIT").await;
    read_on(&stage, &mut cursor, &mut seen).await;
    let mut expected: BTreeSet<_> = committed.lock().unwrap().iter().copied().collect();
    expected.insert(late);
    assert_eq!(seen.len(), expected.len(), "an entry came twice");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
}

/// A rotation that found the login live and is not committed yet goes before a count that would find it idle too long.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_count_waits_for_a_use_that_is_under_way() {
    let Some(world) = postgres::world().await else { return };
    let stage = Stage::of(&world);
    let subject = Stage::subject(0);
    let idle = Duration::from_secs(600);
    let login = auth_core::store::NewLogin { idle, ..stage.login(&subject, 1) };
    assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));

    let mut using = connect(&world).await;
    run(&mut using, "BEGIN").await;
    let rotated = sqlx::query("SELECT outcome FROM rotate($1, $2, 0, 0, $3, $3, $4, 0, 3600000, 0, 0)")
        .bind(stage.realm.as_str())
        .bind(login.id.as_bytes().to_vec())
        .bind(vec![1_u8; 32])
        .bind(vec![1_u8; 16])
        .fetch_one(&mut using);
    assert_eq!(rotated.await.unwrap().get::<String, _>(0), "rotated");
    let transaction = sqlx::query("SELECT pg_current_xact_id()::text").fetch_one(&mut using).await.unwrap();
    let transaction: String = transaction.get(0);

    world.advance(idle);
    let creating = tokio::spawn({
        let stage = stage.clone();
        async move { stage.create(&stage.login(&Stage::subject(0), 2), None, Some(Limit::Refuse(most(1)))).await }
    });
    let mut watching = connect(&world).await;
    loop {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND transactionid::text = $1)";
        let waits = sqlx::query(waits).bind(&transaction).fetch_one(&mut watching).await.unwrap();
        if waits.get(0) {
            break;
        }
        assert!(!creating.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    run(&mut using, "COMMIT").await;
    assert_eq!(creating.await.unwrap(), Created::LimitReached);
}

/// The entry that the cursor names is gone.
#[tokio::test]
async fn a_log_that_lost_its_end_begins_again() {
    let Some(world) = postgres::world().await else { return };
    let stage = Stage::of(&world);
    let (_, kept) = stage.end_all(&Stage::subject(1)).await;
    stage.end_all(&Stage::subject(2)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    run(&mut connect(&world).await, "DELETE FROM log WHERE id = (SELECT max(id) FROM log)").await;
    let page = stage.page(&cursor, 10).await;
    assert_eq!(page.reset, Some(Reset::UnknownMark));
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), [kept]);
}

/// The entry that the cursor names is gone, and was over.
#[tokio::test]
async fn a_log_whose_old_entries_were_purged_is_read_again_without_alarm() {
    let Some(world) = postgres::world().await else { return };
    let stage = Stage::of(&world);
    stage.end_all(&Stage::subject(1)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    world.advance(2 * HOUR);
    assert_eq!(stage.page(&cursor, 10).await.reset, None);
    let (_, mark) = stage.end_all(&Stage::subject(2)).await;
    run(&mut connect(&world).await, "DELETE FROM log WHERE id = (SELECT min(id) FROM log)").await;
    let page = stage.page(&cursor, 10).await;
    assert_eq!(page.reset, Some(Reset::Purged));
    assert_eq!(page.entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), [mark]);
    assert_eq!(stage.page(&page.next, 10).await.reset, None);
}

/// Numbers of transactions that were never made durable are used again: cursors of before mean nothing.
#[tokio::test]
async fn a_crash_begins_another_incarnation() {
    let Some(server) = Server::another_postgres() else { return };
    let world = postgres::world_on(&server).await;
    let stage = Stage::of(&world);
    let (_, mark) = stage.end_all(&Stage::subject(1)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    assert_eq!(stage.page(&cursor, 10).await.reset, None);

    let mut victim = connect(&world).await;
    let id = sqlx::query("SELECT pg_backend_pid()::text").fetch_one(&mut victim).await.unwrap();
    let killed = std::process::Command::new("kill").args(["-KILL", id.get::<&str, _>(0)]).status().unwrap();
    assert!(killed.success());
    let most = std::num::NonZeroU32::new(10).unwrap();
    // Until the server has noticed, it goes on; then the connections of before the crash break, one after the other.
    let page = tokio::time::timeout(HOUR / 60, async {
        loop {
            match world.store.page(&stage.realm, &cursor, most).await {
                Ok(page) if page.value.reset.is_some() => return page.value,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    let page = page.await.unwrap();
    assert_eq!(page.reset, Some(Reset::Incarnation));
    assert!(page.entries.iter().any(|entry| entry.mark == mark));
    assert_eq!(stage.page(&page.next, 10).await.reset, None);
}

/// It does not know what is in progress, nor what was written last. As the primary it is another incarnation.
#[tokio::test]
async fn a_standby_does_not_answer_until_it_is_promoted() {
    let Some(server) = Server::another_postgres() else { return };
    let world = postgres::world_on(&server).await;
    let stage = Stage::of(&world);
    let login = stage.login(&Stage::subject(1), 1);
    assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));
    stage.end_all(&Stage::subject(2)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    let Some(standby) = server.standby() else { return };
    let promoted = postgres::on_standby(&world, &standby).await;
    let standby = &promoted.store;
    // It is the same store, otherwise.
    assert!(standby.login(&stage.realm, login.id).await.unwrap().value.is_some());
    let most = std::num::NonZeroU32::MIN;
    let page = standby.page(&stage.realm, &cursor, most).await.unwrap_err();
    assert!(format!("{page:?}").contains("not read on a standby"), "{page:?}");
    let ids = Ids { login: Some(login.id), ..Ids::default() };
    let standing = standby.standing(&stage.realm, &ids).await.unwrap_err();
    assert!(format!("{standing:?}").contains("a standby does not know"), "{standing:?}");
    let subject = Stage::subject(1);
    assert!(standby.end_all(&stage.realm, &subject, None, HOUR).await.is_err());

    run(&mut connect(&promoted).await, "SELECT pg_promote()").await;
    let (_, mark) = Stage::of(&promoted).end_all(&subject).await;
    let page = Stage::of(&promoted).page(&cursor, 10).await;
    assert_eq!(page.reset, Some(Reset::Incarnation));
    assert!(page.entries.iter().any(|entry| entry.mark == mark));
}
