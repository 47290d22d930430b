//! Connections to a single server, to one that sentinels name, or to a cluster.

use std::io;
use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::cluster_async::ClusterConnection;
use redis::sentinel::SentinelClient;
use redis::{
    AsyncConnectionConfig, Client, RedisError, RedisResult, ScriptInvocation, ServerErrorKind, Value,
};
use tokio::sync::Mutex;

/// A connection that all calls share. After a failure a new one is opened.
pub(super) enum Connection {
    Cluster(ClusterConnection),
    Server(Box<Server>),
}

impl Connection {
    /// Runs a script.
    pub(super) async fn invoke(&self, script: &ScriptInvocation<'_>) -> RedisResult<Value> {
        match self {
            Self::Cluster(connection) => script.invoke_async(&mut connection.clone()).await,
            Self::Server(server) => server.invoke(script).await,
        }
    }

    /// The command that publishes: a cluster has channels that are in a slot, as keys are.
    pub(super) const fn publish(&self) -> &'static str {
        match self {
            Self::Cluster(_) => "SPUBLISH",
            Self::Server(_) => "PUBLISH",
        }
    }
}

/// Finds the server that may write.
pub(super) enum Finder {
    Address(Client),
    Sentinel(SentinelClient),
}

impl Finder {
    async fn client(&mut self) -> RedisResult<Client> {
        match self {
            Self::Address(client) => Ok(client.clone()),
            Self::Sentinel(sentinel) => sentinel.async_get_client().await,
        }
    }

    /// A connection that subscribes.
    pub(super) async fn subscriber(&mut self) -> RedisResult<PubSub> {
        self.client().await?.get_async_pubsub().await
    }
}

/// One server, or the one that sentinels name.
pub(super) struct Server {
    state: Mutex<State>,
    timeout: Duration,
}

struct State {
    finder: Finder,
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, so that a failed call drops the connection that it used and not a newer one.
    number: u64,
}

impl Server {
    pub(super) fn new(finder: Finder, timeout: Duration) -> Self {
        Self { state: Mutex::new(State { finder, connection: None, number: 0 }), timeout }
    }

    /// The connection, which is opened if there is none. Callers wait while one of them opens it.
    pub(super) async fn connection(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok((connection.clone(), state.number));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let found = tokio::time::timeout(self.timeout, state.finder.client()).await;
        let client = found.map_err(|_| RedisError::from(io::Error::from(io::ErrorKind::TimedOut)))??;
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        state.number = state.number.wrapping_add(1);
        state.connection = Some(connection.clone());
        Ok((connection, state.number))
    }

    async fn invoke(&self, script: &ScriptInvocation<'_>) -> RedisResult<Value> {
        let (mut connection, number) = self.connection().await?;
        let result = script.invoke_async(&mut connection).await;
        if result.as_ref().is_err_and(is_of_connection) {
            let mut state = self.state.lock().await;
            if state.number == number {
                state.connection = None;
            }
        }
        result
    }
}

/// Whether to open another connection: this one failed, or its server is no longer the master.
fn is_of_connection(error: &RedisError) -> bool {
    let kind = error.kind();
    error.is_unrecoverable_error()
        || error.is_timeout()
        || error.is_io_error()
        || [ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown]
            .map(redis::ErrorKind::Server)
            .contains(&kind)
}
