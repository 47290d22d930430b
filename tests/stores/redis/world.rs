//! An empty store on the Redis of this process, with a clock that can be moved.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::store::Store;
use auth_core::store::redis::RedisStore;
use auth_core::testing::contract::{Restorable, World};
use redis::aio::MultiplexedConnection;
use redis::{Client, cmd};

use crate::engines::server::Server;

pub(crate) struct RedisWorld {
    store: Arc<RedisStore>,
    offset: Arc<AtomicI64>,
    connection: MultiplexedConnection,
    prefix: String,
    copy: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

/// On the one server of this process; none where there is no Redis.
pub(crate) async fn alone() -> Option<RedisWorld> {
    Some(RedisWorld::on(Server::redis()?).await)
}

impl RedisWorld {
    /// A store with keys of its own.
    pub(crate) async fn on(server: &Server) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let prefix = format!("world{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = format!("redis+unix://{}", server.redis_socket().display());
        let offset = Arc::<AtomicI64>::default();
        let builder = RedisStore::builder([url.as_str()]).prefix(&prefix).clock_offset(offset.clone());
        let store = Arc::new(builder.open().await.unwrap());
        let connection = Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
        Self { store, offset, connection, prefix, copy: Mutex::default() }
    }

    async fn keys(&self) -> Vec<Vec<u8>> {
        let pattern = format!("{{{}/*", self.prefix);
        cmd("KEYS").arg(pattern).query_async(&mut self.connection.clone()).await.unwrap()
    }
}

impl World for RedisWorld {
    fn store(&self) -> Arc<dyn Store> {
        Arc::<RedisStore>::clone(&self.store)
    }

    fn advance(&self, by: Duration) {
        self.offset.fetch_add(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    fn step_back(&self, by: Duration) {
        self.offset.fetch_sub(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Restorable for RedisWorld {
    async fn copy(&self) {
        let mut copy = HashMap::new();
        for key in self.keys().await {
            let value = cmd("DUMP").arg(&key).query_async(&mut self.connection.clone()).await.unwrap();
            copy.insert(key, value);
        }
        *self.copy.lock().unwrap() = copy;
    }

    async fn restore(&self) {
        self.empty().await;
        let copy = self.copy.lock().unwrap().clone();
        for (key, value) in copy {
            let mut restore = cmd("RESTORE");
            restore.arg(key).arg(0).arg(value);
            restore.exec_async(&mut self.connection.clone()).await.unwrap();
        }
    }

    async fn empty(&self) {
        for key in self.keys().await {
            cmd("DEL").arg(key).exec_async(&mut self.connection.clone()).await.unwrap();
        }
    }
}
