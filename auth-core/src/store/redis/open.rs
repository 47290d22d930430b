//! Opening a store.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, Cmd, ConnectionAddr, IntoConnectionInfo as _, RedisResult, Value, cmd, from_redis_value,
};
use tokio::sync::watch;

use super::connection::{Connection, Finder, Server};
use super::run::{PARTITIONS, tag};
use super::scripts::Scripts;
use super::wake_ups::{channels, listen, listen_to_cluster};
use super::{RedisStore, Shared};
use crate::clock::Timestamp;
use crate::store::{Partition, Realm, StoreError};

/// The version of the format of the keys. It rises when versions of this crate that do not know it must not use the store.
const SCHEMA: u64 = 1;

/// Opens a [`RedisStore`] with settings.
#[derive(Clone)]
pub struct RedisStoreBuilder {
    urls: Vec<String>,
    prefix: String,
    timeout: Duration,
    sentinel: Option<String>,
    offset: Arc<AtomicI64>,
}

impl RedisStoreBuilder {
    pub(super) fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            prefix: "auth".to_owned(),
            timeout: Duration::from_secs(5),
            sentinel: None,
            offset: Arc::default(),
        }
    }

    /// The URLs are those of sentinels, which name the server of this master. User and password of the first URL are
    /// used for the server; TLS is used for it if the URL begins with `rediss://`.
    #[must_use]
    pub fn sentinel(mut self, master: &str) -> Self {
        self.sentinel = Some(master.to_owned());
        self
    }

    /// The prefix of all keys, after a brace. Default: `auth`. Two stores on one server need different prefixes; two
    /// services with one store only need different realms.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.to_owned();
        self
    }

    /// How long a call waits for the server, and an attempt to connect for the connection. Default: 5 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Milliseconds to add to the server's clock, which a test can change while the store is open.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn clock_offset(mut self, offset: Arc<AtomicI64>) -> Self {
        self.offset = offset;
        self
    }

    /// Connects, and checks the server.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when a URL or the prefix is not valid, no server answers, its version is lower than 7.0, its
    /// `maxmemory-policy` is not `noeviction`, or a later version of this crate changed the store in a way that this
    /// version does not know.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn open(self) -> Result<RedisStore, StoreError> {
        if self.prefix.is_empty() || self.prefix.contains(['{', '}']) {
            return Err(StoreError::new("the prefix is empty or contains a brace"));
        }
        if self.urls.is_empty() {
            return Err(StoreError::new("a URL of a server is missing"));
        }
        install_tls(&self.urls);
        let wake_ups = watch::Sender::new(0);
        let (connection, listener) = self.connect(&wake_ups).await.map_err(StoreError::new)?;
        let store = RedisStore {
            shared: Arc::new(Shared {
                connection,
                scripts: Scripts::new(),
                prefix: self.prefix,
                offset: self.offset,
                wake_ups,
                listener,
            }),
        };
        store.check_servers().await?;
        store.check_schema().await?;
        Ok(store)
    }

    async fn connect(
        &self,
        wake_ups: &watch::Sender<u64>,
    ) -> RedisResult<(Connection, tokio::task::AbortHandle)> {
        let channels = channels(&self.prefix);
        if self.sentinel.is_none() && (self.urls.len() > 1 || self.is_of_cluster().await?) {
            let builder = || {
                ClusterClient::builder(self.urls.iter().map(String::as_str))
                    .connection_timeout(self.timeout)
                    .response_timeout(self.timeout)
            };
            let connection = builder().build()?.get_async_connection().await?;
            let listener = listen_to_cluster(builder(), channels, wake_ups.clone())?;
            return Ok((Connection::Cluster(connection), listener));
        }
        let server = Server::new(self.finder()?, self.timeout);
        server.connection().await?;
        let listener = listen(self.finder()?, channels, wake_ups.clone());
        Ok((Connection::Server(Box::new(server)), listener))
    }

    /// Whether the only server is part of a cluster. One that is reached by a socket is used alone.
    async fn is_of_cluster(&self) -> RedisResult<bool> {
        let client = self.client()?;
        if matches!(client.get_connection_info().addr(), ConnectionAddr::Unix(_)) {
            return Ok(false);
        }
        let server = Server::new(Finder::Address(client), self.timeout);
        let (mut connection, _) = server.connection().await?;
        let answer: String = cmd("INFO").arg("cluster").query_async(&mut connection).await?;
        Ok(answer.contains("cluster_enabled:1"))
    }

    fn client(&self) -> RedisResult<Client> {
        Client::open(self.urls.first().map(String::as_str).unwrap_or_default())
    }

    fn finder(&self) -> RedisResult<Finder> {
        match &self.sentinel {
            None => self.client().map(Finder::Address),
            Some(master) => self.sentinel_client(master).map(Finder::Sentinel),
        }
    }

    fn sentinel_client(&self, master: &str) -> RedisResult<SentinelClient> {
        let infos = self.urls.iter().map(|url| url.as_str().into_connection_info());
        let infos = infos.collect::<RedisResult<Vec<_>>>()?;
        let addresses = infos.iter().map(|info| info.addr().clone());
        let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?;
        if let Some(first) = infos.first() {
            let settings = first.redis_settings();
            builder = builder.set_client_to_redis_db(settings.db());
            if let Some(username) = settings.username() {
                builder = builder.set_client_to_redis_username(username);
            }
            if let Some(password) = settings.password() {
                builder = builder.set_client_to_redis_password(password);
            }
            if matches!(first.addr(), ConnectionAddr::TcpTls { .. }) {
                builder = builder.set_client_to_redis_tls_mode(redis::TlsMode::Secure);
            }
        }
        builder.build()
    }
}

impl RedisStore {
    /// Asks every server that may write.
    async fn ask_servers(&self, question: Cmd) -> Result<Vec<Value>, StoreError> {
        match &self.shared.connection {
            Connection::Server(server) => {
                let (mut connection, _) = server.connection().await.map_err(StoreError::new)?;
                let answer = question.query_async(&mut connection).await.map_err(StoreError::new)?;
                Ok(vec![answer])
            }
            Connection::Cluster(connection) => {
                let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                let answer =
                    connection.clone().route_command(question, all).await.map_err(StoreError::new)?;
                match answer {
                    Value::Map(answers) => Ok(answers.into_iter().map(|(_, answer)| answer).collect()),
                    one => Ok(vec![one]),
                }
            }
        }
    }

    async fn check_servers(&self) -> Result<(), StoreError> {
        let mut question = cmd("INFO");
        question.arg("everything");
        for answer in self.ask_servers(question).await? {
            let answer: String = from_redis_value(answer).map_err(StoreError::new)?;
            let value = |name: &str| {
                answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
            };
            let version = value("redis_version").and_then(|version| version.split('.').next()?.parse().ok());
            if version.is_none_or(|version: u32| version < 7) {
                return Err(StoreError::new("the server's version is lower than 7.0"));
            }
            if value("maxmemory_policy") != Some("noeviction") {
                return Err(StoreError::new(
                    "`maxmemory-policy` of the server must be `noeviction`: with another policy it deletes what says \
                     that logins ended",
                ));
            }
        }
        Ok(())
    }

    /// Every version writes its number if it is the first; the lowest version that can read the store is written beside
    /// it.
    async fn check_schema(&self) -> Result<(), StoreError> {
        let script = redis::Script::new(
            "#!lua\n\
             redis.call('HSETNX', KEYS[1], 'schema', ARGV[1])\n\
             redis.call('HSETNX', KEYS[1], 'least_reader', ARGV[1])\n\
             redis.call('HSETNX', KEYS[1], 'partitions', ARGV[2])\n\
             return redis.call('HMGET', KEYS[1], 'least_reader', 'partitions')",
        );
        let mut call = script.key(format!("{}store", self.shared.tag(Partition::REALM)));
        call.arg(SCHEMA).arg(PARTITIONS);
        let answer = self.shared.connection.invoke(&call).await.map_err(StoreError::new)?;
        let (least_reader, partitions): (u64, u8) = from_redis_value(answer).map_err(StoreError::new)?;
        if least_reader > SCHEMA {
            return Err(StoreError::new(
                "a later version of this library changed the store, and this version cannot read it: update it",
            ));
        }
        if partitions != PARTITIONS {
            return Err(StoreError::new("the store has another number of partitions"));
        }
        Ok(())
    }

    /// The realms that the store has, by partition 0.
    pub(super) async fn realms(&self) -> Result<Vec<Realm>, StoreError> {
        let script = redis::Script::new("#!lua\nreturn redis.call('SMEMBERS', KEYS[1])");
        let call = script.key(format!("{}realms", tag(&self.shared.prefix, Partition::REALM)));
        let answer = self.shared.connection.invoke(&call).await.map_err(StoreError::new)?;
        let names: Vec<String> = from_redis_value(answer).map_err(StoreError::new)?;
        let realms = names.iter().map(|name| Realm::new(name));
        realms
            .collect::<Option<_>>()
            .ok_or_else(|| StoreError::new("the store has a realm without a valid name"))
    }

    /// The time of partition 0.
    pub(super) async fn server_time(&self) -> Result<Timestamp, StoreError> {
        let script = redis::Script::new(
            "#!lua\nlocal time = redis.call('TIME')\nreturn time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]",
        );
        let mut call = script.key(format!("{}store", tag(&self.shared.prefix, Partition::REALM)));
        call.arg(self.shared.offset.load(std::sync::atomic::Ordering::SeqCst));
        let answer = self.shared.connection.invoke(&call).await.map_err(StoreError::new)?;
        from_redis_value(answer).map(Timestamp::from_millis).map_err(StoreError::new)
    }
}

/// rustls needs a provider of cryptography for the process. An application that chose one keeps it.
fn install_tls(urls: &[String]) {
    let is_tls = urls.iter().any(|url| url.starts_with("rediss://") || url.starts_with("valkeys://"));
    if is_tls && rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread installed one in the meantime.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

impl std::fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A URL can contain a password.
        f.debug_struct("RedisStoreBuilder").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
