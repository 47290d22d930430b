//! When a token is good: to the millisecond, on a clock that may go backwards.

use std::time::Duration;

use auth_core::__private::{Expected, Verifier};
use auth_core::clock::Timestamp;
use auth_core::jwt::VerifyError;
use auth_core::jwt::{Algorithm, KeySet};
use auth_tests::forge::{claims, claims_with};
use auth_tests::{Call, Forger, LEEWAY, NOW, Shop, ShopUser, World, problem};
use serde_json::json;

use crate::target::Target;

fn millis(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.millis() + millis)
}

fn from_to(nbf: Option<i64>, iat: i64, exp: i64) -> String {
    let now = NOW.seconds();
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    members.insert("iat".to_owned(), json!(now + iat));
    members.insert("exp".to_owned(), json!(now + exp));
    nbf.map(|nbf| members.insert("nbf".to_owned(), json!(now + nbf)));
    claims.to_string()
}

#[tokio::test]
async fn without_leeway_a_token_is_good_from_iat_and_nbf_until_just_before_exp() {
    let target = Target::new(Algorithm::ES256).await;
    let early = Some(VerifyError::NotYetValid);
    let late = Some(VerifyError::Expired);
    let plain = target.forger.token(from_to(None, 0, 600));
    for (row, at, expected) in [
        ("iat - 1 s", -1000, early),
        ("iat - 1 ms", -1, early),
        ("iat", 0, None),
        ("exp - 1 s", 599_000, None),
        ("exp - 1 ms", 599_999, None),
        ("exp", 600_000, late),
        ("exp + 1 ms", 600_001, late),
        ("a year later", 31_536_000_000, late),
    ] {
        target.at(row, millis(at), &plain, expected).await;
    }
    let not_before = target.forger.token(from_to(Some(60), 0, 600));
    for (row, at, expected) in [("nbf - 1 ms", 59_999, early), ("nbf", 60_000, None), ("exp", 600_000, late)]
    {
        target.at(row, millis(at), &not_before, expected).await;
    }
    let nbf_before_iat = target.forger.token(from_to(Some(-60), 0, 600));
    target.at("nbf before iat", millis(-1), &nbf_before_iat, early).await;
    target.at("nbf before iat", millis(0), &nbf_before_iat, None).await;
    let nbf_after_exp = target.forger.token(from_to(Some(700), 0, 600));
    target.at("never", millis(650_000), &nbf_after_exp, late).await;
    target.at("never", millis(599_999), &nbf_after_exp, early).await;
}

#[tokio::test]
async fn with_leeway_both_ends_move_by_it_to_the_millisecond() {
    let forger = Forger::new(Algorithm::ES256);
    let leeway = Duration::from_secs(5);
    let shop = Shop::with(forger.ring(), |builder| builder.leeway(leeway)).await;
    let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
    let verifier = Verifier::<ShopUser>::new(Expected {
        issuer: "https://shop.example".to_owned(),
        audience: "shop".to_owned(),
        realm: None,
        leeway,
        max_length: 8192,
    });
    for (row, nbf, at, expected) in [
        ("iat - leeway - 1 ms", None, -5001, Err(VerifyError::NotYetValid)),
        ("iat - leeway", None, -5000, Ok(())),
        ("exp", None, 600_000, Ok(())),
        ("exp + leeway - 1 ms", None, 604_999, Ok(())),
        ("exp + leeway", None, 605_000, Err(VerifyError::Expired)),
        ("nbf - leeway - 1 ms", Some(60), 54_999, Err(VerifyError::NotYetValid)),
        ("nbf - leeway", Some(60), 55_000, Ok(())),
    ] {
        let token = forger.token(from_to(nbf, 0, 600));
        let verified = verifier.verify(&keys, token.as_bytes(), millis(at)).map(|_| ());
        assert_eq!(verified, expected, "{row}");
        shop.clock.set(millis(at));
        let answer = shop.me(&token).await;
        match expected {
            Ok(()) => answer.assert_ok("7 by jwt", row),
            Err(_) => answer.assert_is(&problem::invalid_token(), row),
        }
    }
}

/// The answer is the one of the time shown, whatever was shown and cached before.
#[tokio::test]
async fn a_clock_that_goes_backwards_changes_no_answer() {
    let target = Target::new(Algorithm::ES256).await;
    let token = target.forger.token(from_to(None, 0, 600));
    for (row, at, expected) in [
        ("good", 300_000, None),
        ("back before it was issued", -1, Some(VerifyError::NotYetValid)),
        ("good again", 1, None),
        ("over", 600_000, Some(VerifyError::Expired)),
        ("back", 599_999, None),
        ("far back", -1_000_000_000, Some(VerifyError::NotYetValid)),
        ("the epoch", -NOW.millis(), Some(VerifyError::NotYetValid)),
        ("good at last", 300_000, None),
    ] {
        target.at(row, millis(at), &token, expected).await;
    }
}

#[tokio::test]
async fn a_token_with_a_longer_lifetime_than_its_type_allows_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    for (iat, exp, expected) in [
        (0, 3600, None),
        (-10, 3590, None),
        (0, 3601, Some(VerifyError::LifetimeTooLong)),
        (-3600, 1, Some(VerifyError::LifetimeTooLong)),
        (0, 315_360_000, Some(VerifyError::LifetimeTooLong)),
        (0, 253_402_300_799 - 1_800_000_010, Some(VerifyError::LifetimeTooLong)),
        (-1_800_000_000, 600, Some(VerifyError::LifetimeTooLong)),
        (0, 0, Some(VerifyError::LifetimeTooLong)),
        (10, 5, Some(VerifyError::LifetimeTooLong)),
        (10, 600, Some(VerifyError::NotYetValid)),
    ] {
        let row = format!("iat {iat:+}, exp {exp:+}");
        // A little later: what was issued before the realm began is of no use.
        let token = target.forger.token(from_to(None, iat + 10, exp + 10));
        target.at(&row, millis(10_000), &token, expected).await;
    }
}

/// The time of issue stands for the epoch that a token of another issuer does not have.
#[tokio::test]
async fn a_token_without_an_epoch_from_before_the_realm_began_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    for (iat, is_good) in [(-1, false), (0, true)] {
        let token = target.forger.token(from_to(None, iat, 600));
        assert!(target.verifier.verify(&target.keys, token.as_bytes(), NOW).is_ok());
        let answer = target.present(&token).await;
        match is_good {
            true => answer.assert_ok("7 by jwt", "issued when the realm began"),
            false => answer.assert_is(&problem::invalid_token(), "issued before"),
        }
    }
}

/// It counts from the start of its second, so that one from the second in which the realm began is refused, whether it was
/// issued before or after.
#[tokio::test]
async fn a_token_without_an_epoch_from_the_second_in_which_the_realm_began_is_refused() {
    let (forger, world) = (Forger::new(Algorithm::ES256), World::memory());
    world.clock.advance(Duration::from_millis(500));
    let shop = Shop::on(world.store.clone(), &world.clock, forger.ring(), |builder| builder).await;
    world.clock.advance(Duration::from_secs(2));
    for (iat, is_good) in [(0, false), (1, true)] {
        let answer = shop.me(&forger.token(from_to(None, iat, 600))).await;
        match is_good {
            true => answer.assert_ok("7 by jwt", "issued in the second after"),
            false => answer.assert_is(&problem::invalid_token(), "issued in that second"),
        }
    }
}

#[tokio::test]
async fn an_iat_or_nbf_in_the_future_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let now = NOW.seconds();
    for seconds in [1, 60, 599] {
        let token = target.forger.token(claims_with("iat", json!(now + seconds)).to_string());
        target.refuses("iat", &token, VerifyError::NotYetValid).await;
        let token = target.forger.token(claims_with("nbf", json!(now + seconds)).to_string());
        target.refuses("nbf", &token, VerifyError::NotYetValid).await;
    }
    let last = target.forger.token(claims_with("nbf", json!(253_402_300_799_i64)).to_string());
    target.refuses("the year 9999", &last, VerifyError::NotYetValid).await;
}

/// Neither now nor when that time has come. Nothing else is wrong with the token.
#[tokio::test]
async fn an_auth_time_after_the_time_of_issue_never_counts_as_fresh() {
    let forger = Forger::new(Algorithm::ES256);
    let shop = Shop::with(forger.ring(), |builder| builder.leeway(LEEWAY)).await;
    for (row, after, is_fresh) in [
        ("when it was issued", 0, true),
        ("within the leeway", 5, true),
        ("beyond the leeway", 6, false),
        ("just before it expires", 599, false),
        ("when it expires", 600, false),
        ("the year 9999", 253_402_300_799 - NOW.seconds(), false),
    ] {
        let token = forger.token(claims_with("auth_time", json!(NOW.seconds() + after)).to_string());
        for at in [0, 5_000, 6_000, 299_000, 599_000] {
            shop.clock.set(millis(at));
            shop.me(&token).await.assert_ok("7 by jwt", row);
            let answer = Call::get("/fresh").bearer(&token).send(&shop.app).await;
            match is_fresh && at <= 300_000 {
                true => answer.assert_ok("7 by jwt", row),
                false => answer.assert_is(&problem::stale(), &format!("{row}, at {at} ms")),
            }
        }
    }
}

#[tokio::test]
async fn an_issued_token_is_valid_from_its_second_for_its_ttl() {
    let forger = Forger::new(Algorithm::ES256);
    let shop = Shop::new(forger.ring()).await;
    shop.clock.set(millis(999));
    let (token, _) = shop.tokens(7).await;
    for (row, at, is_good) in [
        ("the start of its second", 0, true),
        ("before", -1, false),
        ("15 minutes less a millisecond", 899_999, true),
        ("15 minutes", 900_000, false),
    ] {
        shop.clock.set(millis(at));
        let answer = shop.me(&token).await;
        match is_good {
            true => answer.assert_ok("7 by jwt", row),
            false => answer.assert_is(&problem::invalid_token(), row),
        }
    }
}
