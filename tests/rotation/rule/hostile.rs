//! What a client, a thief, or an accident can present.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use auth_core::__private::rotation::RotateError;
use auth_core::__private::rotation::{
    Evidence, Pair, Pairing, ParseTokenError, ParsedToken, Refresh, RotationPolicy, Sharing, Verdict,
};
use auth_core::id::LoginId;
use auth_core::id::Position;
use auth_core::refresh::Peppers;
use auth_core::store::memory::Incarnation;
use auth_core::store::{Family, LoginStore as _, Realm};

use super::forge::{Forged, pepper, peppers};
use super::gated::{Gating, Running};
use super::support::{DAY, GRACE, MILLI, Owner, SECOND};

const LOGIN: LoginId = LoginId::from_bytes([7; 16]);

fn at(generation: u32, branch: u16) -> Position {
    Position { generation, branch }
}

fn parse(text: &str) -> Result<(), ParseTokenError> {
    ParsedToken::parse(text, &peppers()).map(drop)
}

mod texts {
    use super::*;

    #[test]
    fn junk_is_malformed() {
        let good = Forged::new(LOGIN, at(3, 1), [5; 32]).text();
        assert_eq!(parse(&good), Ok(()));
        let cases = [
            String::new(),
            "ar1_".to_owned(),
            good.replacen("ar1_", "ar2_", 1),
            good.replacen("ar1_", "AR1_", 1),
            format!("{good}A"),
            format!("{good}="),
            good[..good.len() - 1].to_owned(),
            format!(" {}", &good[..good.len() - 1]),
            good.replacen("ar1_", "", 1),
            format!("ar1_{}", "!".repeat(good.len() - 4)),
            format!("ar1_{}", "é".repeat((good.len() - 4) / 2)),
            "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl".to_owned(),
            "A".repeat(100_000),
        ];
        for text in cases {
            assert_eq!(parse(&text), Err(ParseTokenError::Malformed), "{text:.80}");
        }
    }

    #[test]
    fn another_version_is_malformed() {
        let other = Forged { version: 2, ..Forged::new(LOGIN, at(0, 0), [5; 32]) };
        assert_eq!(parse(&other.text()), Err(ParseTokenError::Malformed));
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_malformed_or_of_another_pepper() {
        let good = Forged::new(LOGIN, at(3, 1), [5; 32]).text();
        for index in "ar1_".len()..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[index] = if changed[index] == b'B' { b'C' } else { b'B' };
            let refused = parse(&String::from_utf8(changed).unwrap()).unwrap_err();
            let names_a_pepper = (index - 4) * 6 < 16 && (index - 3) * 6 > 8;
            let is_expected = match refused {
                ParseTokenError::Malformed => true,
                ParseTokenError::UnknownPepper { id } => id != 0 && names_a_pepper,
                _ => false,
            };
            assert!(is_expected, "{index}: {refused:?}");
        }
    }

    #[test]
    fn an_unknown_pepper_is_not_junk() {
        let other = Forged { pepper: 1, ..Forged::new(LOGIN, at(0, 0), [5; 32]) };
        assert_eq!(parse(&other.text()), Err(ParseTokenError::UnknownPepper { id: 1 }));
        let known = peppers().with_older(1, &pepper(1)).unwrap();
        assert!(ParsedToken::parse(&other.text(), &known).is_ok());
    }

    #[test]
    fn a_text_survives_being_read() {
        let text = Forged::new(LOGIN, at(u32::MAX, u16::MAX), [0xff; 32]).text();
        let token = ParsedToken::parse(&text, &peppers()).unwrap();
        assert_eq!(token.encode(&peppers()).unwrap().expose(), text);
        assert_eq!((token.login_id(), token.position()), (LOGIN, at(u32::MAX, u16::MAX)));
        assert!(token.encode(&Peppers::new(1, &pepper(1)).unwrap()).is_none());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let token = Forged::new(LOGIN, at(3, 1), [0xab; 32]).parsed();
        let text = token.encode(&peppers()).unwrap();
        let shown = format!("{token:?} {text:?} {:?}", peppers());
        assert_eq!(
            shown,
            format!(
                "ParsedToken {{ login: {LOGIN:?}, position: Position {{ generation: 3, branch: 1 }}, .. }} \
                 RefreshToken([redacted]) Peppers {{ current: Pepper(0), older: [] }}"
            )
        );
    }
}

/// The login is live, and its family is as before.
async fn assert_unchanged(owner: &Owner, before: &Family) {
    assert_eq!(owner.family().await.as_ref(), Some(before));
}

#[tokio::test]
async fn a_right_tag_with_a_wrong_secret_changes_nothing() {
    let owner = Owner::new().await;
    let successor = owner.present(&owner.first).await.unwrap().token;
    for wait in [Duration::ZERO, GRACE] {
        owner.clock.advance(wait);
        let before = owner.family().await.unwrap();
        for position in [owner.first.position(), successor.position()] {
            let wrong = Forged::new(owner.id(), position, [1; 32]).parsed();
            for pair in [Pair::Brought, Pair::Missing, Pair::Unverifiable] {
                let refused = owner.refresh().rotate(&wrong, pair).await.unwrap_err();
                assert!(matches!(refused, RotateError::UnknownSecret { .. }), "{refused:?}");
                assert_unchanged(&owner, &before).await;
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_no_login_is_of_an_ended_one() {
    let owner = Owner::new().await;
    let unknown = Forged::new(LOGIN, at(0, 0), [1; 32]).parsed();
    let refused = owner.present(&unknown).await.unwrap_err();
    assert!(matches!(refused, RotateError::Ended { login } if login == LOGIN), "{refused:?}");
}

#[tokio::test]
async fn a_token_of_another_realm_does_not_exist() {
    let owner = Owner::new().await;
    let realm = Realm::new("staff").unwrap();
    let there = Refresh { realm: &realm, ..owner.refresh() };
    let refused = there.rotate(&owner.first, Pair::Brought).await.unwrap_err();
    assert!(matches!(refused, RotateError::Ended { .. }), "{refused:?}");
    assert!(owner.present(&owner.first).await.is_ok());
}

#[tokio::test]
async fn a_login_that_ended_has_no_grace() {
    let owner = Owner::new().await;
    let successor = owner.present(&owner.first).await.unwrap().token;
    owner.end().await;
    for token in [&owner.first, &successor] {
        for pair in [Pair::Brought, Pair::Missing] {
            let refused = owner.refresh().rotate(token, pair).await.unwrap_err();
            assert!(matches!(refused, RotateError::Ended { .. }), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn a_stolen_login_has_no_grace() {
    let owner = Owner::new().await;
    let mut current = owner.first.clone();
    for _ in 0..3 {
        current = owner.present(&current).await.unwrap().token;
        owner.clock.advance(GRACE);
    }
    let refused = owner.present(&owner.first).await.unwrap_err();
    let RotateError::Stolen { login, generations, age, evidence, subject, .. } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((login, generations, age, evidence), (owner.id(), 3, GRACE, Evidence::Reused));
    assert_eq!(subject.as_str(), "anna");
    assert!(matches!(owner.present(&current).await, Err(RotateError::Ended { .. })));
}

#[tokio::test]
async fn a_branch_that_was_replaced_is_theft() {
    let owner = Owner::new().await;
    let lost = owner.present(&owner.first).await.unwrap().token;
    owner.clock.advance(GRACE);
    let replaced = owner.present(&owner.first).await.unwrap();
    assert_eq!(replaced.verdict, Verdict::ReplaceSuccessor { next: at(1, 1) });
    let refused = owner.present(&lost).await.unwrap_err();
    assert!(matches!(refused, RotateError::Stolen { generations: 0, .. }), "{refused:?}");
}

#[tokio::test]
async fn an_old_backup_of_the_client_is_theft() {
    let owner = Owner::new().await;
    let mut tokens = vec![owner.first.clone()];
    for _ in 0..5 {
        tokens.push(owner.present(tokens.last().unwrap()).await.unwrap().token);
        owner.clock.advance(DAY);
    }
    let refused = owner.present(&tokens[2]).await.unwrap_err();
    assert!(matches!(refused, RotateError::Stolen { generations: 3, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_restored_store_is_behind_and_not_taken_for_theft() {
    let owner = Owner::new().await;
    let backup = owner.store.snapshot();
    let successor = owner.present(&owner.first).await.unwrap().token;
    owner.use_token(&successor).await;
    owner.store.restore(&backup, Incarnation::Same);
    let before = owner.family().await.unwrap();
    for pair in [Pair::Brought, Pair::Missing] {
        let refused = owner.refresh().rotate(&successor, pair).await.unwrap_err();
        assert!(matches!(refused, RotateError::AheadOfStore { login } if login == owner.id()), "{refused:?}");
        assert_unchanged(&owner, &before).await;
    }
}

#[tokio::test]
async fn a_branch_newer_than_the_row_is_ahead_of_the_store() {
    let owner = Owner::new().await;
    assert!(owner.present(&owner.first).await.is_ok());
    let backup = owner.store.snapshot();
    owner.clock.advance(GRACE);
    let replaced = owner.present(&owner.first).await.unwrap().token;
    owner.store.restore(&backup, Incarnation::New);
    let refused = owner.present(&replaced).await.unwrap_err();
    assert!(matches!(refused, RotateError::AheadOfStore { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_login_without_a_free_position_is_refused_but_not_ended() {
    let owner = Owner::new().await;
    let first = owner.family().await.unwrap();
    let last = Forged::new(owner.id(), at(u32::MAX, 0), [3; 32]).parsed();
    owner.put(&Family { position: last.position(), current: last.hash(), ..first.clone() }).await;
    let refused = owner.present(&last).await.unwrap_err();
    assert!(matches!(refused, RotateError::Exhausted { .. }), "{refused:?}");

    let (previous, unused) = (owner.first.hash(), last.hash());
    let position = at(1, u16::MAX);
    let previous_branch = Some(0);
    let full = Family { position, previous_branch, current: unused, previous: Some(previous), ..first };
    owner.put(&Family { confirmed: false, ..full }).await;
    let refused = owner.present(&owner.first).await.unwrap_err();
    assert!(matches!(refused, RotateError::Exhausted { .. }), "{refused:?}");
    assert!(owner.live().await.is_some());
}

mod peppers_change {
    use super::*;

    #[tokio::test]
    async fn a_successor_made_with_an_older_pepper_is_the_same_again() {
        let mut owner = Owner::new().await;
        let made = owner.present(&owner.first).await.unwrap().token;
        assert_eq!(Forged::from(&made).pepper, 0);
        owner.peppers = Peppers::new(1, &pepper(1)).unwrap().with_older(0, &pepper(0)).unwrap();
        let again = owner.present(&owner.first).await.unwrap().token;
        assert_eq!(owner.text(&again), owner.text(&made));
        owner.clock.advance(GRACE);
        let next = owner.present(&made).await.unwrap().token;
        assert_eq!(Forged::from(&next).pepper, 1);
    }

    #[tokio::test]
    async fn a_successor_made_with_an_unknown_pepper_changes_nothing() {
        let mut owner = Owner::new().await;
        owner.peppers = Peppers::new(1, &pepper(1)).unwrap().with_older(0, &pepper(0)).unwrap();
        let made = owner.present(&owner.first).await.unwrap().token;
        owner.use_token(&made).await;
        owner.peppers = peppers();
        let before = owner.family().await.unwrap();
        let refused = owner.present(&owner.first).await.unwrap_err();
        assert!(matches!(refused, RotateError::UnknownPepper { .. }), "{refused:?}");
        assert_unchanged(&owner, &before).await;
    }

    #[tokio::test]
    async fn the_successor_is_derived_from_the_presented_secret() {
        let owner = Owner::new().await;
        let made = owner.present(&owner.first).await.unwrap().token;
        let nonce = owner.family().await.unwrap().nonce;
        assert_eq!(Forged::from(&made).secret, Forged::from(&owner.first).successor(at(1, 0), &nonce));
    }
}

mod pairing {
    use super::*;

    async fn paired() -> Owner {
        let mut owner = Owner::new().await;
        owner.policy = RotationPolicy { pairing: Pairing::Required, ..owner.policy };
        owner
    }

    #[tokio::test]
    async fn a_token_that_comes_alone_is_theft() {
        let owner = paired().await;
        let refused = owner.refresh().rotate(&owner.first, Pair::Missing).await.unwrap_err();
        let is_theft =
            matches!(refused, RotateError::Stolen { evidence: Evidence::Unpaired, generations: 0, .. });
        assert!(is_theft, "{refused:?}");
        assert!(matches!(owner.present(&owner.first).await, Err(RotateError::Ended { .. })));
    }

    #[tokio::test]
    async fn a_predecessor_that_comes_alone_is_theft_within_the_grace() {
        let owner = paired().await;
        assert!(owner.present(&owner.first).await.is_ok());
        let refused = owner.refresh().rotate(&owner.first, Pair::Missing).await.unwrap_err();
        let is_theft =
            matches!(refused, RotateError::Stolen { evidence: Evidence::Unpaired, generations: 1, .. });
        assert!(is_theft, "{refused:?}");
    }

    #[tokio::test]
    async fn a_pair_that_cannot_be_checked_changes_nothing() {
        let owner = paired().await;
        for _ in 0..2 {
            let before = owner.family().await.unwrap();
            let refused = owner.refresh().rotate(&owner.first, Pair::Unverifiable).await.unwrap_err();
            assert!(matches!(refused, RotateError::UnverifiablePair { .. }), "{refused:?}");
            assert_unchanged(&owner, &before).await;
            assert!(owner.present(&owner.first).await.is_ok());
        }
    }

    #[tokio::test]
    async fn reuse_is_theft_whatever_came_along() {
        for pair in [Pair::Brought, Pair::Missing, Pair::Unverifiable] {
            let owner = paired().await;
            let successor = owner.present(&owner.first).await.unwrap().token;
            owner.use_token(&successor).await;
            owner.clock.advance(GRACE);
            let refused = owner.refresh().rotate(&owner.first, pair).await.unwrap_err();
            let is_reuse = matches!(refused, RotateError::Stolen { evidence: Evidence::Reused, .. });
            assert!(is_reuse, "{refused:?}");
        }
    }

    #[tokio::test]
    async fn without_the_policy_a_token_may_come_alone() {
        let owner = Owner::new().await;
        for pair in [Pair::Missing, Pair::Unverifiable] {
            assert!(owner.refresh().rotate(&owner.first, pair).await.is_ok());
        }
    }
}

mod sharing {
    use super::*;

    /// Two parties with copies of their own refresh one after the other, once a minute.
    async fn share(owner: &Owner, generations: u32) -> Vec<Result<Verdict, RotateError>> {
        let (mut current, mut seen) = (owner.first.clone(), Vec::new());
        for _ in 0..generations {
            owner.clock.advance(60 * SECOND);
            let Ok(next) = owner.present(&current).await else { break };
            owner.use_token(&next.token).await;
            owner.clock.advance(5 * SECOND);
            for _ in 0..2 {
                seen.push(owner.present(&current).await.map(|shared| {
                    assert_eq!(shared.age(), 5 * SECOND);
                    shared.verdict
                }));
            }
            current = next.token;
        }
        seen
    }

    #[tokio::test]
    async fn is_counted_once_a_generation() {
        let owner = Owner::new().await;
        let seen: Vec<_> = share(&owner, 3).await.into_iter().map(Result::unwrap).collect();
        let (shared, again) = (|streak| Verdict::Shared { streak }, Verdict::RepeatSuccessor);
        assert_eq!(seen, [shared(1), again, shared(2), again, shared(3), again]);
    }

    #[tokio::test]
    async fn begins_anew_after_a_generation_without() {
        let owner = Owner::new().await;
        let (mut current, mut streaks) = (owner.first.clone(), Vec::new());
        for is_shared in [true, true, false, true] {
            let next = owner.present(&current).await.unwrap().token;
            owner.use_token(&next).await;
            if is_shared {
                assert!(owner.present(&current).await.is_ok());
            }
            streaks.push(owner.family().await.unwrap().shared);
            current = next;
            owner.clock.advance(GRACE);
        }
        assert_eq!(streaks, [1, 2, 2, 1]);
    }

    #[tokio::test]
    async fn ends_the_login_in_the_nth_generation_if_the_policy_requires_it() {
        let mut owner = Owner::new().await;
        let most = NonZeroU32::new(3).unwrap();
        owner.policy = RotationPolicy { sharing: Sharing::EndAfter(most), ..owner.policy };
        let seen = share(&owner, 5).await;
        assert_eq!(seen.len(), 6);
        let Err(RotateError::Stolen { evidence, generations, age, .. }) = &seen[4] else {
            panic!("{seen:?}")
        };
        assert_eq!((*evidence, *generations, *age), (Evidence::Shared { streak: 3 }, 1, 5 * SECOND));
        assert!(matches!(seen[5], Err(RotateError::Ended { .. })));
    }
}

mod cut_off {
    use super::*;

    /// Lets a presentation go on for so many steps, and drops it.
    async fn drop_after(owner: &Owner, steps: usize) -> bool {
        let gated = Gating::over(Arc::new(owner.store.clone()));
        let Owner { realm, peppers, policy, first, .. } = owner;
        let refresh = Refresh { store: &gated, realm, peppers, policy };
        let mut presenting: Running<'_, _> = Box::pin(refresh.rotate(first, Pair::Brought));
        for _ in 0..steps {
            if gated.step(&mut presenting).await.is_some() {
                return false;
            }
        }
        true
    }

    /// The response is lost, the client or the node gone, before the commit and after it.
    #[tokio::test]
    async fn the_same_token_again_is_answered_after_any_step() {
        let mut cut = 0;
        for steps in 0.. {
            for wait in [Duration::ZERO, GRACE - MILLI, GRACE, DAY] {
                let owner = Owner::new().await;
                cut = steps;
                let was_cut = drop_after(&owner, steps).await;
                owner.clock.advance(wait);
                let again = owner.present(&owner.first).await.unwrap();
                assert_eq!(again.token.hash(), owner.family().await.unwrap().current);
                if !was_cut {
                    cut = usize::MAX;
                }
            }
            if cut == usize::MAX {
                break;
            }
        }
    }

    /// Signing out, in the middle of a refresh: there is no way back.
    #[tokio::test]
    async fn a_login_that_ends_while_it_is_refreshed_stays_ended() {
        for steps in 0..5 {
            for wait in [Duration::ZERO, GRACE] {
                let owner = Owner::new().await;
                assert!(owner.present(&owner.first).await.is_ok());
                owner.clock.advance(wait);
                let gated = Gating::over(Arc::new(owner.store.clone()));
                let Owner { realm, peppers, policy, first, .. } = &owner;
                let refresh = Refresh { store: &gated, realm, peppers, policy };
                let mut presenting: Running<'_, _> = Box::pin(refresh.rotate(first, Pair::Brought));
                let mut answer = None;
                for _ in 0..steps {
                    if answer.is_none() {
                        answer = gated.step(&mut presenting).await;
                    }
                }
                owner.end().await;
                let answer = match answer {
                    Some(answer) => answer,
                    None => gated.finish(&mut presenting).await,
                };
                assert!(matches!(answer, Ok(_) | Err(RotateError::Ended { .. })), "{answer:?}");
                let gone = owner.present(&owner.first).await;
                assert!(matches!(gone, Err(RotateError::Ended { .. })), "{gone:?}");
                assert_eq!(owner.store.login(realm, owner.id()).await.unwrap().value, None);
            }
        }
    }
}
