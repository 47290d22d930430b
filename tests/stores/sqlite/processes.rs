//! Several processes on one file, as far as two opened stores are two processes.

use std::time::Duration;

use auth_core::store::sqlite::SqliteStore;
use auth_core::store::{
    Created, Cursor, FamilyStore as _, Limit, LoginStore as _, RevocationStore as _, Rotated,
};
use auth_core::testing::ManualClock;
use tempfile::TempDir;

use crate::sqlite::support::*;

#[tokio::test]
async fn many_may_create_the_file_at_once() {
    let folder = TempDir::new().unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let path = file(&folder);
            tokio::spawn(async move { add(&open(&path).await, number).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(count(&open(&file(&folder)).await).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_keep_one_limit_and_one_log() {
    let folder = TempDir::new().unwrap();
    let stores = [open(&file(&folder)).await, open(&file(&folder)).await];
    let limit = Some(Limit::EvictOldest(most(3)));
    let ticket = ticket(&stores[0]).await;
    let tasks: Vec<_> = (0..64)
        .map(|number: u32| {
            let (store, ticket) = (stores[number as usize % 2].clone(), ticket.clone());
            tokio::spawn(async move {
                store.create(&realm(), &ticket, &login(number), None, limit).await.unwrap().value
            })
        })
        .collect();
    let mut evicted = 0;
    for task in tasks {
        let Created::Made { evicted: some, .. } = task.await.unwrap() else {
            panic!("a login was not created")
        };
        evicted += some.len();
    }
    for store in &stores {
        assert_eq!(count(store).await, 3);
        assert_eq!((evicted, page(store, &Cursor::start()).await.entries.len()), (61, 61));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_begins_beside_an_ending_of_all() {
    let folder = TempDir::new().unwrap();
    let stores = [open(&file(&folder)).await, open(&file(&folder)).await];
    for round in 0..20_u32 {
        let ticket = ticket(&stores[0]).await;
        let creating: Vec<_> = (0..4)
            .map(|number| {
                let (store, ticket) = (stores[1].clone(), ticket.clone());
                let login = login(round * 4 + number);
                tokio::spawn(
                    async move { store.create(&realm(), &ticket, &login, None, None).await.unwrap() },
                )
            })
            .collect();
        stores[0].end_all(&realm(), &anna(), None, HOUR).await.unwrap();
        for task in creating {
            task.await.unwrap();
        }
        assert_eq!(count(&stores[1]).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_log_misses_nothing_beside_writers() {
    let folder = TempDir::new().unwrap();
    let store = open(&file(&folder)).await;
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let path = file(&folder);
            tokio::spawn(async move {
                let store = open(&path).await;
                let mut marks = Vec::new();
                for _ in 0..25 {
                    let token = auth_core::id::TokenId::from_bytes([7; 16]);
                    marks.push(store.revoke_token(&realm(), &anna(), token, HOUR).await.unwrap().value.mark);
                }
                marks
            })
        })
        .collect();
    let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
    while seen.len() < 100 {
        let page = store.page(&realm(), &cursor, most(7)).await.unwrap().value;
        assert_eq!(page.reset, None);
        seen.extend(page.entries.iter().map(|entry| entry.mark));
        cursor = page.next;
    }
    let mut written = Vec::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    seen.sort_unstable();
    written.sort_unstable();
    assert_eq!(seen, written);
}

#[tokio::test]
async fn a_file_that_another_process_locks_is_an_error_in_time() {
    let folder = TempDir::new().unwrap();
    let builder = SqliteStore::builder(file(&folder)).clock(ManualClock::new(NOW));
    let store = builder.busy_timeout(Duration::from_millis(50)).open().await.unwrap();
    add(&store, 1).await;
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "BEGIN IMMEDIATE").await;
    assert!(end(&store, 1).await.is_err());
    assert!(store.claims_changed(&realm(), &anna(), HOUR).await.is_err());
    // Reading goes on, and so does writing once the other one is done.
    assert_eq!(state(&store, 1).await, (true, true, false));
    run(&mut stranger, "ROLLBACK").await;
    assert!(end(&store, 1).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_write_is_read_when_it_has_the_lock() {
    let folder = TempDir::new().unwrap();
    let clock = ManualClock::new(NOW);
    let store = open_at(&file(&folder), clock.clone()).await;
    add(&store, 1).await;
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "BEGIN IMMEDIATE").await;
    let waiting = tokio::spawn(async move { store.touch(&realm(), &[]).await.unwrap().now });
    tokio::time::sleep(Duration::from_millis(100)).await;
    clock.advance(HOUR);
    run(&mut stranger, "ROLLBACK").await;
    assert_eq!(waiting.await.unwrap(), NOW.after(HOUR));
}

#[tokio::test]
async fn a_rotation_that_waited_for_the_lock_happens_when_it_has_it() {
    let folder = TempDir::new().unwrap();
    let clock = ManualClock::new(NOW);
    let store = open_at(&file(&folder), clock.clone()).await;
    add(&store, 1).await;
    let mut stranger = stranger(&file(&folder)).await;
    run(&mut stranger, "BEGIN IMMEDIATE").await;
    let waiting = tokio::spawn(async move { store.rotate(&realm(), &rotation(1)).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    clock.advance(HOUR / 2);
    run(&mut stranger, "ROLLBACK").await;
    let rotated = waiting.await.unwrap();
    let Rotated::Rotated(live) = rotated.value else { panic!("{:?}", rotated.value) };
    assert_eq!(
        (rotated.now, live.row.family.unwrap().rotated_at),
        (NOW.after(HOUR / 2), NOW.after(HOUR / 2))
    );
}
