//! One token, presented many times at once.

use std::sync::Arc;

use auth_core::audit::AuditEvent;
use auth_core::id::Position;
use auth_tests::shop::{login_of, refresh_of};
use auth_tests::{Forged, GRACE, HOUR, Node, World, anna, joined};
use tokio::sync::Barrier;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_all_presentations_get_the_same_bytes() {
    for many in [2, 10, 100, 1000] {
        let world = World::memory();
        present_at_once(&[world.node().await], many, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_sqlite_all_presentations_get_the_same_bytes() {
    for many in [2, 10, 100, 1000] {
        let world = World::sqlite().await;
        present_at_once(&[world.node().await], many, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_three_nodes_all_presentations_get_the_same_bytes() {
    for world in [World::memory(), World::sqlite().await] {
        present_at_once(&[world.node().await, world.node().await, world.node().await], 300, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_lost_response_all_presentations_get_the_same_replacement() {
    for world in [World::memory(), World::sqlite().await] {
        present_at_once(&[world.node().await, world.node().await], 100, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stolen_token_that_is_presented_many_times_ends_the_login_once() {
    for world in [World::memory(), World::sqlite().await] {
        let node = world.node().await;
        let first = refresh_of(&node.login(anna()).await);
        let second = refresh_of(&node.refresh(&first).await.unwrap());
        world.clock.advance(GRACE);
        drop(node.refresh(&second).await.unwrap());
        let barrier = Arc::new(Barrier::new(50));
        let tasks: Vec<_> = (0..50).map(|_| start(&node, &first, &barrier)).collect();
        for task in tasks {
            assert_eq!(joined(task).await, None);
        }
        assert_eq!(node.row(&first).await, None);
        assert_eq!(node.events.count(|event| matches!(event, AuditEvent::LoginEnded { .. })), 1);
        assert!(node.events.thefts() >= 1);
    }
}

/// Presents the first token of a new login on the nodes in turn, after `lost` responses were lost.
async fn present_at_once(nodes: &[Node], many: usize, lost: u16) {
    let first = refresh_of(&nodes[0].login(anna()).await);
    for _ in 0..lost {
        drop(nodes[0].refresh(&first).await.unwrap());
        nodes[0].clock.advance(HOUR);
    }
    nodes.iter().for_each(|node| node.events.clear());
    let barrier = Arc::new(Barrier::new(many));
    let tasks: Vec<_> =
        (0..many).map(|number| start(&nodes[number % nodes.len()], &first, &barrier)).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(joined(task).await.unwrap());
    }
    let all_same = answers.iter().all(|answer| *answer == answers[0]);
    assert!(all_same, "{many} presentations got different tokens");

    let (next, family) = (Forged::from(&answers[0]), nodes[0].family(&first).await);
    assert_eq!((next.generation(), next.branch()), (1, lost));
    assert_eq!((family.position, family.current), (Position { generation: 1, branch: lost }, next.hash()));
    let login = login_of(&first);
    let events: Vec<_> = nodes.iter().flat_map(|node| node.events.take()).collect();
    let rotated =
        events.iter().filter(|event| **event == AuditEvent::Rotated { login, generation: 1 }).count();
    let replayed =
        events.iter().filter(|event| **event == AuditEvent::Replayed { login, generation: 1 }).count();
    assert_eq!((rotated, replayed), if lost == 0 { (1, many - 1) } else { (0, many) });
    assert_eq!(events.len(), many);
}

/// Presents a token as soon as everybody is ready; the token that comes back.
fn start(node: &Node, token: &str, barrier: &Arc<Barrier>) -> tokio::task::JoinHandle<Option<String>> {
    let (node, token, barrier) = (node.clone(), token.to_owned(), barrier.clone());
    tokio::spawn(async move {
        barrier.wait().await;
        node.refresh(&token).await.ok().map(|tokens| refresh_of(&tokens))
    })
}
