//! The rules of the suite that need only the calls of a sketch.

use std::sync::Arc;

use auth_core::testing::contract;

macro_rules! rules {
    ($engine:ident: $($area:ident::$rule:ident,)*) => {
        mod $engine {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let Some(world) = crate::engines::$engine::world().await else { return };
                    contract::$area::$rule(Arc::new(world)).await;
                }
            )*
        }
    };
    ($($engine:ident)+) => {
        $(rules! {
            $engine:
            claims::a_change_of_claims_is_logged,
            claims::changed_claims_outdate_logins_and_end_none,
            creation::a_login_is_never_idle_longer_than_it_lasts,
            creation::a_login_is_stored_as_it_was_made,
            creation::one_of_many_logins_with_one_id_is_made,
            creation::the_id_of_a_live_login_is_taken,
            ending::a_later_ending_ends_a_spared_login,
            ending::a_spared_login_goes_on,
            ending::all_logins_of_the_subject_end,
            ending::an_ending_and_its_entry_are_seen_together,
            ending::ending_all_logins_is_one_entry,
            ending::no_sign_in_survives_an_ending_that_it_began_before,
            ending::only_a_live_login_of_the_subject_is_spared,
            ending::sparing_brings_nothing_back,
            ending::the_entry_lives_for_the_largest_retention,
            limits::a_refused_login_ends_nothing,
            limits::a_replaced_login_ends_and_does_not_count,
            limits::a_replaced_login_is_not_evicted_as_well,
            limits::a_spared_login_counts,
            limits::concurrent_logins_keep_a_limit_that_refuses,
            limits::only_a_live_login_of_the_subject_is_replaced,
            limits::only_live_logins_of_the_subject_count,
            limits::the_new_login_is_never_evicted,
            limits::the_oldest_logins_are_evicted,
            log::a_cursor_that_is_not_of_this_log_begins_again,
            log::a_reader_misses_no_entry,
            log::pages_are_bounded,
            realms::a_limit_counts_in_one_realm,
            realms::the_floor_of_a_realm_begins_with_its_first_use,
            realms::the_id_of_a_login_is_taken_in_all_realms,
            rotation::a_rotation_in_the_future_counts_as_within_the_grace,
            rotation::a_rotation_moves_the_login_on,
            rotation::a_rotation_never_outlives_the_login,
            rotation::a_rotation_raises_the_retention,
            rotation::one_of_many_rotations_wins,
            rotation::only_the_current_token_rotates,
            rotation::the_epoch_is_read_together_with_the_liveness,
            rotation::the_login_of_a_session_does_not_rotate,
            rotation::within_the_grace_nothing_rotates,
            standing::a_session_is_judged_by_the_epoch_it_began_under,
            standing::claims_from_before_a_change_are_outdated,
            standing::the_credentials_of_a_spared_login_are_good,
            standing::what_began_before_an_ending_is_gone,
            standing::what_is_below_the_floor_is_gone,
            tickets::a_change_of_claims_outdates_tickets,
            tickets::a_ticket_expires,
            tickets::a_ticket_holds_the_subjects_epoch,
            tickets::a_ticket_is_outdated_by_its_own_subject_only,
            tickets::a_ticket_of_another_epoch_is_refused,
            tickets::ending_all_logins_outdates_tickets,
            time::a_clock_that_steps_back_ends_nothing,
            time::a_login_is_over_from_the_instant_it_expires,
            time::a_login_is_over_from_the_instant_it_was_idle_too_long,
            time::answers_carry_the_time_of_the_store,
            time::epochs_rise_whatever_the_clock_does,
        })+
    };
}

rules!(postgres);
