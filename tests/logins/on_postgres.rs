//! Three nodes on one PostgreSQL: one token presented everywhere, an exact limit, an end that takes effect on the others, and a
//! server that is killed during refreshes.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_core::id::Position;
use auth_core::login::{LoginError, RefreshError};
use auth_core::store::Limit;
use auth_core::store::postgres::{PostgresStore, PostgresStoreBuilder};
use auth_core::web::LoginAttempt;
use auth_tests::server::Server;
use auth_tests::shop::{assert_works, login_of, refresh_of};
use auth_tests::{FaultyStore, Node, User, World, anna, eventually, joined, whole, within};
use http::StatusCode;

const MOST: NonZeroU32 = NonZeroU32::new(3).unwrap();
/// Longer than a busy machine takes for thousands of presentations.
const LONG: Duration = Duration::from_secs(60);

/// The same schema, as each node opens it with connections of its own.
fn store(server: &Server, schema: &str) -> PostgresStoreBuilder {
    PostgresStore::builder(&server.postgres_url()).schema(schema).max_connections(8).timeout(LONG)
}

async fn node(world: &World, store: PostgresStoreBuilder, limit: Limit) -> Node {
    let store = FaultyStore::over(Arc::new(within("a store", store.open()).await.unwrap()));
    world.node_over(store, |builder| builder.max_logins(limit).grace(LONG)).await
}

fn user_named(name: &str) -> User {
    User { name: name.to_owned(), ..anna() }
}

async fn three(server: &Server, schema: &str, limit: Limit) -> [Node; 3] {
    let world = World::memory();
    let node = || node(&world, store(server, schema), limit);
    [node().await, node().await, node().await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_presentations_on_each_node_get_the_same_bytes() {
    let Some(server) = Server::postgres() else { return };
    whole(async {
        let nodes = three(server, "presentations", Limit::Refuse(MOST)).await;
        let first = refresh_of(&nodes[0].login(anna()).await);
        let presented: Vec<_> = (0..3000)
            .map(|number| {
                let (node, token) = (nodes[number % 3].clone(), first.clone());
                tokio::spawn(async move { node.auth.refresh(&token, None).await })
            })
            .collect();
        let mut answers = Vec::new();
        for one in presented {
            answers.push(refresh_of(&one.await.unwrap().unwrap()));
        }
        assert_eq!(answers.len(), 3000);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "different tokens");
        assert_eq!(nodes[1].family(&first).await.position, Position { generation: 1, branch: 0 });
        assert!(nodes.iter().all(|node| node.events.thefts() == 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_is_exact_over_three_nodes() {
    let Some(server) = Server::postgres() else { return };
    whole(async {
        for (schema, limit) in [("refuses", Limit::Refuse(MOST)), ("evicts", Limit::EvictOldest(MOST))] {
            let nodes = three(server, schema, limit).await;
            let sign_ins: Vec<_> = (0..60)
                .map(|number| {
                    let node = nodes[number % 3].clone();
                    tokio::spawn(async move { node.auth.login_tokens(LoginAttempt::unknown(), anna()).await })
                })
                .collect();
            let (mut made, mut refused) = (Vec::new(), 0);
            for one in sign_ins {
                match one.await.unwrap() {
                    Ok(tokens) => made.push(tokens),
                    Err(LoginError::LimitReached) => refused += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
            let expected = if limit == Limit::Refuse(MOST) { (3, 57) } else { (60, 0) };
            assert_eq!((made.len(), refused), expected);
            let live = nodes[2].logins_of("anna").await;
            assert_eq!(live.len(), 3);
            for node in &nodes {
                node.catch_up().await;
                for tokens in &made {
                    let answer = node.get("/me", tokens.access_token()).await;
                    let is_live = live.contains(&login_of(&refresh_of(tokens)));
                    assert_eq!(answer.status == StatusCode::OK, is_live, "{}", answer.status);
                }
            }
        }
    })
    .await;
}

/// By a notification; and by the poll alone where notifications do not arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_end_on_one_node_is_refused_on_the_others() {
    let Some(server) = Server::postgres() else { return };
    whole(async {
        let world = World::memory();
        let nowhere = server.postgres_options().socket(PathBuf::from("/nowhere"));
        let ending = node(&world, store(server, "ends"), Limit::Refuse(MOST)).await;
        let pushed = node(&world, store(server, "ends"), Limit::Refuse(MOST)).await;
        let polling = node(&world, store(server, "ends").listen_on(nowhere), Limit::Refuse(MOST)).await;
        for _ in 0..5 {
            let tokens = ending.login(anna()).await;
            for node in [&pushed, &polling] {
                assert_works(node, &tokens).await;
            }
            ending.end(&refresh_of(&tokens)).await;
            for node in [&pushed, &polling] {
                eventually("the end arrives", async || {
                    let answer = node.get("/me", tokens.access_token()).await;
                    (answer.status == StatusCode::UNAUTHORIZED).then_some(())
                })
                .await;
            }
        }
    })
    .await;
}

/// Each refresh is done, or is to be tried again; and the next presentation of the same token succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_user_is_signed_out_when_the_server_is_killed_during_refreshes() {
    let Some(server) = Server::another_postgres() else { return };
    whole(async {
        let nodes = three(&server, "killed", Limit::Refuse(MOST)).await;
        let mut tokens = Vec::new();
        for number in 0..120 {
            let login = nodes[number % 3].login(user_named(&format!("user-{number}"))).await;
            tokens.push(refresh_of(&login));
        }
        let gone = refresh_of(&nodes[0].login(user_named("gone")).await);
        nodes[0].end(&gone).await;
        let refreshes: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(number, token)| {
                let (node, token) = (nodes[number % 3].clone(), token.clone());
                tokio::spawn(async move { node.auth.refresh(&token, None).await })
            })
            .collect();
        tokio::task::spawn_blocking(move || {
            server.kill_postgres();
            server.restart_postgres();
        })
        .await
        .unwrap();
        let mut successors = Vec::new();
        for refresh in refreshes {
            match joined(refresh).await {
                Ok(tokens) => successors.push(Some(refresh_of(&tokens))),
                Err(RefreshError::Unavailable(_)) => successors.push(None),
                Err(other) => panic!("{other:?}"),
            }
        }
        for (number, (token, successor)) in tokens.iter().zip(successors).enumerate() {
            let node = &nodes[(number + 1) % 3];
            let again = within("a refresh", async {
                loop {
                    match node.auth.refresh(token, None).await {
                        Err(RefreshError::Unavailable(_)) => tokio::time::sleep(LONG / 1000).await,
                        done => return done,
                    }
                }
            });
            let again = refresh_of(&again.await.unwrap());
            assert!(successor.is_none_or(|successor| successor == again), "another token than before");
        }
        let refused = nodes[1].auth.refresh(&gone, None).await;
        assert!(matches!(refused, Err(RefreshError::InvalidGrant)), "{refused:?}");
        assert!(nodes.iter().all(|node| node.events.thefts() == 0));
    })
    .await;
}
