//! The contract on real servers of Redis, and what is specific to them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics says so")]

mod cluster;
mod lost;
mod nodes;
mod settings;
pub(crate) mod world;

macro_rules! on_redis {
    (; $($module:ident::$rule:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $rule() {
                let Some(world) = crate::redis::world::alone().await else { return };
                auth_core::testing::contract::$module::$rule(std::sync::Arc::new(world)).await;
            }
        )*
    };
}

mod contract {
    auth_core::store_rules!([on_redis] all);
    auth_core::store_rules!([on_redis] restored);
}
