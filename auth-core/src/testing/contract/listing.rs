//! Rules about listing the logins of a subject.

use std::sync::Arc;

use super::World;
use super::fixture::{Scene, anna, bert, most, seconds};
use crate::store::{EndReason, ListCursor, LiveLogin, NewLogin};

async fn list(scene: &Scene, after: Option<&ListCursor>, number: u32) -> Vec<LiveLogin> {
    scene.store.list(&scene.realm, &anna(), after, most(number)).await.expect("list").value
}

fn cursor(last: &LiveLogin) -> ListCursor {
    ListCursor { created_at: last.row.created_at, id: last.row.id }
}

/// Pages list each login once, newest first, and with equal times the higher id first.
pub async fn logins_are_listed_newest_first(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    assert_eq!(list(&scene, None, 3).await, []);
    for number in [3, 1, 2, 9, 4, 8, 6] {
        scene.sign_in(number).await;
        if number % 2 == 1 {
            scene.advance(seconds(1));
        }
    }
    scene.sign_in_as(&scene.new_login(&bert(), 5), None).await;
    let mut expected = Vec::new();
    for number in [3, 1, 2, 9, 4, 8, 6] {
        expected.extend(scene.login(scene.id(number)).await);
    }
    expected.sort_by_key(|login| std::cmp::Reverse((login.row.created_at, login.row.id)));
    assert_eq!(expected.len(), 7);
    for size in [1, 2, 3, 6, 7, 8] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = list(&scene, after.as_ref(), size).await;
            let is_full = page.len() == usize::try_from(size).expect("a small number");
            after = page.last().map(cursor);
            found.extend(page);
            if !is_full {
                break;
            }
        }
        assert!(found == expected, "pages of {size}: {found:?}");
    }
}

/// Logins that were ended, have expired, or are another subject's are not listed, and do not shorten a page.
pub async fn only_live_logins_are_listed(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.sign_in(2).await;
    scene.end_all(Some(scene.id(1))).await;
    scene.sign_in_as(&NewLogin { lifetime: seconds(5), ..scene.annas(3) }, None).await;
    scene.sign_in_as(&NewLogin { idle: seconds(5), ..scene.annas(4) }, None).await;
    scene.sign_in_as(&scene.new_login(&bert(), 5), None).await;
    scene.advance(seconds(5));
    scene.sign_in(6).await;
    assert_eq!(scene.listed().await, [6, 1].map(|number| scene.id(number)));
    let page = list(&scene, None, 1).await;
    let page = list(&scene, page.last().map(cursor).as_ref(), 1).await;
    assert_eq!(page.iter().map(|login| login.row.id).collect::<Vec<_>>(), [scene.id(1)]);
}

/// The login that a cursor names may have ended.
pub async fn a_list_goes_on_after_a_login_that_ended(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in 1..=4 {
        scene.sign_in(number).await;
        scene.advance(seconds(1));
    }
    let page = list(&scene, None, 2).await;
    assert!(scene.end(scene.id(3), EndReason::SignedOut).await.is_some());
    scene.sign_in(5).await;
    let page = list(&scene, page.last().map(cursor).as_ref(), 9).await;
    let ids: Vec<_> = page.iter().map(|login| login.row.id).collect();
    assert_eq!(ids, [2, 1].map(|number| scene.id(number)));
}
