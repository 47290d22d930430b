//! Conversion of rows to values and back, by the names of columns. Invalid data is an error, never a panic and never a
//! default.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};

use super::call::Call;
use crate::clock::Timestamp;
use crate::id::{LoginId, Position, Subject};
use crate::requirement::Scheme;
use crate::store::{
    Created, EndedAll, Family, LiveLogin, Logged, LoginRow, Mark, NewLogin, Partition, Renamed, Rotated,
    SecretHash, SessionKey, SessionRow, StoreError, Ticket, Timed,
};

/// The columns of a login.
macro_rules! login_columns {
    () => {
        "id, subject, kind, created_at, last_seen_at, authenticated_at, expires_at, idle_expires_at, user_agent, \
         address, claims, begun_under, epoch, claims_loaded_at, retention, extra, generation, branch, previous_branch, \
         current_hash, previous_hash, nonce, rotated_at, confirmed, shared, counted"
    };
}
pub(super) use login_columns;

/// The columns of `auth_live`.
macro_rules! live_columns {
    () => {
        concat!($crate::store::postgres::rows::login_columns!(), ", subject_epoch, subject_outdated_below")
    };
}
pub(super) use live_columns;

/// A query for the `auth_answer` of this function.
macro_rules! answer_of {
    ($function:literal) => {
        concat!(
            "SELECT now, is_done, subject_epoch, subject_outdated_below, ",
            $crate::store::postgres::rows::login_columns!(),
            " FROM {s}.",
            $function,
            " AS answer CROSS JOIN LATERAL (SELECT (answer.login).*) AS of_answer"
        )
    };
}
pub(super) use answer_of;

/// A row of a result.
pub(super) struct Row(pub(super) PgRow);

impl Row {
    pub(super) fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
        &'r self,
        name: &str,
    ) -> Result<T, StoreError> {
        self.0.try_get(name).map_err(StoreError::new)
    }

    /// The result, with the time at which it is true.
    pub(super) fn answer<T>(&self, value: T) -> Result<Timed<T>, StoreError> {
        Ok(Timed::new(value, self.time("now")?))
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, StoreError> {
        self.get::<i64>(name)?.try_into().map_err(StoreError::new)
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        self.get(name).map(Timestamp::from_millis)
    }

    pub(super) fn is_there(&self, name: &str) -> Result<bool, StoreError> {
        let value = self.0.try_get_raw(name).map_err(StoreError::new)?;
        Ok(!sqlx::ValueRef::is_null(&value))
    }

    pub(super) fn bytes<const N: usize>(&self, name: &str) -> Result<[u8; N], StoreError> {
        fixed(self.get(name)?)
    }

    fn optional_bytes<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, StoreError> {
        self.get::<Option<&[u8]>>(name)?.map(fixed).transpose()
    }

    fn optional_id(&self, name: &str) -> Result<Option<LoginId>, StoreError> {
        Ok(self.optional_bytes(name)?.map(LoginId::from_bytes))
    }

    /// The entry with this mark, which expires at the time in the column `ends`.
    pub(super) fn logged(&self, mark: Mark) -> Result<Logged, StoreError> {
        Ok(Logged { mark, expires_at: self.time("ends")? })
    }
}

/// Results of calls.
impl Row {
    pub(super) fn ticket(&self, subject: &Subject) -> Result<Timed<Ticket>, StoreError> {
        let now = self.time("now")?;
        Ok(Timed::new(Ticket::new(subject, self.number("epoch")?, now), now))
    }

    pub(super) fn created(&self, login: &NewLogin, ticket: &Ticket) -> Result<Timed<Created>, StoreError> {
        let created = match self.get("outcome")? {
            "made" => {
                let mut ended = self.ended_for_new()?.into_iter();
                let is_replaced: bool = self.get("is_replaced")?;
                let replaced = if is_replaced { ended.next().map(|(_, logged)| logged) } else { None };
                let login = login.begun(ticket, self.time("now")?);
                Created::Made { login, replaced, evicted: ended.collect() }
            }
            "outdated" => Created::Outdated,
            "id_taken" => Created::IdTaken,
            "limit_reached" => Created::LimitReached,
            _ => return Err(foreign("an outcome is unknown")),
        };
        self.answer(created)
    }

    /// The logins that a new one ended: first the one that it replaced, if any.
    fn ended_for_new(&self) -> Result<Vec<(LoginId, Logged)>, StoreError> {
        let ids: Vec<Vec<u8>> = self.get::<Option<_>>("ended")?.unwrap_or_default();
        let marks: Vec<Vec<u8>> = self.get::<Option<_>>("marks")?.unwrap_or_default();
        let expiries: Vec<i64> = self.get::<Option<_>>("expiries")?.unwrap_or_default();
        let all = ids.into_iter().zip(marks).zip(expiries);
        let ended = all.map(|((id, mark), expires_at)| {
            let (mark, expires_at) = (Mark::from_bytes(fixed(&mark)?), Timestamp::from_millis(expires_at));
            Ok((LoginId::from_bytes(fixed(&id)?), Logged { mark, expires_at }))
        });
        ended.collect()
    }

    pub(super) fn ended(&self, mark: Mark) -> Result<Timed<Option<Logged>>, StoreError> {
        let ended = if self.is_there("ends")? { Some(self.logged(mark)?) } else { None };
        self.answer(ended)
    }

    pub(super) fn ended_all(&self, mark: Mark) -> Result<Timed<EndedAll>, StoreError> {
        self.answer(EndedAll {
            count: self.number("ended")?,
            epoch: self.number("new_epoch")?,
            spared: self.optional_id("kept")?,
            logged: self.logged(mark)?,
        })
    }

    pub(super) fn rotated(&self) -> Result<Timed<Rotated>, StoreError> {
        let rotated = match self.live_login()? {
            Some(login) if self.get("is_done")? => Rotated::Rotated(login),
            Some(login) => Rotated::Unchanged(login),
            None => Rotated::NotLive,
        };
        self.answer(rotated)
    }

    pub(super) fn renamed(&self, mark: Mark) -> Result<Timed<Renamed>, StoreError> {
        let renamed = match (self.get("is_done")?, self.is_there("ends")?) {
            (false, _) => Renamed::Refused,
            (true, false) => Renamed::Renamed(None),
            (true, true) => Renamed::Renamed(Some(self.logged(mark)?)),
        };
        self.answer(renamed)
    }

    /// The session, if there is one, and the login that it carries.
    pub(super) fn session(&self) -> Result<Option<(SessionRow, Option<LiveLogin>)>, StoreError> {
        let Some(hash) = self.optional_bytes("hash")? else { return Ok(None) };
        let hash = SecretHash::from_bytes(hash);
        let session = SessionRow {
            key: SessionKey { partition: Partition::REALM, hash },
            login: self.optional_id("login")?,
            data: self.get("data")?,
            version: self.number("version")?,
            expires_at: self.time("session_ends")?,
        };
        match (session.login, self.live_login()?) {
            (Some(_), None) => Err(foreign("a live session carries a login that is not live")),
            (_, login) => Ok(Some((session, login))),
        }
    }

    /// The live login, if there is one, and the state of its subject.
    pub(super) fn live_login(&self) -> Result<Option<LiveLogin>, StoreError> {
        if !self.is_there("id")? {
            return Ok(None);
        }
        let outdated_below = self.number("subject_outdated_below")?;
        Ok(Some(LiveLogin {
            row: self.login()?,
            subject_epoch: self.number("subject_epoch")?,
            outdated_below,
        }))
    }

    fn login(&self) -> Result<LoginRow, StoreError> {
        Ok(LoginRow {
            id: LoginId::from_bytes(self.bytes("id")?),
            subject: Subject::new(self.get("subject")?).map_err(StoreError::new)?,
            kind: match self.get::<i16>("kind")? {
                0 => Scheme::Session,
                1 => Scheme::Jwt,
                _ => return Err(foreign("a login has an unknown kind")),
            },
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
            current: SecretHash::from_bytes(self.bytes("current_hash")?),
            previous: self.optional_bytes("previous_hash")?.map(SecretHash::from_bytes),
            nonce: self.bytes("nonce")?,
            rotated_at: self.time("rotated_at")?,
            confirmed: self.get("confirmed")?,
            shared: number(self.get("shared")?)?,
            counted: self.get("counted")?,
        }))
    }
}

impl Call<'_> {
    /// Binds a family in the order of the parameters of `auth_replace_family`.
    pub(super) fn bind_family(self, family: &Family) -> Self {
        self.bind(i64::from(family.position.generation))
            .bind(i32::from(family.position.branch))
            .bind(family.previous_branch.map(i32::from))
            .bind(family.current.as_bytes().as_slice())
            .bind(family.previous.as_ref().map(|hash| hash.as_bytes().as_slice()))
            .bind(family.nonce.as_slice())
            .bind(family.rotated_at.millis())
            .bind(family.confirmed)
            .bind(i64::from(family.shared))
            .bind(family.counted)
    }
}

/// The number of a kind of logins.
pub(super) const fn kind_code(kind: Scheme) -> i16 {
    match kind {
        Scheme::Session => 0,
        Scheme::Jwt => 1,
    }
}

/// The hash of a session as a parameter; NULL, which matches nothing, if the partition does not exist.
pub(super) fn hash_of(key: &SessionKey) -> Option<&[u8]> {
    (key.partition == Partition::REALM).then(|| key.hash.as_bytes().as_slice())
}

/// A number as a parameter. PostgreSQL has signed integers only.
pub(super) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(StoreError::new)
}

/// A number that is only compared with columns, so that a too large one may be replaced by the largest.
pub(super) fn capped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A duration in milliseconds as a parameter, at most 2^52, so that no sum with a time overflows.
pub(super) fn millis(duration: Duration) -> i64 {
    const MOST: u64 = 1 << 52;
    capped(u64::try_from(duration.as_millis()).unwrap_or(MOST).min(MOST))
}

/// The duration in the form in which it is stored.
pub(super) fn stored(duration: Duration) -> Duration {
    Duration::from_millis(millis(duration).unsigned_abs())
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| foreign("an id, hash, mark or nonce has the wrong length"))
}

pub(super) fn foreign(what: &'static str) -> StoreError {
    StoreError::new(what)
}
