//! [`PostgresSketch`]: each step is one function of `postgres.sql`, in one round trip.

use std::num::NonZeroU32;
use std::path::Path;
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
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Decode, PgConnection, PgPool, Postgres, Row as _,
    Type,
};

use crate::engines::server::Server;
use crate::engines::sketch::{Answer, Engine, Offset, Shifted, Sketch, epoch, millis, number, reason};

pub(crate) type PostgresSketch = Sketch<PostgresEngine>;

const TRIES: u32 = 5;
/// Deadlock, and serialization failure: the server rolled the step back.
const AGAIN: [&str; 2] = ["40P01", "40001"];

#[derive(Debug)]
pub(crate) struct PostgresEngine {
    pool: PgPool,
    pub(crate) options: PgConnectOptions,
    offset: Offset,
}

/// An empty store in a schema of its own; none where there is no server.
pub(crate) async fn world() -> Option<Shifted<PostgresEngine>> {
    Some(world_on(Server::postgres()?).await)
}

pub(crate) async fn world_on(server: &Server) -> Shifted<PostgresEngine> {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let folder = server.folder();
    let schema = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let options = options(folder, &schema);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let sql = format!("CREATE SCHEMA {schema}; {}", include_str!("postgres.sql"));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    open(options).await
}

/// The same store, by another server.
pub(crate) async fn on_standby(world: &Shifted<PostgresEngine>, server: &Server) -> Shifted<PostgresEngine> {
    open(world.store.engine.options.clone().socket(server.folder())).await
}

async fn open(options: PgConnectOptions) -> Shifted<PostgresEngine> {
    let pool = PgPoolOptions::new().max_connections(8).connect_with(options.clone()).await.unwrap();
    let offset = Offset::default();
    let engine = PostgresEngine { pool, options, offset: offset.clone() };
    Shifted { store: Arc::new(PostgresSketch::new(engine)), offset }
}

/// Read committed whatever the database's default is: the functions read again after a lock.
fn options(folder: &Path, schema: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(folder)
        .username("postgres")
        .database("postgres")
        .options([("search_path", schema), ("default_transaction_isolation", "read committed")])
        .disable_statement_logging()
}

impl PostgresEngine {
    fn shift(&self) -> i64 {
        self.offset.millis()
    }

    /// The rows of a query. Where they do not know the realm, it begins now, and they are asked for again.
    async fn rows<'q>(
        &self,
        realm: &Realm,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send + Sync,
        is_known: impl Fn(&PgRow) -> bool + Send + Sync,
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut tries = 1;
        loop {
            match query().fetch_all(&self.pool).await {
                Ok(rows) if rows.first().is_some_and(&is_known) => return Ok(rows),
                Ok(_) if tries < TRIES => {
                    let begin = sqlx::query("SELECT begin_realm($1, $2)");
                    let begin = begin.bind(realm.as_str().to_owned()).bind(self.shift());
                    begin.execute(&self.pool).await.map_err(StoreError::new)?;
                }
                Ok(_) => return Err(StoreError::new("the realm is not there")),
                Err(sqlx::Error::Database(error))
                    if tries < TRIES && error.code().is_some_and(|code| AGAIN.contains(&&*code)) => {}
                Err(error) => return Err(StoreError::new(error)),
            }
            tries += 1;
        }
    }

    async fn row<'q>(
        &self,
        realm: &Realm,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send + Sync,
    ) -> Result<Row, StoreError> {
        let is_known = |row: &PgRow| row.try_get::<Option<i64>, _>("now").is_ok_and(|now| now.is_some());
        let rows = self.rows(realm, query, is_known).await?;
        rows.into_iter().next().map(Row).ok_or_else(|| StoreError::new("no row"))
    }
}

const ANSWER: &str = "SELECT a.outcome, a.now, a.subject_epoch, a.subject_outdated_below, (a.login).* FROM ";

#[async_trait]
impl Engine for PostgresEngine {
    const PARTITIONS: NonZeroU32 = NonZeroU32::MIN;

    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Answer<Ticket> {
        let query = || {
            let query = sqlx::query("SELECT * FROM ticket($1, $2, $3)");
            query.bind(realm.as_str()).bind(subject.as_str()).bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let now = row.now()?;
        Ok(Timed::new(Ticket::new(row.number("epoch")?, now), now))
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Answer<Option<LiveLogin>> {
        let sql = format!("{ANSWER} login($1, $2, $3) a");
        let query = || {
            let query = sqlx::query(AssertSqlSafe(sql.clone()));
            query.bind(realm.as_str()).bind(id.as_bytes().to_vec()).bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let is_live = row.get::<String>("outcome")? == "live";
        let login = is_live.then(|| row.live_login()).transpose()?;
        Ok(Timed::new(login, row.now()?))
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
        let sql = "SELECT c.outcome, c.now, c.is_replaced, c.ended, c.marks, c.expiries, (c.login).* FROM create_login($1,
            ROW($2, $3, $4, $5, 0, 0, 0, $6, $7, $8, $9, $10, 0, 0, 0, $11, $12, $13, $14, NULL, $15, NULL, $16,
                $17, $18, $19, $20)::logins,
            $21, $22, $23, $24, ROW(NULL, $25, NULL, $26, 1, $27)::sessions, $28, $29, $30) c";
        let family = login.secret.map(Family::first);
        let family = family.as_ref();
        let query = || {
            sqlx::query(sql)
                .bind(self.shift())
                .bind(login.id.as_bytes().to_vec())
                .bind(realm.as_str())
                .bind(login.subject.as_str())
                .bind(kind_text(login.kind))
                .bind(millis(login.lifetime))
                .bind(millis(login.idle))
                .bind(login.user_agent.as_deref())
                .bind(login.address.as_deref())
                .bind(&*login.claims)
                .bind(millis(login.retention))
                .bind(&*login.extra)
                .bind(family.map(|family| i64::from(family.position.generation)))
                .bind(family.map(|family| i32::from(family.position.branch)))
                .bind(family.map(|family| family.current.as_bytes().to_vec()))
                .bind(family.map(|family| family.nonce.to_vec()))
                .bind(family.map(|family| family.rotated_at.millis()))
                .bind(family.map(|family| family.confirmed))
                .bind(family.map(|family| i64::from(family.shared)))
                .bind(family.map(|family| family.counted))
                .bind(number(ticket.epoch))
                .bind(ticket.issued_at)
                .bind(number(ticket.lifetime))
                .bind(mark.as_bytes().to_vec())
                .bind(session.map(|session| session.key.hash.as_bytes().to_vec()))
                .bind(session.map(|session| session.data.clone()))
                .bind(session.map(|session| millis(session.lifetime)))
                .bind(limit.map(|limit| i64::from(limit.most.get())))
                .bind(limit.is_some_and(|limit| limit.exceeded == OnLimit::EndOldest))
                .bind(login.replaces.map(|old| old.as_bytes().to_vec()))
        };
        let row = self.row(realm, query).await?;
        let created = match &*row.get::<String>("outcome")? {
            "made" => {
                let mut evicted = row.ended()?;
                let is_replaced: bool = row.get("is_replaced")?;
                let replaced = is_replaced.then(|| evicted.remove(0).logged);
                Created::Made { login: row.login()?, replaced, evicted }
            }
            "outdated" => Created::Outdated,
            "id_taken" => Created::IdTaken,
            _ => Created::LimitReached,
        };
        Ok(Timed::new(created, row.now()?))
    }

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
        mark: Mark,
    ) -> Answer<EndedAll> {
        let query = || {
            sqlx::query("SELECT * FROM end_all($1, $2, $3, $4, $5, $6)")
                .bind(realm.as_str())
                .bind(subject.as_str())
                .bind(except.map(|id| id.as_bytes().to_vec()))
                .bind(millis(retention))
                .bind(mark.as_bytes().to_vec())
                .bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let ended = EndedAll {
            count: row.number("ended")?,
            epoch: row.number("epoch")?,
            spared: row.id("spared")?,
            logged: Logged { mark, expires_at: row.time("expires_at")? },
        };
        Ok(Timed::new(ended, row.now()?))
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
        mark: Mark,
    ) -> Answer<(u64, Logged)> {
        let query = || {
            sqlx::query("SELECT * FROM claims_changed($1, $2, $3, $4, $5)")
                .bind(realm.as_str())
                .bind(subject.as_str())
                .bind(millis(retention))
                .bind(mark.as_bytes().to_vec())
                .bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let logged = Logged { mark, expires_at: row.time("expires_at")? };
        Ok(Timed::new((row.number("epoch")?, logged), row.now()?))
    }

    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Answer<Rotated> {
        let sql = format!("{ANSWER} rotate($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) a");
        let query = || {
            sqlx::query(AssertSqlSafe(sql.clone()))
                .bind(realm.as_str())
                .bind(rotation.login.as_bytes().to_vec())
                .bind(i64::from(rotation.presented.generation))
                .bind(i32::from(rotation.presented.branch))
                .bind(rotation.secret.as_bytes().to_vec())
                .bind(rotation.successor.as_bytes().to_vec())
                .bind(rotation.nonce.to_vec())
                .bind(millis(rotation.grace))
                .bind(millis(rotation.idle))
                .bind(millis(rotation.retention))
                .bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let rotated = match &*row.get::<String>("outcome")? {
            "rotated" => Rotated::Rotated(row.live_login()?),
            "live" => Rotated::Unchanged(row.live_login()?),
            _ => Rotated::NotLive,
        };
        Ok(Timed::new(rotated, row.now()?))
    }

    async fn page(&self, realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Answer<Page> {
        let place = Place::read(cursor);
        let malformed = (place.is_none() && !cursor.is_start()).then_some(Reset::Malformed);
        let sql = "SELECT p.now, p.floor, p.incarnation, p.reset, p.upto, p.is_latest, (p.entry).*,
                (p.entry).txid::text AS transaction
            FROM page($1, $2, $3::text::pg_snapshot, $4::text::pg_snapshot, $5::text::xid8, $6, $7, $8, $9, $10) p";
        let query = || {
            sqlx::query(sql)
                .bind(realm.as_str())
                .bind(place.as_ref().map(|place| place.incarnation.clone()))
                .bind(place.as_ref().map(|place| place.from.clone()))
                .bind(place.as_ref().and_then(|place| place.to.clone()))
                .bind(place.as_ref().map_or_else(|| "0".into(), |place| place.last.0.to_string()))
                .bind(place.as_ref().map_or(0, |place| place.last.1))
                .bind(place.as_ref().map(|place| place.mark.as_bytes().to_vec()))
                .bind(i64::from(most.get()))
                .bind(millis(ENTRY_MARGIN))
                .bind(self.shift())
        };
        let mut rows: Vec<_> = self.rows(realm, query, |_| true).await?.into_iter().map(Row).collect();
        let first = rows.first().ok_or_else(|| StoreError::new("no row"))?;
        let (now, floor) = (first.now()?, first.number("floor")?);
        let incarnation: String = first.get("incarnation")?;
        let (upto, is_latest): (String, bool) = (first.get("upto")?, first.get("is_latest")?);
        let lost = first.get::<Option<String>>("reset")?.map(|reset| match &*reset {
            "incarnation" => Reset::Incarnation,
            _ if place.as_ref().is_some_and(|place| place.expires_at <= now.before(ENTRY_MARGIN)) => {
                Reset::Purged
            }
            _ => Reset::UnknownMark,
        });
        let reset = malformed.or(lost);
        let place = place.filter(|_| reset.is_none());

        let is_cut = rows.len() > usize::try_from(most.get()).map_err(StoreError::new)?;
        rows.truncate(rows.len() - usize::from(is_cut));
        rows.retain(|row| row.get::<Option<i64>>("id").is_ok_and(|id| id.is_some()));
        let entries = rows.iter().map(Row::entry).collect::<Result<Vec<_>, _>>()?;
        let last = rows.last().map(Row::place).transpose()?.unwrap_or((0, 0));
        let seen = entries.last().map(|entry| (entry.mark, entry.expires_at));
        let seen = seen.or(place.as_ref().map(|place| (place.mark, place.expires_at)));
        let next = seen.map(|(mark, expires_at)| {
            let place = if is_cut {
                let from = place.map_or_else(|| "3:3:".into(), |place| place.from);
                Place { incarnation, from, to: Some(upto), last, mark, expires_at }
            } else {
                Place { incarnation, from: upto, to: None, last: (0, 0), mark, expires_at }
            };
            place.cursor()
        });
        // The end of what an earlier page began with may have been long ago.
        let has_more = is_cut || !is_latest;
        Ok(Timed::new(Page { entries, next: next.unwrap_or_default(), has_more, floor, reset }, now))
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Answer<Standing> {
        let query = || {
            sqlx::query("SELECT * FROM standing($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
                .bind(realm.as_str())
                .bind(ids.login.map(|id| id.as_bytes().to_vec()))
                .bind(ids.session.map(|key| key.hash.as_bytes().to_vec()))
                .bind(ids.subject.map(|(subject, _)| subject.as_str()))
                .bind(ids.subject.map(|(_, epoch)| number(epoch)))
                .bind(ids.begun_under.map(number))
                .bind(ids.token.map(|token| token.as_bytes().to_vec()))
                .bind(ids.key.map(|key| key.as_str().as_bytes().to_vec()))
                .bind(millis(ENTRY_MARGIN))
                .bind(self.shift())
        };
        let row = self.row(realm, query).await?;
        let standing = match &*row.get::<String>("standing")? {
            "good" => Standing::Good,
            "outdated" => Standing::Outdated,
            _ => Standing::Gone,
        };
        Ok(Timed::new(standing, row.now()?))
    }
}

/// What a cursor says: all that the snapshot `from` saw was read, and of what `to` saw besides, all up to
/// the transaction and id of `last`.
struct Place {
    incarnation: String,
    from: String,
    to: Option<String>,
    last: (u64, i64),
    mark: Mark,
    expires_at: Timestamp,
}

impl Place {
    fn cursor(&self) -> Cursor {
        let Self { incarnation, from, to, last: (transaction, id), mark, expires_at } = self;
        let to = to.as_deref().unwrap_or_default();
        let mark = u128::from_be_bytes(*mark.as_bytes());
        let (mark, expires_at) = (format!("{mark:032x}"), expires_at.millis());
        let text = format!("{incarnation}|{from}|{to}|{transaction}|{id}|{expires_at}|{mark}");
        Cursor::from_bytes(text.into_bytes())
    }

    fn read(cursor: &Cursor) -> Option<Self> {
        let text = str::from_utf8(cursor.as_bytes()).ok()?;
        let parts: Vec<_> = text.split('|').collect();
        let [incarnation, from, to, transaction, id, expires_at, mark] = parts[..] else { return None };
        let mark = (mark.len() == 32).then(|| u128::from_str_radix(mark, 16).ok())??;
        is_snapshot(from).then_some(())?;
        (to.is_empty() || is_snapshot(to)).then_some(())?;
        Some(Self {
            incarnation: incarnation.to_owned(),
            from: from.to_owned(),
            to: (!to.is_empty()).then(|| to.to_owned()),
            last: (transaction.parse().ok()?, id.parse().ok()?),
            mark: Mark::from_bytes(mark.to_be_bytes()),
            expires_at: Timestamp::from_millis(expires_at.parse().ok()?),
        })
    }
}

/// Whether the server can read it: `xmin:xmax:` and the transactions between that were in progress.
fn is_snapshot(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(3, ':').collect();
    let [xmin, xmax, running] = parts[..] else { return false };
    let (Ok(xmin), Ok(xmax)) = (xmin.parse::<u64>(), xmax.parse::<u64>()) else { return false };
    let running: Option<Vec<u64>> = if running.is_empty() {
        Some(Vec::new())
    } else {
        running.split(',').map(|one| one.parse().ok()).collect()
    };
    (1..=xmax).contains(&xmin)
        && running.is_some_and(|all| all.is_sorted() && all.iter().all(|one| (xmin..xmax).contains(one)))
}

struct Row(PgRow);

impl Row {
    fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(&'r self, name: &str) -> Result<T, StoreError> {
        self.0.try_get(name).map_err(StoreError::new)
    }

    fn number(&self, name: &str) -> Result<u64, StoreError> {
        epoch(self.get(name)?)
    }

    fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        self.get(name).map(Timestamp::from_millis)
    }

    fn now(&self) -> Result<Timestamp, StoreError> {
        self.time("now")
    }

    fn bytes<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, StoreError> {
        self.get::<Option<Vec<u8>>>(name)?.map(fixed).transpose()
    }

    fn id(&self, name: &str) -> Result<Option<LoginId>, StoreError> {
        Ok(self.bytes(name)?.map(LoginId::from_bytes))
    }

    fn ended(&self) -> Result<Vec<Evicted>, StoreError> {
        let ids: Vec<Vec<u8>> = self.get::<Option<_>>("ended")?.unwrap_or_default();
        let marks: Vec<Vec<u8>> = self.get::<Option<_>>("marks")?.unwrap_or_default();
        let expiries: Vec<i64> = self.get::<Option<_>>("expiries")?.unwrap_or_default();
        let all = ids.into_iter().zip(marks).zip(expiries);
        let ended = all.map(|((id, mark), expires_at)| {
            let logged = Logged {
                mark: Mark::from_bytes(fixed(mark)?),
                expires_at: Timestamp::from_millis(expires_at),
            };
            Ok(Evicted { login: LoginId::from_bytes(fixed(id)?), logged })
        });
        ended.collect()
    }

    fn live_login(&self) -> Result<LiveLogin, StoreError> {
        let outdated_below = self.number("subject_outdated_below")?;
        let subject = SubjectState { epoch: self.number("subject_epoch")?, outdated_below };
        Ok(LiveLogin { row: self.login()?, subject })
    }

    fn login(&self) -> Result<LoginRow, StoreError> {
        Ok(LoginRow {
            id: self.id("id")?.ok_or_else(missing)?,
            subject: Subject::new(self.get("subject")?).map_err(StoreError::new)?,
            kind: if self.get::<&str>("kind")? == "token" { LoginKind::Token } else { LoginKind::Session },
            created_at: self.time("created_at")?,
            last_seen_at: self.time("last_seen_at")?,
            authenticated_at: self.time("authenticated_at")?,
            expires_at: self.time("expires_at")?,
            idle_expires_at: self.time("idle_expires_at")?,
            user_agent: self.get("user_agent")?,
            address: self.get("address")?,
            claims: self.get("claims")?,
            begun_under: self.number("begun_under")?,
            epoch: self.number("epoch")?,
            claims_loaded_at: self.time("claims_loaded_at")?,
            retention: Duration::from_millis(self.number("retention")?),
            family: self.family()?,
            extra: self.get("extra")?,
        })
    }

    fn family(&self) -> Result<Option<Family>, StoreError> {
        let Some(generation) = self.get::<Option<i64>>("generation")? else { return Ok(None) };
        let branch = |branch: i32| u16::try_from(branch).map_err(StoreError::new);
        let number = |number: i64| u32::try_from(number).map_err(StoreError::new);
        Ok(Some(Family {
            position: Position { generation: number(generation)?, branch: branch(self.get("branch")?)? },
            previous_branch: self.get::<Option<i32>>("previous_branch")?.map(branch).transpose()?,
            current: self.bytes("current_secret")?.map(SecretHash::from_bytes).ok_or_else(missing)?,
            previous: self.bytes("previous_secret")?.map(SecretHash::from_bytes),
            nonce: self.bytes("nonce")?.ok_or_else(missing)?,
            rotated_at: self.time("rotated_at")?,
            confirmed: self.get("confirmed")?,
            shared: number(self.get("shared")?)?,
            counted: self.get("counted")?,
        }))
    }

    fn place(&self) -> Result<(u64, i64), StoreError> {
        let transaction = self.get::<&str>("transaction")?.parse().map_err(StoreError::new)?;
        Ok((transaction, self.get("id")?))
    }

    fn entry(&self) -> Result<LogEntry, StoreError> {
        let mark = self.bytes("mark")?.map(Mark::from_bytes).ok_or_else(missing)?;
        Ok(LogEntry { mark, revoked: self.revoked()?, expires_at: self.time("expires_at")? })
    }

    fn revoked(&self) -> Result<Revoked, StoreError> {
        let subject = || Subject::new(self.get("subject")?).map_err(StoreError::new);
        Ok(match self.get("kind")? {
            "login" => match reason(self.get("reason")?) {
                Some(reason) => Revoked::Login(self.id("login")?.ok_or_else(missing)?, reason),
                None => Revoked::Unknown,
            },
            "all_ended" => Revoked::AllEnded {
                subject: subject()?,
                below: self.number("below")?,
                spared: self.id("login")?,
            },
            "claims_changed" => Revoked::ClaimsChanged { subject: subject()?, below: self.number("below")? },
            "session" => {
                let hash = self.bytes("item")?.map(SessionHash::from_bytes).ok_or_else(missing)?;
                Revoked::Session(SessionKey { partition: Partition::REALM, hash })
            }
            "token" => {
                let token = self.bytes("item")?.map(TokenId::from_bytes).ok_or_else(missing)?;
                Revoked::Token(Partition::REALM, token)
            }
            "key" => {
                let name = String::from_utf8(self.get("item")?).map_err(StoreError::new)?;
                Revoked::Key(KeyId::new(&name).ok_or_else(missing)?)
            }
            "floor" => Revoked::Floor(self.number("below")?),
            _ => Revoked::Unknown,
        })
    }
}

fn kind_text(kind: LoginKind) -> &'static str {
    match kind {
        LoginKind::Token => "token",
        LoginKind::Session => "session",
    }
}

fn missing() -> StoreError {
    StoreError::new("a column is empty")
}

pub(crate) fn fixed<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::new("a column has another length"))
}
