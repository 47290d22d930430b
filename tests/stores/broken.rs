//! The contract suite is worth something: for each of its rules, stores that break it fail it.

mod logins;
mod revocations;
mod sessions;
mod store;

use std::sync::Arc;

use auth_core::testing::contract;
use auth_tests::store::Relay;
use auth_tests::{watch_this_test, within};

use self::store::{Broken, Fault};

/// What breaks a rule. A rule that is not here has no test that it notices anything.
fn faults(rule: &str) -> &'static [Fault] {
    use Fault::*;
    match rule {
        "a_family_is_swapped_only_as_expected" => &[SwapsBlindly],
        "a_login_ends_once" => &[EndNotAtomic],
        "a_login_ends_with_its_sessions" => &[CachesSessions],
        "a_login_is_gone_when_it_expires" => &[ExpiresLate],
        "a_login_is_loaded_as_it_was_created" => &[DropsUserAgent],
        "a_missing_session_is_not_saved" => &[SavingCreates],
        "a_page_has_the_oldest_entries_and_the_last_number" => &[LastIsOfPage],
        "a_purge_deletes_more_than_a_batch" => &[PurgesOneBatch],
        "a_purge_deletes_only_what_has_expired" => &[PurgesTooMuch],
        "a_reader_misses_no_entry" => &[AppearsLate],
        "a_refused_login_replaces_nothing" => &[ReplacesFirst],
        "a_renamed_session_has_its_new_id_only" => &[RenameCopies],
        "a_replaced_login_does_not_count" => &[ReplacesAfter],
        "a_replaced_login_ends_with_the_new_one" => &[IgnoresReplaces],
        "a_rotation_moves_the_login_on" => &[ForgetsPrevious],
        "a_rotation_never_outlives_the_login" => &[IdleUncapped],
        "a_session_comes_with_its_login" => &[CachesSessions],
        "a_session_is_gone_when_it_expires" => &[SessionsExpireLate],
        "a_session_is_gone_when_its_login_expires" => &[LoginExpiryIgnored],
        "a_session_is_not_renamed_to_a_taken_id" => &[RenameOverwrites],
        "a_session_without_login_is_loaded_as_it_was_created" => &[CachesSessions],
        "a_subject_is_revoked_below_its_epoch" => &[EpochIsInclusive],
        "a_taken_login_id_is_refused" => &[OverwritesLogins, ReplacesFirst],
        "a_taken_session_id_is_refused" => &[OverwritesSessions],
        "a_taken_session_id_refuses_the_login" => &[CreatesLoginFirst],
        "all_logins_but_one_end" => &[EndsKeptToo],
        "all_logins_end_in_one_step" => &[EndsOneByOne],
        "an_end_and_its_entry_are_seen_together" => &[LogsLate],
        "an_entry_is_gone_when_it_expires" => &[EntriesExpireLate],
        "an_expired_login_does_not_end" => &[EndsExpired],
        "another_subjects_login_does_not_end" => &[EndsAnybodys],
        "claims_of_an_older_epoch_are_not_saved" => &[SavesOldClaims],
        "concurrent_logins_keep_a_limit_that_ends_the_oldest" => &[LimitNotAtomic],
        "concurrent_logins_keep_a_limit_that_refuses" => &[LimitNotAtomic],
        "deleting_a_session_leaves_logins_alone" => &[DeleteEndsLogins],
        "entries_come_back_as_they_were_appended" => &[ForgetsReasons],
        "every_append_wakes_those_who_wait" => &[NeverWakes, WakesOnlyTheWaiting],
        "logins_are_listed_newest_first" => &[ListsOldestFirst],
        "nothing_brings_an_ended_login_back" => &[SavingCreates],
        "nothing_renews_an_expired_login" => &[RenewsExpired],
        "numbers_are_not_used_again_after_a_purge" => &[ReusesNumbers],
        "one_of_many_rotations_wins" => &[RotationNotAtomic],
        "one_of_many_saves_wins" => &[SaveNotAtomic],
        "one_of_many_swaps_wins" => &[SwapNotAtomic],
        "only_live_entries_revoke" => &[ExpiredStillRevoke],
        "only_live_logins_of_the_subject_count" => &[ExpiredCount],
        "only_the_current_rotation_is_confirmed" => &[ConfirmsAnything],
        "only_the_current_token_rotates" => &[IgnoresBranch],
        "saving_over_another_save_is_a_conflict" => &[SavesBlindly],
        "the_epoch_counts_up_by_one" => &[EpochNotAtomic],
        "the_id_of_an_expired_login_is_free" => &[ExpiredIdsAreTaken],
        "the_oldest_logins_are_evicted" => &[EvictsNewest],
        "the_reason_of_an_end_does_not_matter" => &[ReasonMatters],
        "use_moves_a_login_forward_only" => &[LastTouchWins],
        "within_the_grace_nothing_rotates" => &[GraceIsShort, ClockBackRotates],
        _ => panic!("`{rule}` needs a fault that breaks it"),
    }
}

macro_rules! broken_stores_fail {
    (; $($module:ident::$rule:ident,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $rule() {
                watch_this_test();
                for fault in faults(stringify!($rule)) {
                    let store = Arc::new(Relay(Broken::with(*fault)));
                    let rule = tokio::spawn(contract::$module::$rule(store));
                    let verdict = within("the verdict of a rule", rule).await;
                    assert!(verdict.is_err(), "the rule does not notice {fault:?}");
                }
            }
        )*
    };
}

auth_core::store_rules!([broken_stores_fail]);

/// The wrapper itself breaks nothing, and no rule mistakes a store for broken that takes its time before and after each
/// call, so that calls overlap in other orders.
mod slow_without_fault {
    use auth_tests::store::Relay;

    use super::store::{Broken, Fault};

    async fn whole() -> Relay<Broken> {
        auth_tests::watch_this_test();
        Relay(Broken::with(Fault::Nothing))
    }

    auth_core::testing::store_contract!(whole, #[tokio::test(start_paused = true)]);
}
