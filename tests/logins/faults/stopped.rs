//! A node that stops at a call of the store, before it is done or after, with all its tasks: the next one over the same
//! file goes on from there.

use std::future::Future;
use std::path::Path;

use auth_core::audit::AuditEvent;
use auth_core::login::Tokens;
use auth_tests::shop::{assert_refused, login_of, refresh_of};
use auth_tests::{Fault, Forged, GRACE, Gate, HOUR, Node, Op, World, anna, in_time, subject, within};
use http::{Method, StatusCode};
use tempfile::TempDir;

/// Whether the call is done before the node stops, and the fault.
type Stop = (bool, fn(Gate) -> Fault);

fn stops() -> [Stop; 2] {
    [(false, Fault::StopBefore), (true, Fault::StopAfter)]
}

/// Runs the first half in a runtime that is dropped when somebody stands at the gate, and the second in a new one.
fn stop_and_start<F, G>(first: impl AsyncFnOnce(World, Gate) -> F, second: impl FnOnce(World, F) -> G)
where
    G: Future<Output = ()>,
{
    let folder = TempDir::new().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stopping = runtime();
    let kept = stopping.block_on(async {
        let gate = Gate::closed();
        let kept = first(World::in_folder(folder.path()).await, gate.clone()).await;
        gate.reached().await;
        kept
    });
    drop(stopping);
    runtime().block_on(async { second(World::in_folder(folder.path()).await, kept).await });
    assert_file_is_intact(folder.path());
}

/// Nothing but the database and its log is left in the folder.
fn assert_file_is_intact(folder: &Path) {
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(["auth.db", "auth.db-wal", "auth.db-shm"].contains(&name.as_str()), "{name}");
    }
}

/// Starts a call whose result is not awaited.
fn start<F: Future + Send + 'static>(node: &Node, work: impl FnOnce(Node) -> F)
where
    F::Output: Send,
{
    tokio::spawn(work(node.clone()));
}

#[test]
fn a_rotation_that_was_stopped_is_answered_by_the_next_node() {
    for (is_committed, stop) in stops() {
        for wait in [GRACE / 2, HOUR] {
            stop_and_start(
                async |world, gate| {
                    let node = world.node().await;
                    let first = refresh_of(&node.login(anna()).await);
                    node.store.next(Op::Rotate, stop(gate));
                    let token = first.clone();
                    start(&node, async move |node| node.refresh(&token).await);
                    first
                },
                async |world, first: String| {
                    world.clock.advance(wait);
                    let node = world.node().await;
                    let before = node.family(&first).await;
                    assert_eq!(before.position.generation, u32::from(is_committed));
                    let tokens = node.refresh(&first).await.unwrap();
                    let next = Forged::from(&refresh_of(&tokens));
                    let branch = u16::from(is_committed && wait == HOUR);
                    assert_eq!((next.generation(), next.branch()), (1, branch));
                    assert_eq!(next.hash() == before.current, is_committed && branch == 0);
                    assert_eq!(next.hash(), node.family(&first).await.current);
                    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
                    world.clock.advance(GRACE);
                    assert!(node.refresh(&refresh_of(&tokens)).await.is_ok());
                },
            );
        }
    }
}

#[test]
fn a_replacement_that_was_stopped_is_answered_by_the_next_node() {
    for (is_committed, stop) in stops() {
        stop_and_start(
            async |world, gate| {
                let node = world.node().await;
                let first = refresh_of(&node.login(anna()).await);
                drop(node.refresh(&first).await.unwrap());
                world.clock.advance(GRACE);
                node.store.next(Op::ReplaceFamily, stop(gate));
                let token = first.clone();
                start(&node, async move |node| node.refresh(&token).await);
                first
            },
            async |world, first: String| {
                world.clock.advance(GRACE);
                let node = world.node().await;
                assert_eq!(node.family(&first).await.position.branch, u16::from(is_committed));
                let next = refresh_of(&node.refresh(&first).await.unwrap());
                assert_eq!((Forged::from(&next).generation(), Forged::from(&next).branch()), (1, 1));
                assert_eq!(node.events.thefts(), 0);
            },
        );
    }
}

#[test]
fn a_theft_that_was_found_out_by_a_node_that_stopped_is_found_out_again() {
    for (is_committed, stop) in stops() {
        stop_and_start(
            async |world, gate| {
                let node = world.node().await;
                let first = refresh_of(&node.login(anna()).await);
                let owner = node.refresh(&first).await.unwrap();
                node.get("/me", owner.access_token()).await.assert_text("anna, by jwt");
                node.flush().await;
                world.clock.advance(GRACE);
                node.store.next(Op::End, stop(gate));
                let token = first.clone();
                start(&node, async move |node| node.refresh(&token).await);
                (first, owner)
            },
            async |world, (first, owner): (String, Tokens)| {
                world.clock.advance(GRACE);
                let node = world.node().await;
                assert_eq!(node.row(&first).await.is_none(), is_committed);
                assert_refused(&node.refresh(&first).await);
                assert_refused(&node.refresh(&refresh_of(&owner)).await);
                node.get("/me", owner.access_token()).await.assert_invalid_token();
                assert_eq!(node.row(&first).await, None);
            },
        );
    }
}

#[test]
fn a_sign_out_that_was_stopped_happened_or_can_be_repeated() {
    for (is_committed, stop) in stops() {
        stop_and_start(
            async |world, gate| {
                let node = world.node().await;
                let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
                node.store.next(Op::End, stop(gate));
                let access = tokens.access_token().to_owned();
                start(&node, async move |node| node.bearer(Method::POST, "/auth/logout", &access).await);
                (tokens, cookie)
            },
            async |world, (tokens, cookie): (Tokens, String)| {
                let node = world.node().await;
                if is_committed {
                    node.get("/me", tokens.access_token()).await.assert_invalid_token();
                } else {
                    let reply = node.bearer(Method::POST, "/auth/logout", tokens.access_token()).await;
                    assert_eq!(reply.status, StatusCode::NO_CONTENT);
                }
                for node in [&node, &world.node().await] {
                    node.get("/me", tokens.access_token()).await.assert_invalid_token();
                    assert_refused(&node.refresh(&refresh_of(&tokens)).await);
                    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
                }
            },
        );
    }
}

#[test]
fn a_sign_in_that_was_stopped_gives_no_access() {
    for (is_committed, stop) in stops() {
        stop_and_start(
            async |world, gate| {
                let node = world.node().await;
                let cookie = node.sign_in("anna", "").await;
                node.store.next(Op::Create, stop(gate));
                let browser = cookie.clone();
                start(&node, async move |node| node.sign_in("anna", &browser).await);
                cookie
            },
            async |world, cookie: String| {
                let node = world.node().await;
                let reply = node.get_by_cookie("/me", &cookie).await;
                if is_committed {
                    reply.assert_invalid_session();
                } else {
                    reply.assert_text("anna, by session");
                }
                assert_eq!(node.logins_of("anna").await.len(), 1);
                let cookie = node.sign_in("anna", &cookie).await;
                node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
            },
        );
    }
}

/// The use was queued, and not yet written. The thief gets its one turn; the owner's next refresh ends it.
#[test]
fn a_use_that_a_stopped_node_had_not_written_costs_one_turn_and_no_more() {
    stop_and_start(
        async |world, gate| {
            let node = world.node().await;
            let first = refresh_of(&node.login(anna()).await);
            let owner = node.refresh(&first).await.unwrap();
            node.store.always(Op::Confirm, Fault::StopBefore(gate));
            node.get("/me", owner.access_token()).await.assert_text("anna, by jwt");
            start(&node, async move |node| in_time(node.auth.flush()).await);
            (first, owner)
        },
        async |world, (first, owner): (String, Tokens)| {
            world.clock.advance(GRACE);
            let node = world.node().await;
            let thief = node.refresh(&first).await.unwrap();
            node.get("/me", thief.access_token()).await.assert_text("anna, by jwt");
            assert_refused(&node.refresh(&refresh_of(&owner)).await);
            node.get("/me", thief.access_token()).await.assert_invalid_token();
            assert_refused(&node.refresh(&refresh_of(&thief)).await);
            assert!(node.logins_of("anna").await.is_empty());
        },
    );
}

#[test]
fn a_request_that_its_client_dropped_still_ends_the_login() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::sqlite().await;
        let node = world.node().await;
        let tokens = node.login(anna()).await;
        let gate = Gate::closed();
        node.store.next(Op::End, Fault::StopBefore(gate.clone()));
        let client = {
            let (node, access) = (node.clone(), tokens.access_token().to_owned());
            tokio::spawn(async move { node.bearer(Method::POST, "/auth/logout", &access).await })
        };
        gate.reached().await;
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        gate.open();
        let login = login_of(&refresh_of(&tokens));
        let ended =
            |event: &AuditEvent| matches!(event, AuditEvent::LoginEnded { login: id, .. } if *id == login);
        within("the end of the login", async {
            while node.events.count(ended) == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(node.logins_of("anna").await.is_empty());
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
        assert_eq!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap(), 0);
    });
}
