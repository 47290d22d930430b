//! What the tests share: a small shop that is attacked in process and those who sign in to it, the program of the example
//! shop and its clients, requests and answers, tokens made by hand, one store whose calls go wrong on command, and waiting
//! that ends.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod answer;
mod call;
mod directory;
pub mod forge;
mod gate;
mod own_process;
mod people;
pub mod problem;
pub mod program;
mod recorder;
pub mod shop;
mod state;
pub mod store;
mod time;
mod waiting;

pub use answer::{
    Answer, FORGET_COOKIE, REFRESH_COOKIE, SESSION_COOKIE, Tokens, UNKNOWN_SESSION, claims_of,
    refresh_cookie_of, session_of, token_id_of,
};
pub use call::Call;
pub use directory::Directory;
pub use forge::{Forged, Forger};
pub use gate::Gate;
pub use own_process::{in_own_process, own_name};
pub use people::{Permission, Role, ShopUser, User, admin, anna, bert, subject, user};
pub use recorder::Recorder;
pub use shop::{Node, Shop, World};
pub use state::{AppState, Orders};
pub use store::{Fault, FaultyStore, Op};
pub use time::{DAY, GRACE, HOUR, LEEWAY, MILLISECOND, MINUTE, NOW, SECOND, STALENESS, TTL};
pub use waiting::{PATIENCE, eventually, in_time, joined, watch_this_test, whole, within};

/// Makes a test of each function for a world in memory, where time stands still, and one for a world in a file.
#[macro_export]
macro_rules! on_both_stores {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    $crate::whole(super::$name($crate::World::memory())).await;
                }
            )*
        }

        mod in_sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    $crate::whole(async { super::$name($crate::World::sqlite().await).await }).await;
                }
            )*
        }
    };
}
