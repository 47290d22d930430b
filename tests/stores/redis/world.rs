//! An empty store on the Redis of this process, with a clock that can be moved.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::store::redis::RedisStore;
use auth_core::store::{Realm, Store, StoreError};
use auth_core::testing::contract::{Restorable, World};
use redis::aio::MultiplexedConnection;
use redis::{Client, cmd};

use auth_tests::server::Server;

pub(crate) struct RedisWorld {
    store: Arc<RedisStore>,
    url: String,
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
        let url = server.redis_url();
        let offset = Arc::<AtomicI64>::default();
        let builder = RedisStore::builder([url.as_str()]).prefix(&prefix).clock_offset(offset.clone());
        let store = Arc::new(builder.open().await.unwrap());
        let connection =
            Client::open(url.as_str()).unwrap().get_multiplexed_async_connection().await.unwrap();
        Self { store, url, offset, connection, prefix, copy: Mutex::default() }
    }

    /// Another node with the same data.
    pub(crate) async fn reopened(&self) -> Result<RedisStore, StoreError> {
        let builder = RedisStore::builder([self.url.as_str()]).prefix(&self.prefix);
        builder.clock_offset(self.offset.clone()).open().await
    }

    /// A key of a partition that is not of a realm.
    pub(crate) fn key(&self, partition: u8, name: &str) -> String {
        format!("{{{}/{partition}}}{name}", self.prefix)
    }

    pub(crate) fn key_of(&self, realm: &Realm, partition: u8, name: &str) -> String {
        self.key(partition, &format!("{}:{}:{name}", realm.as_str().len(), realm.as_str()))
    }

    /// Runs a command past the store.
    pub(crate) async fn command(&self, words: &[&str]) -> redis::Value {
        let mut command = cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(word);
        });
        command.query_async(&mut self.connection.clone()).await.unwrap()
    }

    pub(crate) async fn keys(&self) -> Vec<Vec<u8>> {
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
