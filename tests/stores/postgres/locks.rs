//! Steps that wait for each other, and those that do not.

use std::time::Duration;

use auth_core::id::Position;
use auth_core::store::{Created, FamilyStore as _, Limit, LoginStore as _, NewLogin, Rotated, Touch};
use auth_core::testing::contract::World as _;
use sqlx::Row as _;

use crate::concurrency::{HOUR, Stage, most};
use crate::postgres::world::{PostgresWorld, Stranger};

/// Waits until somebody waits for the transaction of this connection.
async fn until_waited_for<T>(
    world: &PostgresWorld,
    holder: &mut Stranger,
    task: &tokio::task::JoinHandle<T>,
) {
    let transaction = holder.text("SELECT pg_current_xact_id()::text").await;
    let mut watching = world.stranger().await;
    let waits =
        format!("SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid::text = '{transaction}'");
    while watching.number(&waits).await == 0 {
        assert!(!task.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
}

/// A rotation that found the login live and is not committed yet goes before a count that would find it idle too long.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_count_waits_for_a_use_that_is_under_way() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let idle = Duration::from_secs(600);
    let login = NewLogin { idle, ..stage.login(&Stage::subject(0), 1) };
    assert!(matches!(stage.create(&login, None, None).await, Created::Made { .. }));

    let mut using = world.stranger().await;
    using.run("BEGIN").await;
    let rotate = "SELECT is_done FROM {s}.auth_rotate($1, 0, $2, 0, 0, $3, $3, $4, 0, 3600000, 0)";
    let rotated = sqlx::query(using.sql(rotate))
        .bind(stage.realm.as_str())
        .bind(login.id.as_bytes().as_slice())
        .bind([1_u8; 32].as_slice())
        .bind([1_u8; 16].as_slice())
        .fetch_one(&mut using.connection);
    assert!(rotated.await.unwrap().get::<bool, _>(0));

    world.advance(idle);
    let creating = tokio::spawn({
        let stage = stage.clone();
        async move { stage.create(&stage.login(&Stage::subject(0), 2), None, Some(Limit::Refuse(most(1)))).await }
    });
    until_waited_for(&world, &mut using, &creating).await;
    using.run("COMMIT").await;
    assert_eq!(creating.await.unwrap(), Created::LimitReached);
}

/// Uses and purges pass over it, and a confirmation waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_locked_row_delays_confirmations_only() {
    let Some(world) = PostgresWorld::new().await else { return };
    let (stage, store) = (Stage::of(&world), world.store.clone());
    let subject = Stage::subject(0);
    for number in [1, 2] {
        let made = stage.create(&stage.login(&subject, number), None, None).await;
        assert!(matches!(made, Created::Made { .. }));
        let rotated = store.rotate(&stage.realm, &stage.rotation(&subject, number, number + 100)).await;
        assert!(matches!(rotated.unwrap().value, Rotated::Rotated(_)));
    }
    let [locked, free] = [1, 2].map(|number| stage.id(&subject, number));
    let mut holder = world.stranger().await;
    holder.run("BEGIN").await;
    let lock = sqlx::query(holder.sql("SELECT 1 FROM {s}.auth_login WHERE id = $1 FOR UPDATE"));
    lock.bind(locked.as_bytes().as_slice()).execute(&mut holder.connection).await.unwrap();

    world.advance(HOUR / 2);
    let touches = [locked, free].map(|login| Touch { login, ago: Duration::ZERO, idle: HOUR });
    let now = store.touch(&stage.realm, &touches).await.unwrap().now;
    let seen_at = async |id| {
        let login = store.login(&stage.realm, id).await.unwrap().value;
        login.expect("it is live").row.last_seen_at
    };
    assert!(seen_at(locked).await < now);
    assert_eq!(seen_at(free).await, now);

    let confirming = tokio::spawn({
        let (store, realm) = (store.clone(), stage.realm.clone());
        let position = Position { generation: 1, branch: 0 };
        let batch = [free, locked].map(|login| (login, position));
        async move { store.confirm(&realm, &batch).await.unwrap() }
    });
    world.advance(HOUR * 3);
    let purged = store.purge().await.unwrap().value;
    assert!(!confirming.is_finished());
    holder.run("COMMIT").await;
    confirming.await.unwrap();
    assert_eq!(purged + store.purge().await.unwrap().value, 2);
}

/// PostgreSQL breaks the deadlock, and the step is tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_is_retried_after_a_deadlock() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let first = Stage::subject(1);
    assert!(matches!(stage.create(&stage.login(&first, 1), None, None).await, Created::Made { .. }));
    // It holds a login and wants the record; the step holds the record and wants the login.
    let mut holder = world.stranger().await;
    holder.run("SET deadlock_timeout = '1h'; BEGIN").await;
    let lock = sqlx::query(holder.sql("SELECT 1 FROM {s}.auth_login WHERE id = $1 FOR UPDATE"));
    let id = stage.id(&first, 1);
    lock.bind(id.as_bytes().as_slice()).execute(&mut holder.connection).await.unwrap();
    let ending = tokio::spawn({
        let stage = stage.clone();
        let login = NewLogin { replaces: Some(id), ..stage.login(&first, 3) };
        async move { stage.create(&login, None, None).await }
    });
    until_waited_for(&world, &mut holder, &ending).await;
    let lock = sqlx::query(holder.sql("SELECT 1 FROM {s}.auth_subject WHERE subject = $1 FOR NO KEY UPDATE"));
    lock.bind(first.as_str()).execute(&mut holder.connection).await.unwrap();
    holder.run("COMMIT").await;
    let Created::Made { replaced, .. } = ending.await.unwrap() else { panic!("it was not made") };
    assert!(replaced.is_some());
}

/// A transaction that holds a record and does not end: the caller gets an error in time, and nothing is half done.
#[tokio::test]
async fn a_step_that_waits_too_long_fails() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let subject = Stage::subject(0);
    let (epoch, _) = stage.end_all(&subject).await;
    let store = world.builder().timeout(Duration::from_millis(300)).open().await.unwrap();
    let mut holder = world.stranger().await;
    holder.run("BEGIN; SELECT 1 FROM {s}.auth_subject FOR UPDATE").await;
    let error = store.end_all(&stage.realm, &subject, None, HOUR).await.unwrap_err();
    assert_eq!(format!("{error:?}"), "StoreError(PostgreSQL did not answer in time)");
    let ticket = store.ticket(&stage.realm, &subject).await.unwrap().value;
    assert_eq!(ticket.epoch, epoch, "readers do not wait");
    holder.run("ROLLBACK").await;
    assert!(stage.end_all(&subject).await.0 > epoch);
}

/// It is timed when it has the lock, and what ended in the meantime does not rotate.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_that_waits_for_a_lock_looks_again() {
    let Some(world) = PostgresWorld::new().await else { return };
    let stage = Stage::of(&world);
    let subject = Stage::subject(0);
    for (number, ends) in [(1, false), (2, true)] {
        assert!(matches!(
            stage.create(&stage.login(&subject, number), None, None).await,
            Created::Made { .. }
        ));
        let id = stage.id(&subject, number);
        let mut holder = world.stranger().await;
        holder.run("BEGIN").await;
        let lock = sqlx::query(holder.sql("SELECT 1 FROM {s}.auth_login WHERE id = $1 FOR NO KEY UPDATE"));
        lock.bind(id.as_bytes().as_slice()).execute(&mut holder.connection).await.unwrap();
        let rotating = tokio::spawn({
            let (store, realm) = (world.store.clone(), stage.realm.clone());
            let rotation = stage.rotation(&subject, number, number + 100);
            async move { store.rotate(&realm, &rotation).await.unwrap() }
        });
        until_waited_for(&world, &mut holder, &rotating).await;
        if ends {
            stage.end_all(&subject).await;
        }
        // Longer than what passes for no wait.
        holder.run("SELECT pg_sleep(0.2)").await;
        let asked = world.store.ticket(&stage.realm, &subject).await.unwrap();
        holder.run("COMMIT").await;
        let done = rotating.await.unwrap();
        assert!(done.now >= asked.now, "it was timed before it had the lock");
        match done.value {
            Rotated::Rotated(login) if !ends => {
                let family = login.row.family.unwrap();
                assert_eq!((family.rotated_at, login.row.last_seen_at), (done.now, done.now));
                assert_eq!(login.row.idle_expires_at, done.now.after(HOUR));
            }
            Rotated::NotLive if ends => {}
            other => panic!("{other:?}"),
        }
    }
}
