//! What is no token of this server never reaches the store.

use auth_core::__private::rotation::{ParseTokenError, ParsedToken};
use auth_core::audit::{AuditEvent, RefusalReason};
use auth_core::refresh::Peppers;
use auth_tests::forge::{PEPPER, pepper};
use auth_tests::shop::{assert_refused, assert_try_again, login_of, refresh_of};
use auth_tests::{Forged, Node, World, anna, bert};

#[test]
fn the_tokens_of_this_fixture_are_those_of_the_server() {
    let parse = |text: &str| {
        let peppers = Peppers::new(0, &pepper(0)).unwrap();
        ParsedToken::parse(text, &peppers)
    };
    let token = Forged::first([5; 16], 1);
    assert_eq!(PEPPER, [0x50; 32]);
    assert_eq!(parse(&token.clone().tagged()).unwrap().login_id().as_bytes(), &[5; 16]);
    assert!(matches!(parse(&token.untagged()), Err(ParseTokenError::Malformed)));
}

#[tokio::test(start_paused = true)]
async fn a_token_with_any_byte_changed_is_refused_without_the_store() {
    let node = World::memory().node().await;
    let token = refresh_of(&node.login(anna()).await);
    let forged = Forged::from(&token);
    assert_eq!(forged.size(), 72);
    assert_eq!(forged.untagged(), token);
    for byte in 0..forged.size() {
        for mask in [0x01, 0x80, 0xff] {
            let changed = forged.clone().flipped(byte, mask);
            if changed.pepper() == forged.pepper() {
                assert_junk(&node, &changed.untagged()).await;
            } else {
                assert_of_an_unknown_pepper(&node, &changed.untagged()).await;
            }
        }
    }
    assert!(node.refresh(&token).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn every_part_of_a_token_is_tagged() {
    let node = World::memory().node().await;
    let (annas, berts) = (refresh_of(&node.login(anna()).await), refresh_of(&node.login(bert()).await));
    let forged = Forged::from(&annas);
    for changed in [
        forged.clone().with_generation(1).untagged(),
        forged.clone().with_branch(1).untagged(),
        forged.clone().with_secret(0).untagged(),
    ] {
        assert_junk(&node, &changed).await;
    }
    // The first half of one token and the second half of another one.
    let (annas, berts) = (annas.as_str(), berts.as_str());
    for cut in 4..annas.len() {
        if annas[..cut] != berts[..cut] && annas[cut..] != berts[cut..] {
            assert_junk(&node, &format!("{}{}", &annas[..cut], &berts[cut..])).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn junk_is_refused_without_the_store() {
    let node = World::memory().node().await;
    let tokens = node.login(anna()).await;
    let token = refresh_of(&tokens);
    let body = token.strip_prefix("ar1_").unwrap();
    let junk = [
        String::new(),
        "ar1_".to_owned(),
        "null".to_owned(),
        tokens.access_token().to_owned(),
        body.to_owned(),
        format!("ar2_{body}"),
        format!("AR1_{body}"),
        format!("ar1_{token}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{token}="),
        format!("{token}A"),
        format!("{token}{token}"),
        token[..token.len() - 1].to_owned(),
        token.to_uppercase(),
        format!("ar1_{}", body.replace(['-', '_'], "+").replace(char::is_numeric, "/")),
        format!("ar1_{}", "A".repeat(96)),
        format!("ar1_{}", "\u{e9}".repeat(48)),
        format!("ar1_{}\0", &body[..95]),
        "A".repeat(1_000_000),
        node.sign_in("anna", "").await,
        login_of(&token).to_string(),
    ];
    for text in junk {
        assert_junk(&node, &text).await;
    }
    assert!(node.refresh(&token).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn tokens_of_another_server_are_refused_without_the_store() {
    let (node, other) = (World::memory().node().await, World::memory());
    let theirs = |peppers| async { other.node_with(|builder| builder.peppers(peppers)).await };
    for id in [0, 1] {
        let peppers = Peppers::new(id, &[0x77; 32]);
        let token = refresh_of(&theirs(peppers.unwrap()).await.login(anna()).await);
        if id == 0 {
            assert_junk(&node, &token).await;
        } else {
            assert_of_an_unknown_pepper(&node, &token).await;
        }
    }
}

/// It may be good on another node: the client keeps it. The store is not asked, and nothing is reported.
async fn assert_of_an_unknown_pepper(node: &Node, text: &str) {
    let calls = node.store.all_calls();
    node.events.clear();
    assert_try_again(&node.refresh(text).await);
    assert_eq!(node.store.all_calls(), calls, "{text}");
    assert_eq!(node.events.take(), []);
}

/// Refused, the store not asked, and the event says no more than that.
async fn assert_junk(node: &Node, text: &str) {
    let calls = node.store.all_calls();
    node.events.clear();
    assert_refused(&node.refresh(text).await);
    assert_eq!(node.store.all_calls(), calls, "{text}");
    assert_eq!(node.events.take(), [AuditEvent::Refused { reason: RefusalReason::RefreshToken }]);
}
