//! The steps: each is one script of `redis/`, on the keys of one partition.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::id::{LoginId, Subject};
use auth_core::store::{
    Created, Cursor, EndedAll, Family, Ids, Limit, LiveLogin, LogEntry, Logged, LoginKind, Mark, NewLogin,
    NewSession, Page, Partition, Realm, Reset, Rotated, Rotation, Standing, StoreError, Ticket, Timed,
};

use crate::engines::redis::cursor::{Place, cursor_of, expiry_of, places_of};
use crate::engines::redis::reply::{Fields, hex, logged, missing, unhex};
use crate::engines::redis::{PARTITIONS, RedisEngine, all_partitions, of, text};
use crate::engines::sketch::{Answer, Engine, epoch, millis, number};

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
        let exceeded = matches!(limit, Some(Limit::EvictOldest(_)));
        let mut arguments: Vec<Vec<u8>> = vec![
            hex(login.id.as_bytes()).into(),
            login.subject.as_str().into(),
            text(number(ticket.epoch)),
            text(ticket.issued_at),
            text(number(ticket.lifetime)),
            text(millis(login.lifetime)),
            text(millis(login.idle)),
            text(millis(login.retention)),
            text(limit.map_or(0, |limit| limit.most().get())),
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
                let over = reply.time(0)?.before(LogEntry::MARGIN);
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
                text(millis(LogEntry::MARGIN)),
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
        of_key.extend([key.as_str().into(), text(millis(LogEntry::MARGIN))]);
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
