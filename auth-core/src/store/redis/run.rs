//! Running a script in a partition of a realm.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;

use futures_util::future::try_join_all;
use redis::{Script, Value};

use super::arguments::Arguments;
use super::reply::Reply;
use super::{RedisStore, Shared};
use crate::id::Subject;
use crate::store::{Partition, Realm, StoreError};

/// How many partitions a store has. It is part of every login id, so it never changes.
pub(super) const PARTITIONS: u8 = 16;

/// How often a script is tried while its realm does not exist. More than two attempts are needed only if the server is
/// emptied between two calls.
const TRIES: u32 = 3;

pub(super) const fn partitions() -> NonZeroU32 {
    match NonZeroU32::new(PARTITIONS as u32) {
        Some(partitions) => partitions,
        None => NonZeroU32::MIN,
    }
}

pub(super) fn all_partitions() -> impl Iterator<Item = Partition> {
    (0..PARTITIONS).map(Partition::new)
}

/// The partition of a subject.
pub(super) fn of(subject: &Subject) -> Partition {
    Partition::of(subject, partitions())
}

/// The partition, or `None` if this store has no partition with this number.
pub(super) fn known(partition: Partition) -> Option<Partition> {
    (partition.number() < PARTITIONS).then_some(partition)
}

impl Shared {
    /// The prefix of all keys and channels of a partition: the part in braces determines the slot.
    pub(super) fn tag(&self, partition: Partition) -> String {
        tag(&self.prefix, partition)
    }

    /// `None` when the realm does not exist.
    async fn invoke(
        &self,
        script: &Script,
        realm: &Realm,
        partition: Partition,
        arguments: &Arguments,
    ) -> Result<Option<Reply>, StoreError> {
        let tag = self.tag(partition);
        let floor = format!("{tag}{}:{}:floor", realm.as_str().len(), realm.as_str());
        let mut call = script.key(floor);
        call.arg(realm.as_str())
            .arg(tag)
            .arg(self.offset.load(Ordering::SeqCst))
            .arg(self.connection.publish());
        for argument in &arguments.0 {
            call.arg(&**argument);
        }
        match self.connection.invoke(&call).await.map_err(StoreError::new)? {
            Value::Nil => Ok(None),
            Value::Array(values) => Ok(Some(Reply(values))),
            _ => Err(StoreError::new("a script did not answer with an array")),
        }
    }

    async fn floor(&self, realm: &Realm, partition: Partition, least: u64) -> Result<u64, StoreError> {
        let reply =
            self.invoke(&self.scripts.floor, realm, partition, &Arguments::new().epoch(least)).await?;
        reply.unwrap_or_default().number(1)
    }

    /// Creates the realm, or raises its floor to at least this number. Partition 0 decides; the others follow until all
    /// have the same.
    pub(super) async fn raise_floor(&self, realm: &Realm, least: u64) -> Result<u64, StoreError> {
        let mut least = least;
        loop {
            let decided = self.floor(realm, Partition::REALM, least).await?;
            let all = all_partitions().map(|partition| self.floor(realm, partition, decided));
            least = try_join_all(all).await?.into_iter().fold(decided, u64::max);
            if least == decided {
                return Ok(decided);
            }
        }
    }
}

impl RedisStore {
    /// Runs a step, after creating the realm if it does not exist.
    pub(super) async fn run(
        &self,
        script: &Script,
        realm: &Realm,
        partition: Partition,
        arguments: &Arguments,
    ) -> Result<Reply, StoreError> {
        for _ in 0..TRIES {
            if let Some(reply) = self.shared.invoke(script, realm, partition, arguments).await? {
                return Ok(reply);
            }
            self.shared.raise_floor(realm, 0).await?;
        }
        Err(StoreError::new("the server lost the realm again after it was created"))
    }

    /// Runs the same step in every partition.
    pub(super) async fn run_everywhere(
        &self,
        script: &Script,
        realm: &Realm,
        arguments: &Arguments,
    ) -> Result<Vec<Reply>, StoreError> {
        try_join_all(all_partitions().map(|partition| self.run(script, realm, partition, arguments))).await
    }

    /// The time, for an answer that needs no other data.
    pub(super) async fn only_time(&self, realm: &Realm) -> Result<crate::clock::Timestamp, StoreError> {
        let nobody = Arguments::new().text("");
        self.run(&self.shared.scripts.ticket, realm, Partition::REALM, &nobody).await?.now()
    }
}

pub(super) fn tag(prefix: &str, partition: Partition) -> String {
    format!("{{{prefix}/{}}}", partition.number())
}
