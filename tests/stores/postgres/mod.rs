//! PostgreSQL beyond the contract: transactions that are slow, roll back or wait for each other, crashes, standbys,
//! lost connections, several schemas, and plans.

mod calls;
mod crash;
mod locks;
mod opening;
mod plans;
mod standby;
mod wake_ups;
pub(crate) mod world;
mod writers;

mod contract {
    use std::sync::Arc;

    use auth_core::testing::contract;

    use crate::postgres::world::PostgresWorld;

    macro_rules! on_postgres {
        (; $($area:ident::$rule:ident,)*) => {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let Some(world) = PostgresWorld::new().await else { return };
                    contract::$area::$rule(Arc::new(world)).await;
                }
            )*
        };
    }

    auth_core::store_rules!([on_postgres] all);
    auth_core::store_rules!([on_postgres] restored);
}
