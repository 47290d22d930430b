//! The contract of [`store`](crate::store), one function a rule: each takes an empty store and panics if it breaks
//! the rule. [`store_contract!`](crate::store_contract) makes a test of each.
//!
//! The rules set the time through the `now` of each call. A store that measures with its server's clock needs a way
//! to be told to use that `now` instead, for these tests only.

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a rule that is broken panics: that is how tests say so"
)]

pub mod claims;
pub mod creation;
pub mod ending;
pub mod expiry;
mod fixture;
pub mod limits;
pub mod log;
pub mod purge;
pub mod revocation;
pub mod rotation;
pub mod sessions;

/// Tests a store against the contract: one `#[tokio::test]` a rule, named like it.
///
/// `make` is an async function without parameters that returns an empty store, a different one each time. A second
/// argument replaces the attribute of the tests.
///
/// ```no_run
/// use auth_core::store::memory::MemoryStore;
///
/// async fn make_store() -> MemoryStore {
///     MemoryStore::new()
/// }
///
/// auth_core::testing::store_contract!(make_store);
///
/// mod on_many_threads {
///     auth_core::testing::store_contract!(super::make_store, #[tokio::test(flavor = "multi_thread")]);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! store_contract {
    ($make:path) => {
        $crate::store_contract!($make, #[tokio::test]);
    };
    ($make:path, #$attribute:tt) => {
        $crate::store_rules!([$crate::store_contract] @each $make, $attribute);
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

/// Calls another macro with the list of all rules, so that there is one such list.
#[doc(hidden)]
#[macro_export]
macro_rules! store_rules {
    ([$($callback:tt)*] $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*;
            claims::claims_of_an_older_epoch_are_not_saved,
            claims::the_epoch_counts_up_by_one,
            claims::use_moves_a_login_forward_only,
            creation::a_login_is_loaded_as_it_was_created,
            creation::a_refused_login_replaces_nothing,
            creation::a_replaced_login_ends_with_the_new_one,
            creation::a_taken_login_id_is_refused,
            creation::a_taken_session_id_refuses_the_login,
            creation::logins_are_listed_newest_first,
            creation::the_id_of_an_expired_login_is_free,
            ending::a_login_ends_once,
            ending::a_login_ends_with_its_sessions,
            ending::all_logins_but_one_end,
            ending::all_logins_end_in_one_step,
            ending::an_end_and_its_entry_are_seen_together,
            ending::an_expired_login_does_not_end,
            ending::another_subjects_login_does_not_end,
            ending::nothing_brings_an_ended_login_back,
            expiry::a_login_is_gone_when_it_expires,
            expiry::a_session_is_gone_when_it_expires,
            expiry::a_session_is_gone_when_its_login_expires,
            expiry::nothing_renews_an_expired_login,
            limits::a_replaced_login_does_not_count,
            limits::concurrent_logins_keep_a_limit_that_ends_the_oldest,
            limits::concurrent_logins_keep_a_limit_that_refuses,
            limits::only_live_logins_of_the_subject_count,
            limits::the_oldest_logins_are_evicted,
            log::a_page_has_the_oldest_entries_and_the_last_number,
            log::a_reader_misses_no_entry,
            log::an_entry_is_gone_when_it_expires,
            log::entries_come_back_as_they_were_appended,
            log::every_append_wakes_those_who_wait,
            purge::a_purge_deletes_more_than_a_batch,
            purge::a_purge_deletes_only_what_has_expired,
            purge::numbers_are_not_used_again_after_a_purge,
            revocation::a_subject_is_revoked_below_its_epoch,
            revocation::only_live_entries_revoke,
            revocation::the_reason_of_an_end_does_not_matter,
            rotation::a_family_is_swapped_only_as_expected,
            rotation::a_rotation_moves_the_login_on,
            rotation::a_rotation_never_outlives_the_login,
            rotation::one_of_many_rotations_wins,
            rotation::one_of_many_swaps_wins,
            rotation::only_the_current_rotation_is_confirmed,
            rotation::only_the_current_token_rotates,
            rotation::within_the_grace_nothing_rotates,
            sessions::a_missing_session_is_not_saved,
            sessions::a_renamed_session_has_its_new_id_only,
            sessions::a_session_comes_with_its_login,
            sessions::a_session_is_not_renamed_to_a_taken_id,
            sessions::a_session_without_login_is_loaded_as_it_was_created,
            sessions::a_taken_session_id_is_refused,
            sessions::deleting_a_session_leaves_logins_alone,
            sessions::one_of_many_saves_wins,
            sessions::saving_over_another_save_is_a_conflict,
        }
    };
}
