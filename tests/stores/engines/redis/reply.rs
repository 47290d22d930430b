//! What a script answers: values by their places, hashes and entries by the names of their fields.

use std::collections::HashMap;
use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::{KeyId, LoginId, Position, Subject, TokenId};
use auth_core::store::{
    Evicted, Family, LiveLogin, LogEntry, Logged, LoginKind, LoginRow, Mark, Partition, Revoked, SecretHash,
    SessionKey, Standing, StoreError,
};
use redis::{FromRedisValue, Value};

use crate::engines::redis::cursor::expiry_of;
use crate::engines::sketch::{epoch, reason};

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex<const N: usize>(text: &str) -> Result<[u8; N], StoreError> {
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect();
    let bytes = bytes.filter(|_| text.len() == 2 * N).ok_or_else(missing)?;
    bytes.try_into().map_err(|_| missing())
}

pub(super) fn missing() -> StoreError {
    StoreError::new("an answer lacks something")
}

pub(super) struct Reply(pub(super) Vec<Value>);

impl Reply {
    pub(super) fn get<T: FromRedisValue>(&self, index: usize) -> Result<T, StoreError> {
        redis::from_redis_value(self.0.get(index).cloned().unwrap_or(Value::Nil)).map_err(StoreError::new)
    }

    pub(super) fn time(&self, index: usize) -> Result<Timestamp, StoreError> {
        self.get(index).map(Timestamp::from_millis)
    }

    pub(super) fn standing(&self) -> Result<Standing, StoreError> {
        Ok(match &*self.get::<String>(1)? {
            "good" => Standing::Good,
            "outdated" => Standing::Outdated,
            _ => Standing::Gone,
        })
    }

    pub(super) fn ended(&self, at: usize) -> Result<Vec<Evicted>, StoreError> {
        let all: Vec<(String, String, i64)> = self.get(at)?;
        let ended = all.into_iter().map(|(id, mark, expires_at)| {
            let mark = Mark::from_bytes(unhex(&mark)?);
            let logged = Logged { mark, expires_at: Timestamp::from_millis(expires_at) };
            Ok(Evicted { login: LoginId::from_bytes(unhex(&id)?), logged })
        });
        ended.collect()
    }

    pub(super) fn live_login(&self, id: LoginId) -> Result<LiveLogin, StoreError> {
        let (subject_epoch, outdated_below) = (epoch(self.get(2)?)?, epoch(self.get(3)?)?);
        Ok(LiveLogin { row: self.login(4, id)?, subject_epoch, outdated_below })
    }

    pub(super) fn login(&self, index: usize, id: LoginId) -> Result<LoginRow, StoreError> {
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

    fn small<T: TryFrom<u64, Error: std::error::Error + Send + Sync + 'static>>(
        &self,
        name: &str,
    ) -> Result<T, StoreError> {
        self.number(name)?.try_into().map_err(StoreError::new)
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
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

pub(super) fn logged(partition: Partition, fields: &Fields) -> Result<LogEntry, StoreError> {
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
            let hash = SecretHash::from_bytes(unhex(&fields.text("item")?)?);
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
