//! Conversion of rows to values and back. Invalid data is an error, never a panic and never a default.

use std::time::Duration;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use super::connections::Statement;
use crate::clock::Timestamp;
use crate::id::Position;
use crate::id::{LoginId, Subject};
use crate::requirement::Scheme;
use crate::store::{Family, LiveLogin, LoginRow, Partition, SecretHash, SessionKey, SessionRow, StoreError};

/// The columns of a login, in the order of [`login`].
macro_rules! login_columns {
    () => {
        "id, subject, kind, created_at, last_seen_at, authenticated_at, expires_at, idle_expires_at, user_agent, \
         address, claims, begun_under, epoch, claims_loaded_at, retention, extra, generation, branch, previous_branch, \
         current, previous, nonce, rotated_at, confirmed, shared, counted"
    };
}
pub(super) use login_columns;

/// The columns of `auth_live`, in the order of [`live_login`].
macro_rules! live_columns {
    () => {
        concat!($crate::store::sqlite::rows::login_columns!(), ", subject_epoch, subject_outdated_below")
    };
}
pub(super) use live_columns;

/// Reads the columns of a row one after the other.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    /// The columns of the first row of a result that always has one.
    pub(super) fn first(rows: &'r [SqliteRow]) -> Result<Self, StoreError> {
        rows.first().map(Self::of).ok_or_else(|| foreign("the row of the realm is missing"))
    }

    /// The next column. NULL is an error, because sqlx would read it as zero.
    pub(super) fn take<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T, StoreError> {
        self.optional()?.ok_or_else(|| foreign("a column is NULL that must have a value"))
    }

    pub(super) fn optional<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<Option<T>, StoreError> {
        let value = self.row.try_get(self.next).map_err(StoreError::new)?;
        self.next += 1;
        Ok(value)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.take::<&[u8]>()?.try_into().map_err(|_| foreign("an id, hash or nonce has the wrong length"))
    }

    pub(super) fn optional_bytes<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        let bytes = self.optional::<&[u8]>()?;
        bytes.map(<[u8; N]>::try_from).transpose().map_err(|_| foreign("an id or hash has the wrong length"))
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, StoreError> {
        u64::try_from(self.take::<i64>()?).map_err(StoreError::new)
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.take().map(Timestamp::from_millis)
    }

    pub(super) fn duration(&mut self) -> Result<Duration, StoreError> {
        self.unsigned().map(Duration::from_millis)
    }

    pub(super) fn login_id(&mut self) -> Result<LoginId, StoreError> {
        self.bytes().map(LoginId::from_bytes)
    }
}

/// The login in the next columns, and the state of its subject.
pub(super) fn live_login(columns: &mut Columns<'_>) -> Result<LiveLogin, StoreError> {
    Ok(LiveLogin {
        row: login(columns)?,
        subject_epoch: columns.unsigned()?,
        outdated_below: columns.unsigned()?,
    })
}

fn login(columns: &mut Columns<'_>) -> Result<LoginRow, StoreError> {
    Ok(LoginRow {
        id: columns.login_id()?,
        subject: Subject::new(columns.take()?).map_err(StoreError::new)?,
        kind: match columns.take::<i64>()? {
            0 => Scheme::Session,
            1 => Scheme::Jwt,
            _ => return Err(foreign("a login has an unknown kind")),
        },
        created_at: columns.time()?,
        last_seen_at: columns.time()?,
        authenticated_at: columns.time()?,
        expires_at: columns.time()?,
        idle_expires_at: columns.time()?,
        user_agent: columns.optional()?,
        address: columns.optional()?,
        claims: columns.take()?,
        begun_under: columns.unsigned()?,
        epoch: columns.unsigned()?,
        claims_loaded_at: columns.time()?,
        retention: columns.duration()?,
        extra: columns.take()?,
        family: family(columns)?,
    })
}

fn family(columns: &mut Columns<'_>) -> Result<Option<Family>, StoreError> {
    let Some(generation) = columns.optional::<u32>()? else {
        columns.next += 9;
        return Ok(None);
    };
    Ok(Some(Family {
        position: Position { generation, branch: columns.take()? },
        previous_branch: columns.optional()?,
        current: SecretHash::from_bytes(columns.bytes()?),
        previous: columns.optional_bytes()?.map(SecretHash::from_bytes),
        nonce: columns.bytes()?,
        rotated_at: columns.time()?,
        confirmed: columns.take()?,
        shared: columns.take()?,
        counted: columns.take()?,
    }))
}

/// Binds a login in the order of `auth_live`'s own columns.
pub(super) fn bind_login<'q>(
    statement: Statement<'q>,
    login: &LoginRow,
) -> Result<Statement<'q>, StoreError> {
    let statement = statement
        .bind(bytes(login.id))
        .bind(login.subject.as_str().to_owned())
        .bind(match login.kind {
            Scheme::Session => 0_i64,
            Scheme::Jwt => 1,
        })
        .bind(login.created_at.millis())
        .bind(login.last_seen_at.millis())
        .bind(login.authenticated_at.millis())
        .bind(login.expires_at.millis())
        .bind(login.idle_expires_at.millis())
        .bind(login.user_agent.clone())
        .bind(login.address.clone())
        .bind(login.claims.clone())
        .bind(signed(login.begun_under)?)
        .bind(signed(login.epoch)?)
        .bind(login.claims_loaded_at.millis())
        .bind(millis(login.retention))
        .bind(login.extra.clone());
    Ok(bind_family(statement, login.family.as_ref()))
}

/// Binds a family in the order of the columns.
pub(super) fn bind_family<'q>(statement: Statement<'q>, family: Option<&Family>) -> Statement<'q> {
    statement
        .bind(family.map(|family| family.position.generation))
        .bind(family.map(|family| family.position.branch))
        .bind(family.and_then(|family| family.previous_branch))
        .bind(family.map(|family| family.current.as_bytes().to_vec()))
        .bind(family.and_then(|family| family.previous.as_ref()).map(|hash| hash.as_bytes().to_vec()))
        .bind(family.map(|family| family.nonce.to_vec()))
        .bind(family.map(|family| family.rotated_at.millis()))
        .bind(family.map(|family| family.confirmed))
        .bind(family.map(|family| family.shared))
        .bind(family.map(|family| family.counted))
}

/// The session in the columns hash, login, data, version, session_ends.
pub(super) fn session(columns: &mut Columns<'_>) -> Result<SessionRow, StoreError> {
    let hash = SecretHash::from_bytes(columns.bytes()?);
    Ok(SessionRow {
        key: SessionKey { partition: Partition::REALM, hash },
        login: columns.optional_bytes()?.map(LoginId::from_bytes),
        data: columns.take()?,
        version: columns.unsigned()?,
        expires_at: columns.time()?,
    })
}

/// An id as a parameter.
pub(super) fn bytes(id: LoginId) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// The hash of a session as a parameter; NULL, which matches nothing, if the partition does not exist.
pub(super) fn hash_of(key: &SessionKey) -> Option<Vec<u8>> {
    (key.partition == Partition::REALM).then(|| key.hash.as_bytes().to_vec())
}

/// A number as a parameter. SQLite has signed integers only.
pub(super) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(StoreError::new)
}

/// A number that is only compared with columns, so that a too large one may be replaced by the largest.
pub(super) fn capped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A duration in milliseconds as a parameter; a too long one is replaced by the longest.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A list as a single parameter, which `json_each` expands.
pub(super) fn json(list: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(StoreError::new)
}

pub(super) fn foreign(what: &'static str) -> StoreError {
    StoreError::new(what)
}
