//! Revoking one access token, and everything that a key signed.

use auth_core::Authenticator;
use auth_tests::forge::peppers;
use auth_tests::shop::{key_id, refresh_of, signing_key};
use auth_tests::{
    DAY, Fault, HOUR, MINUTE, Op, SECOND, User, World, anna, in_time, on_both_stores, subject, token_id_of,
};

on_both_stores!(
    one_access_token_is_revoked_and_its_login_goes_on,
    a_token_may_be_revoked_twice_and_before_anybody_saw_it,
    a_revocation_that_failed_is_an_error,
    everything_that_a_key_signed_is_revoked,
    the_revocation_of_a_key_never_expires,
    a_node_does_not_start_with_a_revoked_key,
);

async fn one_access_token_is_revoked_and_its_login_goes_on(world: World) {
    let (here, there) = (world.node().await, world.node().await);
    let first = here.login(anna()).await;
    let next = here.refresh(&refresh_of(&first)).await.unwrap();
    for node in [&here, &there] {
        node.get("/me", first.access_token()).await.assert_text("anna, by jwt");
    }
    in_time(here.auth.revoke_token(&subject("anna"), token_id_of(first.access_token()))).await.unwrap();
    there.catch_up().await;
    for node in [&here, &there] {
        node.get("/me", first.access_token()).await.assert_invalid_token();
        node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    }
    assert!(there.refresh(&refresh_of(&next)).await.is_ok());
    assert_eq!(here.logins_of("anna").await.len(), 1);
}

async fn a_token_may_be_revoked_twice_and_before_anybody_saw_it(world: World) {
    let (here, there) = (world.node().await, world.node().await);
    let tokens = here.login(anna()).await;
    for node in [&here, &there, &here] {
        in_time(node.auth.revoke_token(&subject("anna"), token_id_of(tokens.access_token()))).await.unwrap();
    }
    for node in [&here, &there, &world.node().await] {
        node.catch_up().await;
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
    }
}

async fn a_revocation_that_failed_is_an_error(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.store.next(Op::RevokeToken, Fault::Before);
    assert!(
        in_time(node.auth.revoke_token(&subject("anna"), token_id_of(tokens.access_token()))).await.is_err()
    );
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    // Unknown whether it happened: it did, and the log tells.
    node.store.next(Op::RevokeToken, Fault::After);
    assert!(
        in_time(node.auth.revoke_token(&subject("anna"), token_id_of(tokens.access_token()))).await.is_err()
    );
    node.catch_up().await;
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
}

async fn everything_that_a_key_signed_is_revoked(world: World) {
    let (here, there) = (world.node().await, world.node().await);
    let (first, second) = (here.login(anna()).await, there.login(anna()).await);
    let cookie = here.sign_in("anna", "").await;
    world.keys.sign_with(signing_key(1)).unwrap();
    let new = here.login(anna()).await;
    in_time(here.auth.revoke_key(&key_id(0))).await.unwrap();
    there.catch_up().await;
    for node in [&here, &there] {
        for tokens in [&first, &second] {
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
        }
        node.get("/me", new.access_token()).await.assert_text("anna, by jwt");
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    // The logins live: a refresh brings a token of the new key.
    let next = there.refresh(&refresh_of(&first)).await.unwrap();
    here.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    world.keys.retire(&key_id(0)).unwrap();
    here.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    here.get("/me", second.access_token()).await.assert_invalid_token();
}

async fn the_revocation_of_a_key_never_expires(world: World) {
    let node = world.node().await;
    in_time(node.auth.revoke_key(&key_id(0))).await.unwrap();
    for _ in 0..3 {
        // Whoever has the key signs a new token.
        let forged = node.login(anna()).await;
        node.get("/me", forged.access_token()).await.assert_invalid_token();
        world.clock.advance(400 * DAY);
        world.store.purge().await.unwrap();
        node.catch_up().await;
    }
}

async fn a_node_does_not_start_with_a_revoked_key(world: World) {
    in_time(world.node().await.auth.revoke_key(&key_id(0))).await.unwrap();
    let build = || {
        let builder = Authenticator::<User>::builder().peppers(peppers()).clock(world.clock.clone());
        builder.shared_store(world.store.clone()).keys(world.keys.clone()).build()
    };
    assert_eq!(build().await.unwrap_err().field(), "keys");
    world.keys.sign_with(signing_key(1)).unwrap();
    assert!(build().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_stays_revoked_until_it_expires() {
    let world = World::memory();
    let node = world.node_with(|builder| builder.access_ttl(HOUR)).await;
    let tokens = node.login(anna()).await;
    in_time(node.auth.revoke_token(&subject("anna"), token_id_of(tokens.access_token()))).await.unwrap();
    for _ in 0..59 {
        world.clock.advance(MINUTE);
        tokio::time::sleep(MINUTE + SECOND).await;
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
    }
}
