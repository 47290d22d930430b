//! Rows to values and back. What is not ours is an error, never a panic and never a default.

use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type, ValueRef as _};

use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Position, Subject, TokenId};
use crate::store::{
    EndReason, Family, LogEntry, LoginKind, LoginRow, Revoked, SecretHash, SessionHash, SessionRow,
    StoreError,
};

use super::connections::Statement;

/// The columns of a login, in the order of [`login`].
macro_rules! login_columns {
    () => {
        "auth_login.id, subject, kind, created_at, last_seen_at, authenticated_at, auth_login.expires_at, \
         idle_expires_at, user_agent, address, claims, epoch, claims_loaded_at, generation, branch, previous_branch, \
         current, previous, nonce, rotated_at, confirmed"
    };
}
pub(super) use login_columns;

/// The columns of a session, in the order of [`session`].
macro_rules! session_columns {
    () => {
        "auth_session.id, login, data, version, auth_session.expires_at"
    };
}
pub(super) use session_columns;

/// Reads the columns of a row one after the other.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn take<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T, StoreError> {
        let value = self.row.try_get(self.next).map_err(StoreError::new)?;
        self.next += 1;
        Ok(value)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.take::<&[u8]>()?.try_into().map_err(|_| foreign("an id, hash or nonce has another length"))
    }

    fn optional_bytes<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        let bytes = self.take::<Option<&[u8]>>()?;
        bytes.map(<[u8; N]>::try_from).transpose().map_err(|_| foreign("an id or hash has another length"))
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, StoreError> {
        u64::try_from(self.take::<i64>()?).map_err(StoreError::new)
    }

    /// Whether the next column is null; it stays the next one.
    pub(super) fn at_null(&self) -> Result<bool, StoreError> {
        Ok(self.row.try_get_raw(self.next).map_err(StoreError::new)?.is_null())
    }

    fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.take().map(Timestamp::from_millis)
    }
}

/// The login in the next columns.
pub(super) fn login(columns: &mut Columns<'_>) -> Result<LoginRow, StoreError> {
    Ok(LoginRow {
        id: LoginId::from_bytes(columns.bytes()?),
        subject: Subject::new(columns.take()?).map_err(StoreError::new)?,
        kind: match columns.take::<i64>()? {
            0 => LoginKind::Session,
            1 => LoginKind::Token,
            _ => return Err(foreign("a login is of an unknown kind")),
        },
        created_at: columns.time()?,
        last_seen_at: columns.time()?,
        authenticated_at: columns.time()?,
        expires_at: columns.time()?,
        idle_expires_at: columns.time()?,
        user_agent: columns.take()?,
        address: columns.take()?,
        claims: columns.take()?,
        epoch: columns.unsigned()?,
        claims_loaded_at: columns.time()?,
        family: family(columns)?,
    })
}

fn family(columns: &mut Columns<'_>) -> Result<Option<Family>, StoreError> {
    let Some(generation) = columns.take::<Option<u32>>()? else { return Ok(None) };
    Ok(Some(Family {
        position: Position { generation, branch: columns.take()? },
        previous_branch: columns.take()?,
        current: SecretHash::from_bytes(columns.bytes()?),
        previous: columns.optional_bytes()?.map(SecretHash::from_bytes),
        nonce: columns.bytes()?,
        rotated_at: columns.time()?,
        confirmed: columns.take()?,
    }))
}

/// Binds a login in the order of the columns.
pub(super) fn bind_login<'q>(
    statement: Statement<'q>,
    login: &LoginRow,
) -> Result<Statement<'q>, StoreError> {
    let statement = statement
        .bind(login.id.as_bytes().as_slice())
        .bind(login.subject.as_str())
        .bind(match login.kind {
            LoginKind::Session => 0_i64,
            LoginKind::Token => 1,
        })
        .bind(login.created_at.millis())
        .bind(login.last_seen_at.millis())
        .bind(login.authenticated_at.millis())
        .bind(login.expires_at.millis())
        .bind(login.idle_expires_at.millis())
        .bind(login.user_agent.as_deref())
        .bind(login.address.as_deref())
        .bind(login.claims.as_slice())
        .bind(signed(login.epoch)?)
        .bind(login.claims_loaded_at.millis());
    Ok(bind_family(statement, login.family.as_ref()))
}

/// Binds a family in the order of the columns.
pub(super) fn bind_family<'q>(statement: Statement<'q>, family: Option<&Family>) -> Statement<'q> {
    statement
        .bind(family.map(|family| family.position.generation))
        .bind(family.map(|family| family.position.branch))
        .bind(family.and_then(|family| family.previous_branch))
        .bind(family.map(|family| family.current.as_bytes().as_slice()))
        .bind(family.and_then(|family| family.previous.as_ref()).map(|hash| hash.as_bytes().as_slice()))
        .bind(family.map(|family| family.nonce.as_slice()))
        .bind(family.map(|family| family.rotated_at.millis()))
        .bind(family.map(|family| family.confirmed))
}

/// The session in the next columns.
pub(super) fn session(columns: &mut Columns<'_>) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        id: SessionHash::from_bytes(columns.bytes()?),
        login: columns.optional_bytes()?.map(LoginId::from_bytes),
        data: columns.take()?,
        version: columns.unsigned()?,
        expires_at: columns.time()?,
    })
}

/// The log entry in the next columns: sequence, kind, thing, detail, expires_at.
pub(super) fn log_entry(columns: &mut Columns<'_>) -> Result<LogEntry, StoreError> {
    let sequence = columns.unsigned()?;
    let kind = columns.take::<i64>()?;
    let thing = columns.take::<&[u8]>()?;
    let detail = columns.take::<i64>()?;
    let text = || str::from_utf8(thing).map_err(StoreError::new);
    let id = || <[u8; 16]>::try_from(thing).map_err(StoreError::new);
    let revoked = match kind {
        0 => Revoked::Login(LoginId::from_bytes(id()?), reason(detail)?),
        1 => Revoked::SubjectBelow(
            Subject::new(text()?).map_err(StoreError::new)?,
            detail.try_into().map_err(StoreError::new)?,
        ),
        2 => Revoked::Token(TokenId::from_bytes(id()?)),
        4 => Revoked::Session(SessionHash::from_bytes(
            thing.try_into().map_err(|_| foreign("a session hash has another length"))?,
        )),
        3 => Revoked::Key(KeyId::new(text()?).ok_or_else(|| foreign("a key id is empty or too long"))?),
        _ => return Err(foreign("a log entry is of an unknown kind")),
    };
    Ok(LogEntry { sequence, revoked, expires_at: columns.time()? })
}

/// A log entry's columns kind, thing and detail.
pub(super) fn log_columns(revoked: &Revoked) -> Result<(i64, &[u8], i64), StoreError> {
    Ok(match revoked {
        Revoked::Login(id, reason) => (0, id.as_bytes(), i64::from(reason.code())),
        Revoked::SubjectBelow(subject, epoch) => (1, subject.as_str().as_bytes(), signed(*epoch)?),
        Revoked::Token(id) => (2, id.as_bytes(), 0),
        Revoked::Key(id) => (3, id.as_str().as_bytes(), 0),
        Revoked::Session(id) => (4, id.as_bytes(), 0),
    })
}

fn reason(code: i64) -> Result<EndReason, StoreError> {
    let reason = u8::try_from(code).ok().and_then(EndReason::from_code);
    reason.ok_or_else(|| foreign("a login ended for an unknown reason"))
}

/// A number that SQLite, which knows only signed ones, can hold.
pub(super) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(StoreError::new)
}

fn foreign(what: &'static str) -> StoreError {
    StoreError::new(what)
}
