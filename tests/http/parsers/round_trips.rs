//! What is written is read back as it was.

use auth_core::__private::rotation::ParsedToken;
use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Position, TokenId};
use auth_core::jwt::{Algorithm, KeyRing, KeySet};
use auth_core::store::ListCursor;
use auth_core::{Roles, Scopes};
use auth_tests::forge::{ALGORITHMS, Forged, peppers};
use auth_tests::{Permission, Role, Shop, ShopUser};
use proptest::prelude::*;

use super::for_all;

#[test]
fn identifiers_and_cursors() {
    for_all(2000, any::<([u8; 16], i64)>(), |(bytes, millis)| {
        let id = LoginId::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        let token = TokenId::from_bytes(bytes);
        prop_assert_eq!(TokenId::of_jti(&token.to_string()), token);
        let cursor = ListCursor { created_at: Timestamp::from_millis(millis), id };
        prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        Ok(())
    });
}

/// And a token of which one byte differs is none.
#[test]
fn refresh_tokens() {
    let peppers = peppers();
    for_all(1000, any::<([u8; 16], u8, u32, u16, usize, u8)>(), |input| {
        let (login, secret, generation, branch, byte, mask) = input;
        let forged = Forged::first(login, secret).with_generation(generation).with_branch(branch);
        let token = ParsedToken::parse(&forged.clone().tagged(), &peppers).unwrap();
        prop_assert_eq!(token.position(), Position { generation, branch });
        prop_assert_eq!(token.login_id(), LoginId::from_bytes(login));
        let text = token.encode(&peppers).unwrap();
        prop_assert_eq!(text.expose(), forged.tagged());
        let other = Forged::from(text.expose());
        let byte = byte % other.size();
        let other = other.flipped(byte, mask.max(1)).untagged();
        prop_assert!(ParsedToken::parse(&other, &peppers).is_err());
        Ok(())
    });
}

#[test]
fn the_keys_that_are_published() {
    let symmetric = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    for algorithm in ALGORITHMS.into_iter().filter(|algorithm| !symmetric.contains(algorithm)) {
        let ring = KeyRing::generate(algorithm).unwrap();
        let published = serde_json::to_string(&ring.public_jwks()).unwrap();
        let read = KeySet::from_jwks_json(&published).unwrap();
        assert_eq!(serde_json::to_string(&read.public_jwks()).unwrap(), published);
    }
}

/// Any claims, in an access token and in a session.
#[test]
fn claims() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shop = runtime.block_on(Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()));
    let users = (any::<u64>(), any::<String>(), any::<Option<String>>(), any::<[bool; 4]>());
    for_all(300, users, |(id, email, nick, [clerk, admin, read, write])| {
        let roles = [(Role::Clerk, clerk), (Role::Admin, admin)];
        let scopes = [(Permission::ReadOrders, read), (Permission::WriteOrders, write)];
        let user = ShopUser {
            id,
            email,
            nick,
            roles: roles.into_iter().filter(|(_, has)| *has).map(|(role, _)| role).collect::<Roles<_>>(),
            scopes: scopes.into_iter().filter(|(_, has)| *has).map(|(scope, _)| scope).collect::<Scopes<_>>(),
        };
        let tokens = runtime.block_on(shop.login(user.clone()));
        let forged = runtime.block_on(shop.me(tokens.access_token()));
        prop_assert_eq!(forged.body, format!("{id} by jwt"));
        let refreshed = runtime.block_on(shop.refresh(tokens.refresh_token().unwrap())).unwrap();
        let [before, after] =
            [&tokens, &refreshed].map(|tokens| auth_tests::claims_of(tokens.access_token()));
        prop_assert_eq!(&before["email"], &user.email);
        for claim in ["sub", "email", "nickname", "roles", "scope"] {
            prop_assert_eq!(&before[claim], &after[claim]);
        }
        Ok(())
    });
}
