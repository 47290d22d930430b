//! [`RedisSketch`]: each step is one script of `redis/`, on the keys of one partition.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::Position;
use auth_core::id::{KeyId, LoginId, Subject, TokenId};
use auth_core::store::{
    Created, Cursor, ENTRY_MARGIN, EndedAll, Evicted, Family, Ids, Limit, LiveLogin, LogEntry, Logged,
    LoginKind, LoginRow, Mark, NewLogin, NewSession, OnLimit, Page, Partition, Realm, Reset, Revoked,
    Rotated, Rotation, SecretHash, SessionHash, SessionKey, Standing, StoreError, SubjectState, Ticket,
    Timed,
};
use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::{Client, FromRedisValue, Script, Value};

use crate::engines::server::Server;
use crate::engines::sketch::{Answer, Engine, Offset, Shifted, Sketch, epoch, millis, number, reason};

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
            let arguments = [id.into(), mark.into(), text(most.get()), text(millis(ENTRY_MARGIN))];
            self.run(&self.scripts.page, realm, partition, &arguments).await
        });
        try_join_all(calls).await
    }
}

fn all_partitions() -> impl Iterator<Item = Partition> {
    (0..PARTITIONS).map(Partition::new)
}

#[async_trait]
impl Engine for RedisEngine {
    const PARTITIONS: NonZeroU32 = NonZeroU32::new(PARTITIONS as u32).unwrap();

    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Answer<Ticket> {
        let arguments = [subject.as_str().into()];
        let reply = self.run(&self.scripts.ticket, realm, of(subject), &arguments).await?;
        Ok(Timed::new(Ticket::new(epoch(reply.get(1)?)?, reply.time(0)?), reply.time(0)?))
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Answer<Option<LiveLogin>> {
        let arguments = [hex(id.as_bytes()).into()];
        if Partition::of_login(id).number() >= PARTITIONS {
            // No login has such an id; the time is any partition's.
            return Ok(self.ticket_time(realm).await?.map(|()| None));
        }
        let reply = self.run(&self.scripts.login, realm, Partition::of_login(id), &arguments).await?;
        let is_live = reply.get::<String>(1)? == "live";
        let login = is_live.then(|| reply.live_login(id)).transpose()?;
        Ok(Timed::new(login, reply.time(0)?))
    }

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
        mark: Mark,
    ) -> Answer<Created> {
        let partition = of(&login.subject);
        let is_there = |other: Partition| other == partition;
        if !is_there(Partition::of_login(login.id)) || !session.is_none_or(|new| is_there(new.key.partition))
        {
            return Err(StoreError::new("the login or its session is in another partition than its subject"));
        }
        let exceeded = limit.is_some_and(|limit| limit.exceeded == OnLimit::EndOldest);
        let mut arguments: Vec<Vec<u8>> = vec![
            hex(login.id.as_bytes()).into(),
            login.subject.as_str().into(),
            text(number(ticket.epoch)),
            text(ticket.issued_at),
            text(number(ticket.lifetime)),
            text(millis(login.lifetime)),
            text(millis(login.idle)),
            text(millis(login.retention)),
            text(limit.map_or(0, |limit| limit.most.get())),
            if exceeded { "evict" } else { "refuse" }.into(),
            hex(mark.as_bytes()).into(),
            session.map_or_else(Vec::new, |session| hex(session.key.hash.as_bytes()).into()),
            session.map_or_else(Vec::new, |session| session.data.clone()),
            text(session.map_or(0, |session| millis(session.lifetime))),
            login.replaces.map_or_else(Vec::new, |old| hex(old.as_bytes()).into()),
        ];
        let mut field = |name: &str, value: Vec<u8>| arguments.extend([name.into(), value]);
        field("kind", if login.kind == LoginKind::Token { "token" } else { "session" }.into());
        field("claims", login.claims.clone());
        field("extra", login.extra.clone());
        login.user_agent.iter().for_each(|agent| field("user_agent", agent.clone().into()));
        login.address.iter().for_each(|address| field("address", address.clone().into()));
        if let Some(family) = login.secret.map(Family::first) {
            field("generation", text(family.position.generation));
            field("branch", text(family.position.branch));
            field("current", family.current.as_bytes().to_vec());
            field("nonce", family.nonce.to_vec());
            field("rotated_at", text(family.rotated_at.millis()));
            field("confirmed", text(u8::from(family.confirmed)));
            field("shared", text(family.shared));
            field("counted", text(u8::from(family.counted)));
        }
        let reply = self.run(&self.scripts.create, realm, partition, &arguments).await?;
        let created = match &*reply.get::<String>(1)? {
            "made" => {
                let (evicted, replaced) = (reply.ended(3)?, reply.ended(4)?.pop());
                let replaced = replaced.map(|old| old.logged);
                Created::Made { login: reply.login(2, login.id)?, replaced, evicted }
            }
            "outdated" => Created::Outdated,
            "id_taken" => Created::IdTaken,
            _ => Created::LimitReached,
        };
        Ok(Timed::new(created, reply.time(0)?))
    }

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
        mark: Mark,
    ) -> Answer<EndedAll> {
        let arguments = [
            subject.as_str().into(),
            text(millis(retention)),
            hex(mark.as_bytes()).into(),
            "all_ended".into(),
            except.map_or_else(Vec::new, |id| hex(id.as_bytes()).into()),
        ];
        let reply = self.run(&self.scripts.raise, realm, of(subject), &arguments).await?;
        let spared: String = reply.get(3)?;
        let ended = EndedAll {
            count: epoch(reply.get(2)?)?,
            epoch: epoch(reply.get(1)?)?,
            spared: (!spared.is_empty()).then(|| unhex(&spared).map(LoginId::from_bytes)).transpose()?,
            logged: Logged { mark, expires_at: reply.time(4)? },
        };
        Ok(Timed::new(ended, reply.time(0)?))
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
        mark: Mark,
    ) -> Answer<(u64, Logged)> {
        let arguments = [
            subject.as_str().into(),
            text(millis(retention)),
            hex(mark.as_bytes()).into(),
            "claims_changed".into(),
            Vec::new(),
        ];
        let reply = self.run(&self.scripts.raise, realm, of(subject), &arguments).await?;
        let logged = Logged { mark, expires_at: reply.time(4)? };
        Ok(Timed::new((epoch(reply.get(1)?)?, logged), reply.time(0)?))
    }

    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Answer<Rotated> {
        let partition = Partition::of_login(rotation.login);
        if partition.number() >= PARTITIONS {
            return Ok(self.ticket_time(realm).await?.map(|()| Rotated::NotLive));
        }
        let arguments = [
            hex(rotation.login.as_bytes()).into(),
            text(rotation.presented.generation),
            text(rotation.presented.branch),
            rotation.secret.as_bytes().to_vec(),
            rotation.successor.as_bytes().to_vec(),
            rotation.nonce.to_vec(),
            text(millis(rotation.grace)),
            text(millis(rotation.idle)),
            text(millis(rotation.retention)),
        ];
        let reply = self.run(&self.scripts.rotate, realm, partition, &arguments).await?;
        let rotated = match &*reply.get::<String>(1)? {
            "rotated" => Rotated::Rotated(reply.live_login(rotation.login)?),
            "live" => Rotated::Unchanged(reply.live_login(rotation.login)?),
            _ => Rotated::NotLive,
        };
        Ok(Timed::new(rotated, reply.time(0)?))
    }

    async fn page(&self, realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Answer<Page> {
        let start = || vec![None; usize::from(PARTITIONS)];
        let read = if cursor.is_start() { Some(start()) } else { places_of(cursor) };
        let mut reset = read.is_none().then_some(Reset::Malformed);
        let mut places = read.unwrap_or_else(start);
        let mut replies = self.pages(realm, &places, most).await?;
        let mut is_unknown = false;
        for (place, reply) in places.iter().zip(&replies) {
            if reply.get::<String>(2)? == "unknown_mark" {
                is_unknown = true;
                let over = reply.time(0)?.before(ENTRY_MARGIN);
                let is_over = place.as_ref().is_some_and(|place| place.expires_at <= over);
                if !is_over {
                    reset = Some(Reset::UnknownMark);
                }
            }
        }
        if is_unknown {
            reset = reset.or(Some(Reset::Purged));
            // All of them, so that a page that says so begins at the start of the whole log.
            places = start();
            replies = self.pages(realm, &places, most).await?;
        }
        let mut page = Page { entries: Vec::new(), next: Cursor::start(), has_more: false, floor: 0, reset };
        let mut times = Vec::new();
        for ((partition, place), reply) in all_partitions().zip(&mut places).zip(&replies) {
            times.push(reply.time(0)?);
            page.floor = page.floor.max(epoch(reply.get(1)?)?);
            page.has_more |= reply.get::<i64>(3)? == 1;
            let (id, mark, expiry): (String, String, String) = (reply.get(4)?, reply.get(5)?, reply.get(7)?);
            // No expiry: nothing came after the place.
            if !expiry.is_empty() {
                let (mark, expires_at) = (Mark::from_bytes(unhex(&mark)?), expiry_of(&expiry)?);
                *place = Some(Place { id, mark, expires_at });
            }
            for entry in reply.get::<Vec<Fields>>(6)? {
                page.entries.push(logged(partition, &entry)?);
            }
        }
        page.next = cursor_of(&places);
        // Each partition has a clock, and the list of a node is as old as the oldest part of it.
        let now = times.into_iter().min().ok_or_else(missing)?;
        Ok(Timed::new(page, now))
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Answer<Standing> {
        let subject = ids.subject.map(|(subject, _)| of(subject));
        let named = [subject, ids.login.map(Partition::of_login), ids.session.map(|key| key.partition)];
        let mut named: Vec<_> = named.into_iter().flatten().collect();
        named.dedup();
        if named.len() > 1 || named.iter().any(|partition| partition.number() >= PARTITIONS) {
            // Everything of one subject is in one partition: there is no such credential.
            return Ok(self.ticket_time(realm).await?.map(|()| Standing::Gone));
        }
        if named.is_empty() && ids.token.is_some() {
            return Err(StoreError::new("a token is found only with its subject"));
        }
        let of_subject = ids.subject.map_or(0, |(_, epoch)| number(epoch));
        let arguments = |key: Vec<u8>| {
            [
                ids.login.map_or_else(Vec::new, |id| hex(id.as_bytes()).into()),
                ids.session.map_or_else(Vec::new, |key| hex(key.hash.as_bytes()).into()),
                ids.subject.map_or_else(Vec::new, |(subject, _)| subject.as_str().into()),
                text(of_subject),
                text(ids.begun_under.map_or(of_subject, number)),
                ids.token.map_or_else(Vec::new, |token| hex(token.as_bytes()).into()),
                key,
                text(millis(ENTRY_MARGIN)),
            ]
        };
        let partition = named.first().copied().unwrap_or_default();
        let reply = self.run(&self.scripts.standing, realm, partition, &arguments(Vec::new())).await?;
        let standing = reply.standing()?;
        let Some(key) = ids.key.filter(|_| standing != Standing::Gone) else {
            return Ok(Timed::new(standing, reply.time(0)?));
        };
        let mut of_key: Vec<_> = (0..6).map(|_| Vec::new()).collect();
        of_key[3] = text(0);
        of_key[4] = text(0);
        of_key.extend([key.as_str().into(), text(millis(ENTRY_MARGIN))]);
        let of_key = self.run(&self.scripts.standing, realm, Partition::REALM, &of_key).await?;
        let standing = if of_key.standing()? == Standing::Gone { Standing::Gone } else { standing };
        Ok(Timed::new(standing, reply.time(0)?))
    }
}

impl RedisEngine {
    /// The time, of a partition that there is.
    async fn ticket_time(&self, realm: &Realm) -> Answer<()> {
        let reply = self.run(&self.scripts.ticket, realm, Partition::REALM, &[b"nobody".to_vec()]).await?;
        Ok(Timed::new((), reply.time(0)?))
    }
}

fn of(subject: &Subject) -> Partition {
    Partition::of(subject, RedisEngine::PARTITIONS)
}

fn text(number: impl ToString) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// The last entry that was seen of a partition.
#[derive(Clone)]
struct Place {
    id: String,
    mark: Mark,
    expires_at: Timestamp,
}

fn expiry_of(text: &str) -> Result<Timestamp, StoreError> {
    match text {
        "never" => Ok(LogEntry::NEVER),
        millis => millis.parse().map(Timestamp::from_millis).map_err(StoreError::new),
    }
}

/// `id`, mark and expiry of each partition; the start where no partition has an entry.
fn cursor_of(places: &[Option<Place>]) -> Cursor {
    if places.iter().all(Option::is_none) {
        return Cursor::start();
    }
    let parts = places.iter().map(|place| {
        place.as_ref().map_or_else(
            || "-".into(),
            |place| format!("{}={}={}", place.id, place.expires_at.millis(), hex(place.mark.as_bytes())),
        )
    });
    // The end says that it is whole.
    Cursor::from_bytes(format!("{};", parts.collect::<Vec<_>>().join(",")).into_bytes())
}

fn places_of(cursor: &Cursor) -> Option<Vec<Option<Place>>> {
    let text = str::from_utf8(cursor.as_bytes()).ok()?.strip_suffix(';')?;
    let places = text.split(',').map(|part| {
        if part == "-" {
            return Some(None);
        }
        let (id, rest) = part.split_once('=')?;
        let (expires_at, mark) = rest.split_once('=')?;
        let expires_at = Timestamp::from_millis(expires_at.parse().ok()?);
        let (time, sequence) = id.split_once('-')?;
        (time.parse::<u64>().is_ok() && sequence.parse::<u64>().is_ok()).then_some(())?;
        Some(Some(Place { id: id.into(), mark: Mark::from_bytes(unhex(mark).ok()?), expires_at }))
    });
    let places: Vec<_> = places.collect::<Option<_>>()?;
    (places.len() == usize::from(PARTITIONS)).then_some(places)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Result<[u8; N], StoreError> {
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect();
    let bytes = bytes.filter(|_| text.len() == 2 * N).ok_or_else(missing)?;
    bytes.try_into().map_err(|_| missing())
}

fn missing() -> StoreError {
    StoreError::new("an answer lacks something")
}

struct Reply(Vec<Value>);

impl Reply {
    fn get<T: FromRedisValue>(&self, index: usize) -> Result<T, StoreError> {
        redis::from_redis_value(self.0.get(index).cloned().unwrap_or(Value::Nil)).map_err(StoreError::new)
    }

    fn time(&self, index: usize) -> Result<Timestamp, StoreError> {
        self.get(index).map(Timestamp::from_millis)
    }

    fn standing(&self) -> Result<Standing, StoreError> {
        Ok(match &*self.get::<String>(1)? {
            "good" => Standing::Good,
            "outdated" => Standing::Outdated,
            _ => Standing::Gone,
        })
    }

    fn ended(&self, at: usize) -> Result<Vec<Evicted>, StoreError> {
        let all: Vec<(String, String, i64)> = self.get(at)?;
        let ended = all.into_iter().map(|(id, mark, expires_at)| {
            let mark = Mark::from_bytes(unhex(&mark)?);
            let logged = Logged { mark, expires_at: Timestamp::from_millis(expires_at) };
            Ok(Evicted { login: LoginId::from_bytes(unhex(&id)?), logged })
        });
        ended.collect()
    }

    fn live_login(&self, id: LoginId) -> Result<LiveLogin, StoreError> {
        let subject = SubjectState { epoch: epoch(self.get(2)?)?, outdated_below: epoch(self.get(3)?)? };
        Ok(LiveLogin { row: self.login(4, id)?, subject })
    }

    fn login(&self, index: usize, id: LoginId) -> Result<LoginRow, StoreError> {
        let fields: Fields = self.get(index)?;
        Ok(LoginRow {
            id,
            subject: fields.subject()?,
            kind: if fields.text("kind")? == "token" { LoginKind::Token } else { LoginKind::Session },
            created_at: fields.time("created_at")?,
            last_seen_at: fields.time("last_seen_at")?,
            authenticated_at: fields.time("authenticated_at")?,
            expires_at: fields.time("expires_at")?,
            idle_expires_at: fields.time("idle_expires_at")?,
            user_agent: fields.has("user_agent").then(|| fields.text("user_agent")).transpose()?,
            address: fields.has("address").then(|| fields.text("address")).transpose()?,
            claims: fields.bytes("claims")?,
            begun_under: fields.number("begun_under")?,
            epoch: fields.number("epoch")?,
            claims_loaded_at: fields.time("claims_loaded_at")?,
            retention: Duration::from_millis(fields.number("retention")?),
            family: fields.has("generation").then(|| fields.family()).transpose()?,
            extra: fields.bytes("extra")?,
        })
    }
}

/// A hash, or an entry of a stream.
struct Fields(HashMap<String, Vec<u8>>);

impl FromRedisValue for Fields {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        HashMap::from_redis_value(value).map(Self)
    }
}

impl Fields {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        self.0.get(name).cloned().ok_or_else(missing)
    }

    fn fixed<const N: usize>(&self, name: &str) -> Result<[u8; N], StoreError> {
        self.bytes(name)?.try_into().map_err(|_| missing())
    }

    fn text(&self, name: &str) -> Result<String, StoreError> {
        String::from_utf8(self.bytes(name)?).map_err(StoreError::new)
    }

    fn number(&self, name: &str) -> Result<u64, StoreError> {
        self.text(name)?.parse().map_err(StoreError::new)
    }

    fn small<T: TryFrom<u64, Error: std::error::Error + Send + Sync + 'static>>(
        &self,
        name: &str,
    ) -> Result<T, StoreError> {
        self.number(name)?.try_into().map_err(StoreError::new)
    }

    fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(self.text(name)?.parse().map_err(StoreError::new)?))
    }

    fn subject(&self) -> Result<Subject, StoreError> {
        Subject::new(&self.text("subject")?).map_err(StoreError::new)
    }

    fn family(&self) -> Result<Family, StoreError> {
        let has = |name| self.has(name);
        Ok(Family {
            position: Position { generation: self.small("generation")?, branch: self.small("branch")? },
            previous_branch: has("previous_branch").then(|| self.small("previous_branch")).transpose()?,
            current: SecretHash::from_bytes(self.fixed("current")?),
            previous: has("previous")
                .then(|| self.fixed("previous"))
                .transpose()?
                .map(SecretHash::from_bytes),
            nonce: self.fixed("nonce")?,
            rotated_at: self.time("rotated_at")?,
            confirmed: self.number("confirmed")? == 1,
            shared: self.small("shared")?,
            counted: self.number("counted")? == 1,
        })
    }
}

fn logged(partition: Partition, fields: &Fields) -> Result<LogEntry, StoreError> {
    let id = |name| -> Result<LoginId, StoreError> { unhex(&fields.text(name)?).map(LoginId::from_bytes) };
    let revoked = match &*fields.text("kind")? {
        "login" => match reason(&fields.text("reason")?) {
            Some(reason) => Revoked::Login(id("login")?, reason),
            None => Revoked::Unknown,
        },
        "all_ended" => Revoked::AllEnded {
            subject: fields.subject()?,
            below: fields.number("below")?,
            spared: (!fields.text("login")?.is_empty()).then(|| id("login")).transpose()?,
        },
        "claims_changed" => {
            Revoked::ClaimsChanged { subject: fields.subject()?, below: fields.number("below")? }
        }
        "session" => {
            let hash = SessionHash::from_bytes(unhex(&fields.text("item")?)?);
            Revoked::Session(SessionKey { partition, hash })
        }
        "token" => Revoked::Token(partition, TokenId::from_bytes(unhex(&fields.text("item")?)?)),
        "key" => Revoked::Key(KeyId::new(&fields.text("item")?).ok_or_else(missing)?),
        "floor" => Revoked::Floor(fields.number("below")?),
        _ => Revoked::Unknown,
    };
    let expires_at = expiry_of(&fields.text("expires_at")?)?;
    Ok(LogEntry { mark: Mark::from_bytes(unhex(&fields.text("mark")?)?), revoked, expires_at })
}
