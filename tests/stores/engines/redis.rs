//! [`RedisSketch`]: each step is one script of `redis/`, on the keys of one partition.

mod cursor;
mod reply;
mod steps;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use auth_core::id::Subject;
use auth_core::store::{LogEntry, Partition, Realm, StoreError};
use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::{Client, Script, Value};

use crate::engines::redis::cursor::Place;
use crate::engines::redis::reply::{Reply, hex};
use crate::engines::server::Server;
use crate::engines::sketch::{Engine as _, Offset, Shifted, Sketch, millis};

pub(crate) type RedisSketch = Sketch<RedisEngine>;

const TRIES: u32 = 3;
const PARTITIONS: u8 = 16;

#[derive(Debug)]
struct Scripts {
    begin: Script,
    ticket: Script,
    login: Script,
    create: Script,
    raise: Script,
    rotate: Script,
    page: Script,
    standing: Script,
}

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("redis/prelude.lua"),
            include_str!(concat!("redis/", $name, ".lua"))
        ))
    };
}

impl Scripts {
    fn new() -> Self {
        Self {
            begin: Script::new(include_str!("redis/begin.lua")),
            ticket: script!("ticket"),
            login: script!("login"),
            create: script!("create"),
            raise: script!("raise"),
            rotate: script!("rotate"),
            page: script!("page"),
            standing: script!("standing"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct RedisEngine {
    connection: MultiplexedConnection,
    /// The start of all hash tags: what of one server is this store's.
    name: String,
    offset: Offset,
    scripts: Scripts,
}

/// An empty store with keys of its own; none where there is no server.
pub(crate) async fn world() -> Option<Shifted<RedisEngine>> {
    Some(world_on(Server::redis()?).await)
}

pub(crate) async fn world_on(server: &Server) -> Shifted<RedisEngine> {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let name = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let offset = Offset::default();
    let engine = RedisEngine::open(server, name, offset.clone()).await.unwrap();
    Shifted { store: Arc::new(RedisSketch::new(engine)), offset }
}

impl RedisEngine {
    /// # Errors
    ///
    /// When the server is not there, or may throw away what it keeps.
    pub(crate) async fn open(server: &Server, name: String, offset: Offset) -> Result<Self, StoreError> {
        let url = format!("redis+unix://{}", server.redis_socket().display());
        let client = Client::open(url).map_err(StoreError::new)?;
        let mut connection = client.get_multiplexed_async_connection().await.map_err(StoreError::new)?;
        let mut ask = redis::cmd("CONFIG");
        let policy: HashMap<String, String> = ask
            .arg("GET")
            .arg("maxmemory-policy")
            .query_async(&mut connection)
            .await
            .map_err(StoreError::new)?;
        if policy.get("maxmemory-policy").is_none_or(|policy| policy != "noeviction") {
            return Err(StoreError::new(
                "`maxmemory-policy` must be `noeviction`: the server would forget logins",
            ));
        }
        Ok(Self { connection, name, offset, scripts: Scripts::new() })
    }

    /// One step in one partition; none when the realm has not begun there.
    async fn try_run(
        &self,
        script: &Script,
        realm: &Realm,
        partition: Partition,
        arguments: &[Vec<u8>],
    ) -> Result<Option<Vec<Value>>, StoreError> {
        let tag = format!("{{{}/{}}}", self.name, partition.number());
        let base = format!("{tag}{}:{}:", realm.as_str().len(), realm.as_str());
        let mut call = script.key(format!("{base}floor"));
        call.arg(realm.as_str()).arg(tag).arg(base).arg(self.offset.millis());
        for argument in arguments {
            call.arg(&**argument);
        }
        let reply: Value = call.invoke_async(&mut self.connection.clone()).await.map_err(StoreError::new)?;
        match reply {
            Value::Nil => Ok(None),
            Value::Array(all) => Ok(Some(all)),
            one => Ok(Some(vec![one])),
        }
    }

    async fn run(
        &self,
        script: &Script,
        realm: &Realm,
        partition: Partition,
        arguments: &[Vec<u8>],
    ) -> Result<Reply, StoreError> {
        for _ in 0..TRIES {
            if let Some(reply) = self.try_run(script, realm, partition, arguments).await? {
                return Ok(Reply(reply));
            }
            self.begin(realm).await?;
        }
        Err(StoreError::new("the realm is not there"))
    }

    /// Begins a realm: partition 0 decides when that was, and all have the same floor in the end.
    async fn begin(&self, realm: &Realm) -> Result<(), StoreError> {
        let begin = &self.scripts.begin;
        let mut least = 0;
        loop {
            let decided = self.try_run(begin, realm, Partition::REALM, &[text(least)]).await?;
            let floor: i64 = Reply(decided.unwrap_or_default()).get(0)?;
            let arguments = [text(floor)];
            let all = all_partitions().map(|partition| self.try_run(begin, realm, partition, &arguments));
            for reply in try_join_all(all).await? {
                least = Reply(reply.unwrap_or_default()).get::<i64>(0)?.max(least);
            }
            if least == floor {
                return Ok(());
            }
        }
    }

    /// Runs something else on the floor of a subject's partition (`KEYS[1]`) or its other keys (`ARGV[3]`).
    pub(crate) async fn tamper(&self, realm: &Realm, subject: &Subject, script: &str) -> i64 {
        let reply = self.try_run(&Script::new(script), realm, of(subject), &[]).await.unwrap();
        Reply(reply.unwrap()).get(0).unwrap()
    }

    async fn pages(
        &self,
        realm: &Realm,
        places: &[Option<Place>],
        most: NonZeroU32,
    ) -> Result<Vec<Reply>, StoreError> {
        let calls = all_partitions().zip(places).map(async |(partition, place)| {
            let (id, mark) = place.as_ref().map_or((String::new(), String::new()), |place| {
                (place.id.clone(), hex(place.mark.as_bytes()))
            });
            let arguments = [id.into(), mark.into(), text(most.get()), text(millis(LogEntry::MARGIN))];
            self.run(&self.scripts.page, realm, partition, &arguments).await
        });
        try_join_all(calls).await
    }
}

fn all_partitions() -> impl Iterator<Item = Partition> {
    (0..PARTITIONS).map(Partition::new)
}

fn of(subject: &Subject) -> Partition {
    Partition::of(subject, RedisEngine::PARTITIONS)
}

fn text(number: impl ToString) -> Vec<u8> {
    number.to_string().into_bytes()
}
