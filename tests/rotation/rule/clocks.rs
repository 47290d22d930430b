//! Clocks that go back, and answers that take long.

use std::time::Duration;

use auth_core::__private::rotation::RotateError;
use auth_core::__private::rotation::{ParsedToken, Rotated, Verdict};

use super::support::{DAY, GRACE, MILLI, NOW, Owner, SECOND};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A login that was rotated and used two hours before the clock went back by as much.
async fn rotated_in_the_future() -> (Owner, ParsedToken) {
    let owner = Owner::new().await;
    owner.clock.advance(2 * HOUR);
    let successor = owner.present(&owner.first).await.unwrap().token;
    owner.use_token(&successor).await;
    owner.clock.set(NOW.after(SECOND));
    (owner, successor)
}

#[tokio::test]
async fn a_clock_that_went_back_is_not_taken_for_theft() {
    let (owner, successor) = rotated_in_the_future().await;
    let tab = owner.present(&owner.first).await.unwrap();
    assert_eq!(tab.verdict, Verdict::Shared { streak: 1 });
    assert_eq!(owner.text(&tab.token), owner.text(&successor));
    owner.clock.advance(GRACE - MILLI);
    assert_eq!(owner.present(&owner.first).await.unwrap().verdict, Verdict::RepeatSuccessor);
}

#[tokio::test]
async fn a_rotation_in_the_future_does_not_keep_the_predecessor_good() {
    let (owner, _) = rotated_in_the_future().await;
    assert!(owner.present(&owner.first).await.is_ok());
    owner.clock.advance(GRACE);
    let late = owner.present(&owner.first).await.unwrap_err();
    assert!(matches!(late, RotateError::Stolen { generations: 1, .. }), "{late:?}");
}

#[tokio::test]
async fn a_rotation_in_the_future_does_not_keep_the_current_token_from_being_rotated() {
    let (owner, successor) = rotated_in_the_future().await;
    assert_eq!(owner.present(&successor).await.unwrap().verdict, Verdict::Repeat);
    assert_eq!(owner.family().await.unwrap().rotated_at, NOW.after(SECOND));
    owner.clock.advance(GRACE);
    assert!(matches!(owner.present(&successor).await.unwrap().verdict, Verdict::Rotate { .. }));
}

#[tokio::test]
async fn a_clock_that_goes_back_by_a_moment_makes_the_grace_no_longer() {
    let owner = Owner::new().await;
    let successor = owner.present(&owner.first).await.unwrap().token;
    owner.use_token(&successor).await;
    owner.clock.set(NOW.before(3 * MILLI));
    assert!(owner.present(&owner.first).await.is_ok());
    owner.clock.advance(GRACE);
    assert!(matches!(owner.present(&owner.first).await, Err(RotateError::Stolen { .. })));
}

#[tokio::test]
async fn a_lost_response_is_made_up_for_whatever_the_clock_did() {
    let owner = Owner::new().await;
    owner.clock.advance(2 * HOUR);
    let lost = owner.present(&owner.first).await.unwrap().token;
    owner.clock.set(NOW.after(SECOND));
    let again = owner.present(&owner.first).await.unwrap();
    assert_eq!((again.verdict, owner.text(&again.token)), (Verdict::RepeatSuccessor, owner.text(&lost)));
    owner.clock.advance(DAY);
    let replaced = owner.present(&owner.first).await.unwrap();
    assert!(matches!(replaced.verdict, Verdict::ReplaceSuccessor { .. }));
}

/// The claims source took that long.
async fn deliver(owner: &Owner, rotated: Rotated, time: Duration) -> Result<Rotated, RotateError> {
    owner.clock.advance(time);
    owner.refresh().deliver(&owner.first, rotated, time).await
}

#[tokio::test]
async fn an_answer_that_took_nine_seconds_has_its_whole_grace() {
    let owner = Owner::new().await;
    let slow = owner.present(&owner.first).await.unwrap();
    let handed_out = deliver(&owner, slow, 9 * SECOND).await.unwrap();
    owner.use_token(&handed_out.token).await;
    owner.clock.advance(2 * SECOND);
    let tab = owner.present(&owner.first).await.unwrap();
    assert_eq!(owner.text(&tab.token), owner.text(&handed_out.token));
}

#[tokio::test]
async fn an_answer_that_took_longer_than_the_grace_has_its_whole_grace() {
    let owner = Owner::new().await;
    let slow = owner.present(&owner.first).await.unwrap();
    let (epoch, now) = (slow.login.subject_epoch, slow.now);
    let handed_out = deliver(&owner, slow, HOUR).await.unwrap();
    assert_eq!((handed_out.login.subject_epoch, handed_out.now), (epoch, now));
    owner.use_token(&handed_out.token).await;
    owner.clock.advance(GRACE - MILLI);
    assert!(owner.present(&owner.first).await.is_ok());
    owner.clock.advance(MILLI);
    assert!(matches!(owner.present(&owner.first).await, Err(RotateError::Stolen { .. })));
}

#[tokio::test]
async fn an_answer_that_came_soon_asks_the_store_nothing() {
    let owner = Owner::new().await;
    let soon = owner.present(&owner.first).await.unwrap();
    let before = owner.family().await;
    let handed_out = deliver(&owner, soon, SECOND - MILLI).await.unwrap();
    assert_eq!((owner.family().await, handed_out.verdict), (before, rotate()));
}

const fn rotate() -> Verdict {
    Verdict::Rotate { next: auth_core::id::Position { generation: 1, branch: 0 } }
}

#[tokio::test]
async fn an_answer_that_another_request_replaced_becomes_the_other_answer_with_its_whole_grace() {
    let owner = Owner::new().await;
    let slow = owner.present(&owner.first).await.unwrap();
    owner.clock.advance(GRACE);
    let other = owner.present(&owner.first).await.unwrap();
    let handed_out = deliver(&owner, slow, GRACE - MILLI).await.unwrap();
    assert_eq!(owner.text(&handed_out.token), owner.text(&other.token));
    owner.use_token(&handed_out.token).await;
    owner.clock.advance(GRACE - MILLI);
    assert!(owner.present(&owner.first).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_the_family_left_behind_is_not_handed_out() {
    let owner = Owner::new().await;
    let slow = owner.present(&owner.first).await.unwrap();
    let successor = owner.present(&owner.first).await.unwrap().token;
    owner.clock.advance(GRACE);
    let next = owner.present(&successor).await.unwrap().token;
    let before = owner.family().await;
    let late = deliver(&owner, slow, SECOND).await.unwrap_err();
    assert!(matches!(late, RotateError::MovedOn { login } if login == owner.id()), "{late:?}");
    assert_eq!(owner.family().await, before);
    assert!(owner.present(&next).await.is_ok());
}

#[tokio::test]
async fn a_late_answer_of_a_login_that_ended_is_not_handed_out() {
    let owner = Owner::new().await;
    let slow = owner.present(&owner.first).await.unwrap();
    owner.end().await;
    let late = deliver(&owner, slow, HOUR).await.unwrap_err();
    assert!(matches!(late, RotateError::Ended { .. }), "{late:?}");
}

#[tokio::test]
async fn slow_repeats_of_a_used_token_do_not_put_off_its_rotation() {
    let owner = Owner::new().await;
    let successor = owner.present(&owner.first).await.unwrap().token;
    owner.use_token(&successor).await;
    owner.clock.advance(4 * SECOND);
    for presented in [&owner.first, &successor] {
        let repeated = owner.present(presented).await.unwrap();
        owner.clock.advance(3 * SECOND);
        assert!(owner.refresh().deliver(presented, repeated, 3 * SECOND).await.is_ok());
    }
    let next = owner.present(&successor).await.unwrap();
    assert!(matches!(next.verdict, Verdict::Rotate { .. }), "{:?}", next.verdict);
}
