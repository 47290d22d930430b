//! A store on a Redis or Valkey server, alone, with Sentinel, or as a cluster.
//!
//! # How the contract is kept
//!
//! - **Steps.** A call is one script (`lua/`), which the server runs alone, with keys of one partition.
//! - **Partitions.** There are 16. All keys of a partition begin with its hash tag, so they are in one slot of a
//!   cluster.
//! - **Time** is the server's, read by the script (`TIME`).
//! - **The log** is a stream in each partition. A cursor names the last entry of each of them, by id and mark.
//! - **A server that must not answer**, such as a replica, refuses [`page`](super::RevocationStore::page) and
//!   [`standing`](super::RevocationStore::standing), because their scripts write. The same holds for a master with
//!   fewer replicas than `min-replicas-to-write`.
//! - **Purging.** Nothing has a time to live except what says that a token is revoked. Logins are deleted by
//!   [`purge`](super::LoginStore::purge), which looks at each one when it may have expired.

mod arguments;
mod connection;
mod cursor;
mod documents;
mod families;
mod logins;
mod open;
mod reply;
mod revocations;
mod run;
mod scripts;
mod sessions;
mod wake_ups;
mod write_back;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::store::StoreError;
use connection::Connection;
use scripts::Scripts;

pub use open::RedisStoreBuilder;

/// A store on a Redis or Valkey server. Cheap to clone; clones share the connections.
///
/// # Requirements
///
/// Redis 7.0 or later. `maxmemory-policy` must be `noeviction`: a server that evicts keys forgets that logins ended,
/// so the store does not open on such a server. Give the store a server of its own, or a database of a server, or at
/// least a prefix of its own.
///
/// # Data loss
///
/// | setting | lost when the server crashes | lost when a replica takes over |
/// |---|---|---|
/// | `appendonly yes`, `appendfsync always` | nothing that was acknowledged | what was not replicated yet |
/// | `appendonly yes`, `appendfsync everysec` | about the last second, at most two | what was not replicated yet |
/// | `save` only | everything since the last snapshot | what was not replicated yet |
/// | neither | everything | what was not replicated yet |
///
/// Recommended: `appendonly yes` with `appendfsync always`, and `min-replicas-to-write 1` where there are replicas.
/// Nodes notice that acknowledged revocations were lost, and write back those that they know. A revocation that no
/// running node knows is lost; so are sign-ins and rotations. `min-replicas-to-write` bounds for how long a master
/// that was cut off goes on accepting writes.
///
/// # Cancel safety
///
/// A call that is dropped before it returned took effect as a whole or not at all.
#[derive(Clone)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

struct Shared {
    connection: Connection,
    scripts: Scripts,
    /// The prefix of all hash tags.
    prefix: String,
    /// Milliseconds that are added to the server's clock; zero but in tests.
    offset: Arc<AtomicI64>,
    wake_ups: watch::Sender<u64>,
    listener: AbortHandle,
}

impl RedisStore {
    /// Opens the store on the server at this URL: `redis://` or `rediss://`, or `redis+unix://` for a socket.
    ///
    /// A server that is part of a cluster is used as one; others of the cluster are found through it.
    ///
    /// # Errors
    ///
    /// The same as [`RedisStoreBuilder::open`].
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::builder([url]).open().await
    }

    /// A builder that opens the store with other settings. Several URLs are nodes of one cluster, or sentinels.
    pub fn builder<'a>(urls: impl IntoIterator<Item = &'a str>) -> RedisStoreBuilder {
        RedisStoreBuilder::new(urls.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
