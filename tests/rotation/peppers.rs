//! Peppers change while tokens live.

use auth_core::refresh::Peppers;
use auth_tests::forge::pepper;
use auth_tests::shop::{assert_refused, assert_try_again, refresh_of};
use auth_tests::{Forged, GRACE, HOUR, Node, World, anna, on_both_stores};

on_both_stores!(
    a_token_of_an_older_pepper_changes_to_the_current_one,
    a_retry_across_the_change_gets_the_same_bytes,
    a_lost_response_from_before_the_change_is_replaced,
    nodes_that_change_one_after_the_other_hand_out_the_same_bytes,
    a_stolen_token_of_an_older_pepper_is_theft,
    without_the_older_pepper_its_tokens_are_to_be_tried_again_and_nothing_is_revoked,
);

/// A node whose current pepper is `current`, and that accepts the `older` one.
async fn node(world: &World, current: u8, older: u8) -> Node {
    let peppers = Peppers::new(current, &pepper(current)).unwrap().with_older(older, &pepper(older)).unwrap();
    world.node_with(|builder| builder.peppers(peppers)).await
}

async fn a_token_of_an_older_pepper_changes_to_the_current_one(world: World) {
    let first = refresh_of(&world.node().await.login(anna()).await);
    let node = node(&world, 1, 0).await;
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    assert_eq!((Forged::from(&first).pepper(), Forged::from(&next).pepper()), (0, 1));
    world.clock.advance(GRACE);
    let third = refresh_of(&node.refresh(&next).await.unwrap());
    assert_eq!((Forged::from(&third).pepper(), Forged::from(&third).generation()), (1, 2));
    assert_eq!(refresh_of(&node.refresh(&next).await.unwrap()), third);
}

async fn a_retry_across_the_change_gets_the_same_bytes(world: World) {
    let old = world.node().await;
    let first = refresh_of(&old.login(anna()).await);
    let next = refresh_of(&old.refresh(&first).await.unwrap());
    let new = node(&world, 1, 0).await;
    assert_eq!(refresh_of(&new.refresh(&first).await.unwrap()), next);
    assert_eq!(refresh_of(&new.refresh(&next).await.unwrap()), next);
    world.clock.advance(GRACE);
    assert_eq!(Forged::from(&refresh_of(&new.refresh(&next).await.unwrap())).pepper(), 1);
}

async fn a_lost_response_from_before_the_change_is_replaced(world: World) {
    let old = world.node().await;
    let first = refresh_of(&old.login(anna()).await);
    drop(old.refresh(&first).await.unwrap());
    world.clock.advance(HOUR);
    let new = node(&world, 1, 0).await;
    let replaced = refresh_of(&new.refresh(&first).await.unwrap());
    let forged = Forged::from(&replaced);
    assert_eq!((forged.pepper(), forged.generation(), forged.branch()), (1, 1, 1));
    assert_eq!(refresh_of(&new.refresh(&first).await.unwrap()), replaced);
}

async fn nodes_that_change_one_after_the_other_hand_out_the_same_bytes(world: World) {
    let (old, new) = (node(&world, 0, 1).await, node(&world, 1, 0).await);
    let mut token = refresh_of(&old.login(anna()).await);
    for (first, second) in [(&old, &new), (&new, &old), (&new, &old), (&old, &new)] {
        let next = refresh_of(&first.refresh(&token).await.unwrap());
        assert_eq!(refresh_of(&second.refresh(&token).await.unwrap()), next);
        assert_eq!(refresh_of(&first.refresh(&token).await.unwrap()), next);
        world.clock.advance(GRACE);
        token = next;
    }
    assert_eq!(Forged::from(&token).generation(), 4);
}

async fn a_stolen_token_of_an_older_pepper_is_theft(world: World) {
    let first = refresh_of(&world.node().await.login(anna()).await);
    let node = node(&world, 1, 0).await;
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    world.clock.advance(GRACE);
    drop(node.refresh(&next).await.unwrap());
    assert_refused(&node.refresh(&first).await);
    assert_eq!(node.row(&first).await, None);
}

async fn without_the_older_pepper_its_tokens_are_to_be_tried_again_and_nothing_is_revoked(world: World) {
    let old = world.node().await;
    let first = refresh_of(&old.login(anna()).await);
    let row = old.row(&first).await;
    let new = world.node_with(|builder| builder.peppers(Peppers::new(1, &pepper(1)).unwrap())).await;
    let calls = new.store.all_calls();
    assert_try_again(&new.refresh(&first).await);
    new.post_refresh(&first).await.assert_unavailable();
    assert_eq!(new.store.all_calls(), calls);
    assert_eq!(new.events.take(), []);
    assert_eq!(new.row(&first).await, row);

    // The successor was made with a pepper that is not known here: another node can make it again.
    let next = refresh_of(&node(&world, 1, 0).await.refresh(&first).await.unwrap());
    let row = old.row(&next).await;
    old.events.clear();
    assert_try_again(&old.refresh(&first).await);
    assert_eq!(old.events.take(), []);
    assert_eq!(old.row(&next).await, row);
    assert_eq!(refresh_of(&node(&world, 1, 0).await.refresh(&first).await.unwrap()), next);
}

#[test]
fn two_peppers_of_one_number_and_short_peppers_are_refused() {
    assert_eq!(Peppers::new(0, &pepper(0)).unwrap().with_older(0, &pepper(0)).unwrap_err().field(), "pepper");
    let twice =
        Peppers::new(0, &pepper(0)).unwrap().with_older(1, &pepper(1)).unwrap().with_older(1, &pepper(1));
    assert_eq!(twice.unwrap_err().field(), "pepper");
    assert_eq!(Peppers::new(0, &[1; 31]).unwrap_err().field(), "pepper");
}
