//! Replies of scripts: values by position, hashes and log entries by the names of their fields.

use std::collections::HashMap;
use std::time::Duration;

use redis::{FromRedisValue, Value, from_redis_value};
use serde::{Deserialize, Serialize};

use super::cursor::expiry_of;
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Position, Subject, TokenId};
use crate::requirement::Scheme;
use crate::store::hex::unhex as unhex_all;
use crate::store::{
    EndReason, Family, LiveLogin, LogEntry, Logged, LoginRow, Mark, NewLogin, Partition, Revoked, SecretHash,
    SessionKey, SessionRow, StoreError, Timed,
};

fn missing() -> StoreError {
    StoreError::new("a reply of the server is incomplete or malformed")
}

pub(super) fn unhex<const N: usize>(text: &str) -> Result<[u8; N], StoreError> {
    unhex_all(text).and_then(|bytes| bytes.try_into().ok()).ok_or_else(missing)
}

/// The reply of a script. The first value is the time.
#[derive(Debug, Default)]
pub(super) struct Reply(pub(super) Vec<Value>);

impl Reply {
    pub(super) fn get<T: FromRedisValue>(&self, index: usize) -> Result<T, StoreError> {
        from_redis_value(self.0.get(index).cloned().ok_or_else(missing)?).map_err(StoreError::new)
    }

    pub(super) fn now(&self) -> Result<Timestamp, StoreError> {
        self.time(0)
    }

    pub(super) fn time(&self, index: usize) -> Result<Timestamp, StoreError> {
        self.get(index).map(Timestamp::from_millis)
    }

    pub(super) fn number(&self, index: usize) -> Result<u64, StoreError> {
        self.get(index)
    }

    pub(super) fn text(&self, index: usize) -> Result<String, StoreError> {
        self.get(index)
    }

    /// The value at 1, as yes or no.
    pub(super) fn is_done(&self) -> Result<Timed<bool>, StoreError> {
        self.timed(self.number(1)? == 1)
    }

    /// The result, with the time at which it is true.
    pub(super) fn timed<T>(&self, value: T) -> Result<Timed<T>, StoreError> {
        Ok(Timed::new(value, self.now()?))
    }

    /// Logins that ended, each with its mark and expiry.
    pub(super) fn ended(&self, index: usize) -> Result<Vec<(LoginId, Logged)>, StoreError> {
        let all: Vec<(String, String, i64)> = self.get(index)?;
        let ended = all.into_iter().map(|(id, mark, expires_at)| {
            let logged = Logged {
                mark: Mark::from_bytes(unhex(&mark)?),
                expires_at: Timestamp::from_millis(expires_at),
            };
            Ok((LoginId::from_bytes(unhex(&id)?), logged))
        });
        ended.collect()
    }

    /// Epoch, threshold and login from this position on.
    pub(super) fn live_login(&self, index: usize, id: LoginId) -> Result<LiveLogin, StoreError> {
        self.live_login_at([index, index + 1, index + 2], id)
    }

    /// Epoch, threshold and login at these positions.
    pub(super) fn live_login_at(&self, places: [usize; 3], id: LoginId) -> Result<LiveLogin, StoreError> {
        let [epoch, outdated_below, login] = places;
        let (subject_epoch, outdated_below) = (self.number(epoch)?, self.number(outdated_below)?);
        Ok(LiveLogin { row: self.login(login, id)?, subject_epoch, outdated_below })
    }

    pub(super) fn login(&self, index: usize, id: LoginId) -> Result<LoginRow, StoreError> {
        self.get::<Whole>(index)?.row(id)
    }

    /// The session at this position.
    pub(super) fn session(&self, index: usize, key: &SessionKey) -> Result<SessionRow, StoreError> {
        let fields: Fields = self.get(index)?;
        let login = fields.has("login").then(|| fields.login("login")).transpose()?;
        Ok(SessionRow {
            key: *key,
            login,
            data: fields.bytes("data")?,
            version: fields.number("version")?,
            expires_at: fields.time("expires_at")?,
        })
    }
}

/// A login: the row, its claims, and the constant part.
pub(super) struct Whole(Fields, Vec<u8>, Vec<u8>);

impl FromRedisValue for Whole {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let (fields, claims, about) = FromRedisValue::from_redis_value(value)?;
        Ok(Self(fields, claims, about))
    }
}

/// The constant part of a login, which no script reads.
#[derive(Serialize, Deserialize)]
struct About<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<std::borrow::Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<std::borrow::Cow<'a, str>>,
    extra: std::borrow::Cow<'a, str>,
}

/// As JSON.
///
/// # Errors
///
/// When `extra` is not text, and so not JSON.
pub(super) fn about(login: &NewLogin) -> Result<Vec<u8>, StoreError> {
    let about = About {
        user_agent: login.user_agent.as_deref().map(Into::into),
        address: login.address.as_deref().map(Into::into),
        extra: str::from_utf8(&login.extra).map_err(StoreError::new)?.into(),
    };
    serde_json::to_vec(&about).map_err(StoreError::new)
}

impl Whole {
    pub(super) fn row(self, id: LoginId) -> Result<LoginRow, StoreError> {
        let Self(fields, claims, about) = self;
        let about: About<'_> = serde_json::from_slice(&about).map_err(StoreError::new)?;
        Ok(LoginRow {
            id,
            subject: fields.subject()?,
            kind: if fields.text("kind")? == "token" { Scheme::Jwt } else { Scheme::Session },
            created_at: fields.time("created_at")?,
            last_seen_at: fields.time("last_seen_at")?,
            authenticated_at: fields.time("authenticated_at")?,
            expires_at: fields.time("expires_at")?,
            idle_expires_at: fields.time("idle_expires_at")?,
            user_agent: about.user_agent.map(Into::into),
            address: about.address.map(Into::into),
            claims,
            begun_under: fields.number("begun_under")?,
            epoch: fields.number("epoch")?,
            claims_loaded_at: fields.time("claims_loaded_at")?,
            retention: Duration::from_millis(fields.number("retention")?),
            family: fields.has("generation").then(|| fields.family()).transpose()?,
            extra: about.extra.into_owned().into_bytes(),
        })
    }
}

/// A hash, or an entry of a stream.
pub(super) struct Fields(HashMap<String, Vec<u8>>);

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

    fn small<T: TryFrom<u64>>(&self, name: &str) -> Result<T, StoreError> {
        self.number(name)?.try_into().map_err(|_| missing())
    }

    fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        self.text(name)?.parse().map(Timestamp::from_millis).map_err(StoreError::new)
    }

    fn subject(&self) -> Result<Subject, StoreError> {
        Subject::new(&self.text("subject")?).map_err(StoreError::new)
    }

    fn login(&self, name: &str) -> Result<LoginId, StoreError> {
        unhex(&self.text(name)?).map(LoginId::from_bytes)
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

    /// As an entry of the log of this partition.
    pub(super) fn entry(&self, partition: Partition) -> Result<LogEntry, StoreError> {
        let revoked = match &*self.text("kind")? {
            "login" => match self.small("reason").ok().and_then(EndReason::from_code) {
                Some(reason) => Revoked::Login(self.login("login")?, reason),
                // The reason was introduced by a later version.
                None => Revoked::Unknown,
            },
            "all_ended" => Revoked::AllEnded {
                subject: self.subject()?,
                below: self.number("below")?,
                spared: (!self.text("login")?.is_empty()).then(|| self.login("login")).transpose()?,
            },
            "claims_changed" => {
                Revoked::ClaimsChanged { subject: self.subject()?, below: self.number("below")? }
            }
            "session" => {
                let hash = SecretHash::from_bytes(unhex(&self.text("item")?)?);
                Revoked::Session(SessionKey { partition, hash })
            }
            "token" => Revoked::Token(partition, TokenId::from_bytes(unhex(&self.text("item")?)?)),
            "key" => Revoked::Key(KeyId::new(&self.text("item")?).ok_or_else(missing)?),
            "floor" => Revoked::Floor(self.number("below")?),
            _ => Revoked::Unknown,
        };
        let mark = Mark::from_bytes(unhex(&self.text("mark")?)?);
        Ok(LogEntry { mark, revoked, expires_at: expiry_of(&self.text("expires_at")?)? })
    }
}
