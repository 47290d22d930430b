//! A row of an answer, by the names of its columns.

use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::{KeyId, LoginId, Position, Subject, TokenId};
use auth_core::store::{
    Family, LiveLogin, LogEntry, Logged, LoginKind, LoginRow, Mark, Partition, Revoked, SecretHash,
    SessionKey, StoreError,
};
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};

use crate::engines::sketch::{epoch, reason};

pub(super) struct Row(pub(super) PgRow);

impl Row {
    pub(super) fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
        &'r self,
        name: &str,
    ) -> Result<T, StoreError> {
        self.0.try_get(name).map_err(StoreError::new)
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, StoreError> {
        epoch(self.get(name)?)
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        self.get(name).map(Timestamp::from_millis)
    }

    pub(super) fn now(&self) -> Result<Timestamp, StoreError> {
        self.time("now")
    }

    fn bytes<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, StoreError> {
        self.get::<Option<Vec<u8>>>(name)?.map(fixed).transpose()
    }

    pub(super) fn id(&self, name: &str) -> Result<Option<LoginId>, StoreError> {
        Ok(self.bytes(name)?.map(LoginId::from_bytes))
    }

    pub(super) fn ended(&self) -> Result<Vec<(LoginId, Logged)>, StoreError> {
        let ids: Vec<Vec<u8>> = self.get::<Option<_>>("ended")?.unwrap_or_default();
        let marks: Vec<Vec<u8>> = self.get::<Option<_>>("marks")?.unwrap_or_default();
        let expiries: Vec<i64> = self.get::<Option<_>>("expiries")?.unwrap_or_default();
        let all = ids.into_iter().zip(marks).zip(expiries);
        let ended = all.map(|((id, mark), expires_at)| {
            let logged = Logged {
                mark: Mark::from_bytes(fixed(mark)?),
                expires_at: Timestamp::from_millis(expires_at),
            };
            Ok((LoginId::from_bytes(fixed(id)?), logged))
        });
        ended.collect()
    }

    pub(super) fn live_login(&self) -> Result<LiveLogin, StoreError> {
        let outdated_below = self.number("subject_outdated_below")?;
        Ok(LiveLogin { row: self.login()?, subject_epoch: self.number("subject_epoch")?, outdated_below })
    }

    pub(super) fn login(&self) -> Result<LoginRow, StoreError> {
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

    pub(super) fn place(&self) -> Result<(u64, i64), StoreError> {
        let transaction = self.get::<&str>("transaction")?.parse().map_err(StoreError::new)?;
        Ok((transaction, self.get("id")?))
    }

    pub(super) fn entry(&self) -> Result<LogEntry, StoreError> {
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
                let hash = self.bytes("item")?.map(SecretHash::from_bytes).ok_or_else(missing)?;
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

pub(super) fn missing() -> StoreError {
    StoreError::new("a column is empty")
}

fn fixed<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::new("a column has another length"))
}
