//! The scripts, each of which is one step.

use redis::Script;

macro_rules! scripts {
    ($($name:ident)*) => {
        /// All scripts that begin with the prelude.
        #[derive(Debug)]
        pub(super) struct Scripts {
            /// The floor of a realm, which must exist before the other scripts run.
            pub(super) floor: Script,
            $(pub(super) $name: Script,)*
        }

        impl Scripts {
            pub(super) fn new() -> Self {
                Self {
                    floor: Script::new(include_str!("lua/floor.lua")),
                    $($name: Script::new(concat!(
                        include_str!("lua/prelude.lua"),
                        include_str!(concat!("lua/", stringify!($name), ".lua"))
                    )),)*
                }
            }
        }
    };
}

scripts! {
    confirm create create_session delete_session document end list log_floor login page proposed_floor purge raise
    rename_session replace_family revoke_key revoke_token rotate save_claims save_document save_session session standing
    ticket touch write_back
}
