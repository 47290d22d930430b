//! Servers that crash, stop and come back.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::id::{LoginId, Position};
use auth_core::store::{
    Cursor, EndReason, Ids, LoginStore as _, Mark, Page, Reset, RevocationStore as _, Rotated, Rotation,
    SecretHash, Standing,
};
use auth_tests::server::Server;
use auth_tests::within;

use crate::concurrency::{HOUR, Stage, read_on};
use crate::postgres::world::PostgresWorld;

/// The first page that the server gives after it came back.
async fn page_after_return(world: &PostgresWorld, stage: &Stage, cursor: &Cursor) -> Page {
    let most = std::num::NonZeroU32::new(1000).unwrap();
    within("an answer of the server that came back", async {
        loop {
            match world.store.page(&stage.realm, cursor, most).await {
                Ok(page) if page.value.reset.is_some() => return page.value,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await
}

/// Numbers of transactions that were never made durable are used again: cursors of before mean nothing.
#[tokio::test]
async fn a_crash_of_a_connection_begins_another_incarnation() {
    let Some(server) = Server::another_postgres() else { return };
    let world = PostgresWorld::on(&server).await;
    let stage = Stage::of(&world);
    let (_, mark) = stage.end_all(&Stage::subject(1)).await;
    let cursor = stage.page(&Cursor::start(), 10).await.next;
    assert_eq!(stage.page(&cursor, 10).await.reset, None);

    let mut victim = world.stranger().await;
    let id = victim.text("SELECT pg_backend_pid()::text").await;
    assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    // Until the server has noticed, it goes on; then the connections of before the crash break.
    let page = page_after_return(&world, &stage, &cursor).await;
    assert_eq!(page.reset, Some(Reset::Incarnation));
    assert!(page.entries.iter().any(|entry| entry.mark == mark));
    assert_eq!(stage.page(&page.next, 10).await.reset, None);
}

/// What the server acknowledged.
#[derive(Default)]
struct Acknowledged {
    ended: Vec<(LoginId, Mark)>,
    rotated: Vec<(LoginId, u32)>,
}

/// Signs in, rotates three times, and ends every other login, until the server does not answer.
async fn use_until_error(
    stage: Stage,
    number: u8,
    acknowledged: Arc<Mutex<Acknowledged>>,
    is_over: Arc<AtomicBool>,
) {
    let store = &stage.store;
    for round in 0..u8::MAX {
        let subject = Stage::subject(number);
        let mut login = stage.login(&subject, number);
        let mut id = *login.id.as_bytes();
        id[15] = round;
        login.id = LoginId::from_bytes(id);
        let Ok(ticket) = store.ticket(&stage.realm, &subject).await else { break };
        if store.create(&stage.realm, &ticket.value, &login, None, None).await.is_err() {
            break;
        }
        for generation in 0..3_u8 {
            let secret = |generation| SecretHash::from_bytes([number + generation; 32]);
            let rotation = Rotation {
                login: login.id,
                presented: Position { generation: generation.into(), branch: 0 },
                secret: secret(generation),
                successor: secret(generation + 1),
                ..stage.rotation(&subject, number, 0)
            };
            match store.rotate(&stage.realm, &rotation).await {
                Ok(done) => assert!(matches!(done.value, Rotated::Rotated(_)), "{:?}", done.value),
                Err(_) => {
                    is_over.store(true, Ordering::SeqCst);
                    return;
                }
            }
            acknowledged.lock().unwrap().rotated.push((login.id, u32::from(generation) + 1));
        }
        if round % 2 == 0 {
            let end = store.end(&stage.realm, &subject, login.id, EndReason::SignedOut, HOUR).await;
            match end {
                Ok(done) => {
                    let logged = done.value.unwrap();
                    acknowledged.lock().unwrap().ended.push((login.id, logged.mark));
                }
                Err(_) => break,
            }
        }
    }
    is_over.store(true, Ordering::SeqCst);
}

/// `kill -9` of the whole server amid rotations and sign-outs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let Some(server) = Server::another_postgres() else { return };
    let world = PostgresWorld::on(&server).await;
    let stage = Stage::of(&world);
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let is_over = Arc::new(AtomicBool::new(false));
    let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
    let users: Vec<_> = (1..=6)
        .map(|number| {
            let (acknowledged, is_over) = (Arc::clone(&acknowledged), Arc::clone(&is_over));
            tokio::spawn(use_until_error(stage.clone(), number * 10, acknowledged, is_over))
        })
        .collect();
    while acknowledged.lock().unwrap().ended.len() < 60 {
        assert!(!is_over.load(Ordering::SeqCst), "the server failed before it was killed");
        read_on(&stage, &mut cursor, &mut seen).await;
    }
    server.kill_postgres();
    for user in users {
        user.await.unwrap();
    }
    server.restart_postgres();

    let page = page_after_return(&world, &stage, &cursor).await;
    assert_eq!(page.reset, Some(Reset::Incarnation));
    let Acknowledged { ended, rotated } = std::mem::take(&mut *acknowledged.lock().unwrap());
    for (id, mark) in &ended {
        assert!(page.entries.iter().any(|entry| entry.mark == *mark), "an end that was acknowledged is lost");
        let ids = Ids { login: Some(*id), ..Ids::default() };
        assert_eq!(world.store.standing(&stage.realm, &ids).await.unwrap().value, Standing::Gone);
    }
    let mut live = 0;
    for (id, generation) in &rotated {
        if let Some(login) = world.store.login(&stage.realm, *id).await.unwrap().value {
            let family = login.row.family.unwrap();
            assert!(family.position.generation >= *generation, "a rotation that was acknowledged is lost");
            live += 1;
        }
    }
    assert!(live > 0, "no login was left to look at");
    assert!(seen.iter().all(|mark| page.entries.iter().any(|entry| entry.mark == *mark)));
}

/// A server that hangs (SIGSTOP): calls fail in time, and afterwards the store goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_hangs_fails_calls_in_time() {
    let Some(server) = Server::another_postgres() else { return };
    let world = PostgresWorld::on(&server).await;
    let store = world.builder().timeout(Duration::from_millis(500)).max_connections(2).open().await.unwrap();
    let stage = Stage::of(&world);
    let subject = Stage::subject(1);
    let (epoch, _) = stage.end_all(&subject).await;
    store.ticket(&stage.realm, &subject).await.unwrap();
    let pause = |signal| {
        let sent = format!(
            "kill -{signal} $(head -n 1 {0}/data/postmaster.pid) $(pgrep -P $(head -n 1 {0}/data/postmaster.pid))",
            server.folder().display()
        );
        assert!(Command::new("sh").args(["-c", &sent]).status().unwrap().success());
    };
    pause("STOP");
    for _ in 0..6 {
        let error = store.ticket(&stage.realm, &subject).await.unwrap_err();
        assert!(
            format!("{error:?}").contains("in time") || format!("{error:?}").contains("timed out"),
            "{error:?}"
        );
    }
    pause("CONT");
    within("an answer of the server that goes on", async {
        while store.ticket(&stage.realm, &subject).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(stage.end_all(&subject).await.0 > epoch);
}
