//! A process that dies at a call of the store, before it is done or after: what was acknowledged is there, and the rest can
//! be tried again.

use auth_tests::shop::{assert_refused, refresh_of};
use auth_tests::{Fault, Forged, GRACE, HOUR, Node, Op, World, anna, in_own_process, in_time, subject};
use std::path::Path;

use http::Method;
use tempfile::TempDir;

const FOLDER: &str = "AUTH_TESTS_FOLDER";
const FAULT: &str = "AUTH_TESTS_FAULT";
const DEED: &str = "AUTH_TESTS_DEED";

/// What a killed process leaves in its file.
struct Left {
    world: World,
    node: Node,
    refresh_token: String,
    access_token: String,
    cookie: String,
    is_committed: bool,
}

/// Lets a process of its own sign in, do something, and die at it; once before it is done, and once after.
async fn after_dying_at(deed: &str, check: impl AsyncFn(Left)) {
    for fault in ["before", "after"] {
        let folder = TempDir::new().unwrap();
        let test = format!("{}::a_process_aborts_when_it_is_told_to", own_path());
        let variables = [(FAULT, fault.as_ref()), (DEED, deed.as_ref()), (FOLDER, folder.path().as_os_str())];
        let status = in_own_process(&test, variables).await.status;
        assert_eq!(status.code(), None, "the process was to die: {status}");
        let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let world = World::in_folder(folder.path()).await;
        let node = world.node().await;
        let left = Left {
            refresh_token: read("refresh"),
            access_token: read("access"),
            cookie: read("cookie"),
            is_committed: fault == "after",
            world,
            node,
        };
        check(left).await;
    }
}

/// Where this module is in the list of tests.
fn own_path() -> &'static str {
    module_path!().split_once("::").unwrap().1
}

/// Not a test unless [`after_dying_at`] started the process.
#[tokio::test]
async fn a_process_aborts_when_it_is_told_to() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let world = World::in_folder(folder).await;
    let node = world.node().await;
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    let keep = |name, text: &str| std::fs::write(folder.join(name), text).unwrap();
    keep("refresh", &refresh_of(&tokens));
    keep("access", tokens.access_token());
    keep("cookie", &cookie);
    let fault = if std::env::var(FAULT).unwrap() == "after" { Fault::DieAfter } else { Fault::DieBefore };
    match std::env::var(DEED).unwrap().as_str() {
        "rotate" => {
            node.store.next(Op::Rotate, fault);
            drop(node.refresh(&refresh_of(&tokens)).await);
        }
        "steal" => {
            let next = node.refresh(&refresh_of(&tokens)).await.unwrap();
            node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
            world.clock.advance(GRACE);
            node.store.next(Op::End, fault);
            drop(node.refresh(&refresh_of(&tokens)).await);
        }
        "sign out" => {
            node.store.next(Op::End, fault);
            node.browser(Method::POST, "/auth/logout", &cookie).await;
        }
        "sign out and rotate" => {
            node.browser(Method::POST, "/auth/logout", &cookie).await;
            node.store.next(Op::Rotate, fault);
            drop(node.refresh(&refresh_of(&tokens)).await);
        }
        "end all" => {
            node.store.next(Op::EndAll, fault);
            drop(in_time(node.auth.end_all_logins(&subject("anna"))).await);
        }
        deed => panic!("{deed}"),
    }
}

#[tokio::test]
async fn a_rotation_of_a_process_that_died_is_answered_by_the_next() {
    after_dying_at("rotate", async |left| {
        let Left { world, node, refresh_token, is_committed, .. } = left;
        assert_eq!(node.family(&refresh_token).await.position.generation, u32::from(is_committed));
        let committed = node.family(&refresh_token).await.current;
        let tokens = node.refresh(&refresh_token).await.unwrap();
        let next = Forged::from(&refresh_of(&tokens));
        assert_eq!((next.generation(), next.branch()), (1, 0));
        assert_eq!(next.hash() == committed, is_committed);
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        world.clock.advance(HOUR);
        assert!(node.refresh(&refresh_of(&tokens)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_theft_that_a_dying_process_found_out_is_acted_on() {
    after_dying_at("steal", async |left| {
        let Left { world, node, refresh_token, access_token, cookie, is_committed } = left;
        assert_eq!(node.row(&refresh_token).await.is_none(), is_committed);
        world.clock.advance(2 * GRACE);
        assert_refused(&node.refresh(&refresh_token).await);
        assert_eq!(node.row(&refresh_token).await, None);
        node.get("/me", &access_token).await.assert_invalid_token();
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    })
    .await;
}

#[tokio::test]
async fn a_login_whose_process_was_killed_at_the_sign_out_has_ended_or_is_unchanged() {
    after_dying_at("sign out", async |left| {
        let Left { world, node, refresh_token, access_token, cookie, is_committed } = left;
        node.get("/me", &access_token).await.assert_text("anna, by jwt");
        if !is_committed {
            node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
            node.browser(Method::POST, "/auth/logout", &cookie).await;
        }
        for node in [&node, &world.node().await] {
            node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
            assert_eq!(node.logins_of("anna").await.len(), 1);
        }
        assert!(node.refresh(&refresh_token).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn an_acknowledged_sign_out_survives_the_death_of_the_process() {
    after_dying_at("sign out and rotate", async |left| {
        let Left { node, refresh_token, cookie, .. } = left;
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_eq!(node.logins_of("anna").await.len(), 1);
        assert!(node.refresh(&refresh_token).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn all_logins_end_or_none_when_the_process_is_killed() {
    after_dying_at("end all", async |left| {
        let Left { node, refresh_token, access_token, cookie, is_committed, .. } = left;
        assert_eq!(node.logins_of("anna").await.len(), if is_committed { 0 } else { 2 });
        if !is_committed {
            assert_eq!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap(), 2);
        }
        node.get("/me", &access_token).await.assert_invalid_token();
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_refused(&node.refresh(&refresh_token).await);
    })
    .await;
}
