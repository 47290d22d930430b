//! Implements [`LoginStore`].

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use super::RedisStore;
use super::arguments::Arguments;
use super::reply::{Whole, about, unhex};
use super::run::{all_partitions, known, of, partitions};
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::requirement::Scheme;
use crate::store::{
    Created, EndReason, EndedAll, Family, Limit, ListCursor, LiveLogin, LogEntry, Logged, LoginStore, Mark,
    NewLogin, NewSession, Partition, Realm, StoreError, Ticket, Timed, Touch,
};

/// The number of rows or entries that one step of a purge deletes while other calls wait.
const AT_ONCE: i64 = 200;

/// The number of logins that one step touches.
pub(super) const BATCH: usize = 500;

#[async_trait]
impl LoginStore for RedisStore {
    fn partitions(&self) -> NonZeroU32 {
        partitions()
    }

    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Result<Timed<Ticket>, StoreError> {
        let arguments = Arguments::new().text(subject.as_str());
        let reply = self.run(&self.shared.scripts.ticket, realm, of(subject), &arguments).await?;
        reply.timed(Ticket::new(subject, reply.number(1)?, reply.now()?))
    }

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Result<Timed<Created>, StoreError> {
        let partition = of(&login.subject);
        let is_elsewhere = session.is_some_and(|session| session.key.partition != partition);
        if Partition::of_login(login.id) != partition || is_elsewhere {
            return Err(StoreError::new("the login or its session is in another partition than its subject"));
        }
        let evicts = matches!(limit, Some(Limit::EvictOldest(_)));
        let mut arguments = Arguments::new()
            .login(login.id)
            .text(login.subject.as_str())
            .epoch(ticket.epoch)
            .number(ticket.issued_at)
            .epoch(ticket.lifetime)
            .duration(login.lifetime)
            .duration(login.idle)
            .duration(login.retention)
            .number(limit.map_or(0, |limit| limit.most().get()))
            .text(if evicts { "evict" } else { "refuse" })
            .mark(Mark::random()?)
            .mark(Mark::random()?);
        arguments = match session {
            Some(session) => {
                arguments.session(&session.key.hash).bytes(&session.data).duration(session.lifetime)
            }
            None => arguments.text("").text("").number(0),
        };
        arguments = arguments
            .optional_login(login.replaces)
            .number(EndReason::Replaced.code())
            .number(EndReason::Evicted.code())
            .bytes(&login.claims)
            .bytes(&about(login)?)
            .text("kind")
            .text(if login.kind == Scheme::Jwt { "token" } else { "session" });
        if let Some(family) = login.secret.map(Family::first) {
            arguments = arguments
                .text("generation")
                .number(family.position.generation)
                .text("branch")
                .number(family.position.branch)
                .text("current")
                .bytes(family.current.as_bytes())
                .text("nonce")
                .bytes(&family.nonce)
                .text("rotated_at")
                .number(family.rotated_at.millis())
                .text("confirmed")
                .number(family.confirmed)
                .text("shared")
                .number(family.shared)
                .text("counted")
                .number(family.counted);
        }
        let reply = self.run(&self.shared.scripts.create, realm, partition, &arguments).await?;
        let created = match &*reply.text(1)? {
            "made" => {
                let (evicted, replaced) = (reply.ended(3)?, reply.ended(4)?.pop());
                let replaced = replaced.map(|old| old.1);
                Created::Made { login: reply.login(2, login.id)?, replaced, evicted }
            }
            "outdated" => Created::Outdated,
            "id_taken" => Created::IdTaken,
            _ => Created::LimitReached,
        };
        reply.timed(created)
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        let Some(partition) = known(Partition::of_login(id)) else {
            return Ok(Timed::new(None, self.only_time(realm).await?));
        };
        let reply =
            self.run(&self.shared.scripts.login, realm, partition, &Arguments::new().login(id)).await?;
        let login = (reply.text(1)? == "live").then(|| reply.live_login(2, id)).transpose()?;
        reply.timed(login)
    }

    async fn list(
        &self,
        realm: &Realm,
        subject: &Subject,
        after: Option<&ListCursor>,
        most: NonZeroU32,
    ) -> Result<Timed<Vec<LiveLogin>>, StoreError> {
        let mut arguments = Arguments::new().text(subject.as_str());
        arguments = match after {
            Some(after) => arguments.number(after.created_at.millis()).login(after.id),
            None => arguments.text("").text(""),
        };
        arguments = arguments.number(most.get());
        let reply = self.run(&self.shared.scripts.list, realm, of(subject), &arguments).await?;
        let (subject_epoch, outdated_below) = (reply.number(1)?, reply.number(2)?);
        let rows: Vec<(String, Whole)> = reply.get(3)?;
        let logins = rows.into_iter().map(|(id, login)| {
            let row = login.row(LoginId::from_bytes(unhex(&id)?))?;
            Ok(LiveLogin { row, subject_epoch, outdated_below })
        });
        reply.timed(logins.collect::<Result<_, StoreError>>()?)
    }

    async fn end(
        &self,
        realm: &Realm,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        retention: Duration,
    ) -> Result<Timed<Option<Logged>>, StoreError> {
        let Some(partition) = known(Partition::of_login(id)) else {
            return Ok(Timed::new(None, self.only_time(realm).await?));
        };
        let mark = Mark::random()?;
        let arguments = Arguments::new()
            .text(subject.as_str())
            .login(id)
            .duration(retention)
            .mark(mark)
            .number(reason.code());
        let reply = self.run(&self.shared.scripts.end, realm, partition, &arguments).await?;
        let ended = match &*reply.text(1)? {
            "ended" => Some(Logged { mark, expires_at: reply.time(2)? }),
            _ => None,
        };
        reply.timed(ended)
    }

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
    ) -> Result<Timed<EndedAll>, StoreError> {
        let mark = Mark::random()?;
        let arguments = Arguments::new()
            .text(subject.as_str())
            .duration(retention)
            .mark(mark)
            .text("all_ended")
            .optional_login(except);
        let reply = self.run(&self.shared.scripts.raise, realm, of(subject), &arguments).await?;
        let spared = reply.text(3)?;
        reply.timed(EndedAll {
            count: reply.number(2)?,
            epoch: reply.number(1)?,
            spared: (!spared.is_empty()).then(|| unhex(&spared).map(LoginId::from_bytes)).transpose()?,
            logged: Logged { mark, expires_at: reply.time(4)? },
        })
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        let mark = Mark::random()?;
        let arguments = Arguments::new()
            .text(subject.as_str())
            .duration(retention)
            .mark(mark)
            .text("claims_changed")
            .text("");
        let reply = self.run(&self.shared.scripts.raise, realm, of(subject), &arguments).await?;
        reply.timed((reply.number(1)?, Logged { mark, expires_at: reply.time(4)? }))
    }

    async fn save_claims(
        &self,
        realm: &Realm,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
    ) -> Result<Timed<bool>, StoreError> {
        let Some(partition) = known(Partition::of_login(id)) else {
            return Ok(Timed::new(false, self.only_time(realm).await?));
        };
        let arguments = Arguments::new().login(id).bytes(claims).epoch(epoch);
        self.run(&self.shared.scripts.save_claims, realm, partition, &arguments).await?.is_done()
    }

    async fn touch(&self, realm: &Realm, touches: &[Touch]) -> Result<Timed<()>, StoreError> {
        let mut now = None;
        for partition in all_partitions() {
            let here: Vec<_> =
                touches.iter().filter(|touch| Partition::of_login(touch.login) == partition).collect();
            for batch in here.chunks(BATCH) {
                let arguments = batch.iter().fold(Arguments::new(), |arguments, touch| {
                    arguments.login(touch.login).duration(touch.ago).duration(touch.idle)
                });
                now = Some(self.run(&self.shared.scripts.touch, realm, partition, &arguments).await?.now()?);
            }
        }
        self.time_or(realm, now).await
    }

    async fn purge(&self) -> Result<Timed<u64>, StoreError> {
        let mut purged = 0_u64;
        for realm in self.realms().await? {
            for partition in all_partitions() {
                purged = purged.saturating_add(self.purge_partition(&realm, partition).await?);
            }
        }
        Ok(Timed::new(purged, self.server_time().await?))
    }
}

impl RedisStore {
    /// This time, or the store's if it is `None`.
    pub(super) async fn time_or(
        &self,
        realm: &Realm,
        now: Option<Timestamp>,
    ) -> Result<Timed<()>, StoreError> {
        match now {
            Some(now) => Ok(Timed::new((), now)),
            None => Ok(Timed::new((), self.only_time(realm).await?)),
        }
    }

    async fn purge_partition(&self, realm: &Realm, partition: Partition) -> Result<u64, StoreError> {
        let (mut purged, mut cursor) = (0_u64, "0".to_owned());
        loop {
            let arguments = Arguments::new().number(AT_ONCE).duration(LogEntry::MARGIN).text(&cursor);
            let reply = self.run(&self.shared.scripts.purge, realm, partition, &arguments).await?;
            purged = purged.saturating_add(reply.number(1)?);
            cursor = reply.text(3)?;
            if reply.number(2)? == 0 {
                return Ok(purged);
            }
        }
    }
}
