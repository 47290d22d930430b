//! The list of all rules, and the macros that use it.

/// Tests a store against the contract: generates a `#[tokio::test]` for each rule, with the name of the rule.
///
/// The first argument is an async function without parameters that returns a
/// [`World`](crate::testing::contract::World) with a new, empty store. The second argument replaces the attribute
/// `#[tokio::test]`. Names of areas after it restrict the tests to these areas; the default is all areas except
/// `restored`, which needs a [`Restorable`](crate::testing::contract::Restorable).
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use auth_core::clock::{Clock as _, Timestamp};
/// use auth_core::store::{Store, memory::MemoryStore};
/// use auth_core::testing::{ManualClock, contract::World};
///
/// struct Memory(ManualClock, MemoryStore);
///
/// impl World for Memory {
///     fn store(&self) -> Arc<dyn Store> {
///         Arc::new(self.1.clone())
///     }
///
///     fn advance(&self, by: Duration) {
///         self.0.advance(by);
///     }
///
///     fn step_back(&self, by: Duration) {
///         self.0.set(self.0.now().before(by));
///     }
/// }
///
/// async fn memory() -> Memory {
///     let clock = ManualClock::new(Timestamp::from_seconds(1_800_000_000));
///     Memory(clock.clone(), MemoryStore::with_clock(clock))
/// }
///
/// auth_core::testing::store_contract!(memory);
///
/// mod on_many_threads {
///     auth_core::testing::store_contract!(
///         super::memory, #[tokio::test(flavor = "multi_thread")], creation ending rotation standing log
///     );
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! store_contract {
    ($make:path) => {
        $crate::store_contract!($make, #[tokio::test]);
    };
    ($make:path, #$attribute:tt) => {
        $crate::store_contract!($make, #$attribute, all);
    };
    ($make:path, #$attribute:tt, $($area:ident)+) => {
        $($crate::store_rules! { [$crate::store_contract] $area @each $make, $attribute })+
    };
    (@each $make:path, $attribute:tt; $($module:ident::$rule:ident,)*) => {
        $(
            #$attribute
            async fn $rule() {
                $crate::testing::contract::$module::$rule(::std::sync::Arc::new($make().await)).await;
            }
        )*
    };
}

/// Calls another macro with the rules of an area, or of `all` areas except `restored`, so that there is only one
/// list.
#[doc(hidden)]
#[macro_export]
macro_rules! store_rules {
    ([$($callback:tt)*] all $($arguments:tt)*) => {
        $crate::store_rules! { [$($callback)*] claims $($arguments)* }
        $crate::store_rules! { [$($callback)*] creation $($arguments)* }
        $crate::store_rules! { [$($callback)*] documents $($arguments)* }
        $crate::store_rules! { [$($callback)*] ending $($arguments)* }
        $crate::store_rules! { [$($callback)*] families $($arguments)* }
        $crate::store_rules! { [$($callback)*] limits $($arguments)* }
        $crate::store_rules! { [$($callback)*] listing $($arguments)* }
        $crate::store_rules! { [$($callback)*] liveness $($arguments)* }
        $crate::store_rules! { [$($callback)*] log $($arguments)* }
        $crate::store_rules! { [$($callback)*] purge $($arguments)* }
        $crate::store_rules! { [$($callback)*] realms $($arguments)* }
        $crate::store_rules! { [$($callback)*] restoring $($arguments)* }
        $crate::store_rules! { [$($callback)*] rotation $($arguments)* }
        $crate::store_rules! { [$($callback)*] sessions $($arguments)* }
        $crate::store_rules! { [$($callback)*] signing_out $($arguments)* }
        $crate::store_rules! { [$($callback)*] standing $($arguments)* }
        $crate::store_rules! { [$($callback)*] tickets $($arguments)* }
        $crate::store_rules! { [$($callback)*] time $($arguments)* }
        $crate::store_rules! { [$($callback)*] uses $($arguments)* }
        $crate::store_rules! { [$($callback)*] write_back $($arguments)* }
    };
    ([$($callback:tt)*] claims $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            claims::a_change_of_claims_is_logged,
            claims::changed_claims_outdate_logins_and_end_none,
            claims::claims_are_replaced,
            claims::claims_of_an_older_epoch_are_not_saved,
        }
    };
    ([$($callback:tt)*] creation $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            creation::a_login_comes_with_its_session,
            creation::a_login_is_never_idle_longer_than_it_lasts,
            creation::a_login_is_stored_as_it_was_made,
            creation::a_taken_session_hash_refuses_the_login,
            creation::one_of_many_logins_with_one_id_is_made,
            creation::the_id_of_a_live_login_is_taken,
        }
    };
    ([$($callback:tt)*] documents $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            documents::a_document_is_bounded,
            documents::a_document_is_saved_only_over_the_expected_version,
            documents::one_of_many_documents_wins,
        }
    };
    ([$($callback:tt)*] ending $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            ending::a_later_ending_ends_a_spared_login,
            ending::a_spared_login_goes_on,
            ending::all_logins_of_the_subject_end,
            ending::an_ending_and_its_entry_are_seen_together,
            ending::ending_all_logins_is_one_entry,
            ending::no_sign_in_survives_an_ending_that_it_began_before,
            ending::only_a_live_login_of_the_subject_is_spared,
            ending::sparing_brings_nothing_back,
            ending::the_entry_is_kept_for_the_largest_retention,
        }
    };
    ([$($callback:tt)*] families $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            families::a_family_is_replaced_only_as_expected,
            families::a_replacement_raises_the_retention,
            families::a_rotation_keeps_what_was_counted,
            families::one_of_many_replacements_wins,
            families::only_the_current_position_is_confirmed,
            families::the_store_says_when_the_grace_began,
        }
    };
    ([$($callback:tt)*] limits $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            limits::a_refused_login_ends_nothing,
            limits::a_replaced_login_ends_and_does_not_count,
            limits::a_replaced_login_is_not_evicted_as_well,
            limits::a_spared_login_counts,
            limits::concurrent_logins_keep_a_limit_that_evicts,
            limits::concurrent_logins_keep_a_limit_that_refuses,
            limits::only_a_live_login_of_the_subject_is_replaced,
            limits::only_live_logins_of_the_subject_count,
            limits::the_new_login_is_never_evicted,
            limits::the_oldest_logins_are_evicted,
        }
    };
    ([$($callback:tt)*] listing $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            listing::a_list_goes_on_after_a_login_that_ended,
            listing::logins_are_listed_newest_first,
            listing::only_live_logins_are_listed,
        }
    };
    ([$($callback:tt)*] liveness $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            liveness::a_login_below_the_floor_is_live_in_no_call,
            liveness::a_login_that_ended_with_all_is_live_in_no_call,
            liveness::a_login_that_was_ended_is_live_in_no_call,
            liveness::a_login_that_was_idle_too_long_is_live_in_no_call,
            liveness::a_login_whose_end_was_written_back_is_live_in_no_call,
            liveness::a_spared_login_is_live_in_every_call,
            liveness::an_expired_login_is_live_in_no_call,
        }
    };
    ([$($callback:tt)*] log $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            log::a_cursor_that_is_not_of_this_log_begins_again,
            log::a_reader_misses_no_entry,
            log::a_token_is_logged_for_the_longer_retention,
            log::entries_are_served_for_the_margin,
            log::every_call_that_logs_answers_its_entry,
            log::every_entry_wakes_those_who_wait,
            log::pages_are_bounded,
        }
    };
    ([$($callback:tt)*] purge $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            purge::a_purge_deletes_more_than_a_batch,
            purge::a_purge_deletes_only_what_is_not_live,
            purge::a_purged_entry_is_not_taken_for_a_lost_one,
            purge::an_id_is_free_after_the_purge,
            purge::entries_are_purged_but_the_newest,
            purge::records_are_never_purged,
        }
    };
    ([$($callback:tt)*] realms $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            realms::a_limit_counts_in_one_realm,
            realms::documents_of_realms_are_apart,
            realms::endings_of_another_realm_end_nothing,
            realms::logs_of_realms_are_apart,
            realms::nothing_of_another_realm_is_found_or_changed,
            realms::the_floor_of_a_realm_begins_with_its_first_use,
            realms::the_id_of_a_login_is_taken_in_all_realms,
        }
    };
    ([$($callback:tt)*] restored $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            restored::an_emptied_store_is_noticed,
            restored::an_older_copy_is_noticed,
            restored::what_a_copy_brought_back_ends_again,
        }
    };
    ([$($callback:tt)*] restoring $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            restoring::a_restore_is_declared_while_in_use,
            restoring::everybody_signs_in_again,
            restoring::the_floor_is_the_largest_of_three,
        }
    };
    ([$($callback:tt)*] rotation $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            rotation::a_rotation_in_the_future_counts_as_within_the_grace,
            rotation::a_rotation_moves_the_login_on,
            rotation::a_rotation_never_outlives_the_login,
            rotation::a_rotation_raises_the_retention,
            rotation::one_of_many_rotations_wins,
            rotation::only_the_current_token_rotates,
            rotation::the_epoch_is_read_together_with_the_liveness,
            rotation::the_login_of_a_session_does_not_rotate,
            rotation::within_the_grace_nothing_rotates,
        }
    };
    ([$($callback:tt)*] sessions $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            sessions::a_rename_is_logged_for_the_longer_retention,
            sessions::a_renamed_session_has_its_new_hash_only,
            sessions::a_save_raises_the_version,
            sessions::a_session_is_refused_from_the_instant_it_expires,
            sessions::a_session_that_cannot_be_renamed_is_left_alone,
            sessions::a_session_without_login_is_stored_as_it_was_made,
            sessions::a_taken_session_hash_is_refused,
            sessions::nothing_brings_a_session_back,
            sessions::one_of_many_renames_wins,
            sessions::one_of_many_saves_wins,
            sessions::only_a_session_without_login_is_deleted,
            sessions::saving_over_another_save_is_a_conflict,
        }
    };
    ([$($callback:tt)*] signing_out $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            signing_out::a_login_ends_once,
            signing_out::a_login_ends_with_its_sessions,
            signing_out::an_end_is_logged_for_the_longer_retention,
            signing_out::only_a_live_login_of_the_subject_ends,
        }
    };
    ([$($callback:tt)*] standing $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            standing::a_named_login_must_be_live,
            standing::a_named_session_must_be_live,
            standing::a_revoked_token_is_gone,
            standing::a_session_is_judged_by_the_epoch_it_began_under,
            standing::claims_from_before_a_change_are_outdated,
            standing::the_credentials_of_a_spared_login_are_good,
            standing::what_a_revoked_key_signed_is_gone,
            standing::what_began_before_an_ending_is_gone,
            standing::what_is_below_the_floor_is_gone,
        }
    };
    ([$($callback:tt)*] tickets $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            tickets::a_change_of_claims_outdates_tickets,
            tickets::a_ticket_expires,
            tickets::a_ticket_contains_the_subjects_epoch,
            tickets::a_ticket_is_outdated_by_its_own_subject_only,
            tickets::a_ticket_of_another_epoch_is_refused,
            tickets::ending_all_logins_outdates_tickets,
            tickets::ending_one_login_leaves_tickets_valid,
        }
    };
    ([$($callback:tt)*] time $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            time::a_clock_that_steps_back_ends_nothing,
            time::a_login_is_refused_from_the_instant_it_expires,
            time::a_login_is_refused_from_the_instant_it_was_idle_too_long,
            time::answers_carry_the_time_of_the_store,
            time::epochs_rise_whatever_the_clock_does,
        }
    };
    ([$($callback:tt)*] uses $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            uses::a_batch_of_uses_ignores_logins_that_are_not_live,
            uses::use_moves_a_login_forward_only,
            uses::use_never_outlives_the_login,
        }
    };
    ([$($callback:tt)*] write_back $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            write_back::a_login_that_an_entry_spares_goes_on,
            write_back::entries_are_appended_under_their_own_marks,
            write_back::entries_that_the_log_has_are_ignored,
            write_back::thresholds_only_rise,
            write_back::what_is_written_back_takes_effect,
            write_back::writing_back_brings_nothing_back,
        }
    };
}
