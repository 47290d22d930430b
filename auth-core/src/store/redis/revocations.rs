//! Implements [`RevocationStore`].

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use tokio::sync::watch;

use super::RedisStore;
use super::arguments::Arguments;
use super::cursor::{Place, cursor_of, expiry_of, places_of, start};
use super::reply::{Fields, Reply, unhex};
use super::run::{all_partitions, known, of};
use crate::clock::Timestamp;
use crate::id::{KeyId, Subject, TokenId};
use crate::store::{
    Cursor, Ids, LogEntry, Logged, Mark, Page, Partition, Realm, Reset, RevocationStore, Standing,
    StoreError, Timed,
};

#[async_trait]
impl RevocationStore for RedisStore {
    async fn revoke_token(
        &self,
        realm: &Realm,
        subject: &Subject,
        token: TokenId,
        retention: Duration,
    ) -> Result<Timed<Logged>, StoreError> {
        let mark = Mark::random()?;
        let arguments = Arguments::new().text(subject.as_str()).token(token).duration(retention).mark(mark);
        let reply = self.run(&self.shared.scripts.revoke_token, realm, of(subject), &arguments).await?;
        reply.timed(Logged { mark, expires_at: reply.time(1)? })
    }

    async fn revoke_key(&self, realm: &Realm, key: &KeyId) -> Result<Timed<Logged>, StoreError> {
        let mark = Mark::random()?;
        let arguments = Arguments::new().text(key.as_str()).mark(mark);
        let reply = self.run(&self.shared.scripts.revoke_key, realm, Partition::REALM, &arguments).await?;
        reply.timed(Logged { mark, expires_at: LogEntry::NEVER })
    }

    async fn page(
        &self,
        realm: &Realm,
        cursor: &Cursor,
        most: NonZeroU32,
    ) -> Result<Timed<Page>, StoreError> {
        let read = places_of(cursor);
        let mut reset = read.is_none().then_some(Reset::Malformed);
        let mut places = read.unwrap_or_else(start);
        let mut replies = self.pages(realm, &places, most).await?;
        if let Some(missing) = missing(&places, &replies)? {
            reset = Some(missing);
            // All partitions, because a page with a reset begins at the start of the whole log.
            places = start();
            replies = self.pages(realm, &places, most).await?;
        }
        // The list of a node is as old as the oldest part of it.
        let mut now = Timestamp::from_millis(i64::MAX);
        let mut page = Page { entries: Vec::new(), next: Cursor::start(), has_more: false, floor: 0, reset };
        for ((partition, place), reply) in all_partitions().zip(&mut places).zip(&replies) {
            if reply.text(2)? != "good" {
                return Err(StoreError::new("the log changed while its start was read"));
            }
            now = now.min(reply.now()?);
            page.floor = page.floor.max(reply.number(1)?);
            page.has_more |= reply.number(3)? == 1;
            let expires_at = reply.text(7)?;
            // It is empty when no entry follows.
            if !expires_at.is_empty() {
                let mark = Mark::from_bytes(unhex(&reply.text(5)?)?);
                *place = Some(Place { id: reply.text(4)?, mark, expires_at: expiry_of(&expires_at)? });
            }
            for entry in reply.get::<Vec<Fields>>(6)? {
                page.entries.push(entry.entry(partition)?);
            }
        }
        page.next = cursor_of(&places)?;
        Ok(Timed::new(page, now))
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Result<Timed<Standing>, StoreError> {
        let subject = ids.subject.map(|(subject, _)| of(subject));
        let named = [subject, ids.login.map(Partition::of_login), ids.session.map(|key| key.partition)];
        let mut named: Vec<_> = named.into_iter().flatten().collect();
        named.dedup();
        if named.len() > 1 || named.iter().any(|partition| known(*partition).is_none()) {
            // Everything of a subject is in one partition, so there is no such credential.
            return Ok(Timed::new(Standing::Gone, self.only_time(realm).await?));
        }
        if named.is_empty() && ids.token.is_some() {
            return Err(StoreError::new("a token is looked up together with its subject"));
        }
        let partition = named.first().copied().unwrap_or_default();
        let (standing, now) = self.ask(realm, partition, ids).await?;
        let Some(key) = ids.key.filter(|_| partition != Partition::REALM && standing != Standing::Gone)
        else {
            return Ok(Timed::new(standing, now));
        };
        // Keys are in partition 0.
        let (of_key, then) =
            self.ask(realm, Partition::REALM, &Ids { key: Some(key), ..Ids::default() }).await?;
        let standing = if of_key == Standing::Gone { Standing::Gone } else { standing };
        Ok(Timed::new(standing, now.min(then)))
    }

    async fn write_back(&self, realm: &Realm, entries: &[LogEntry]) -> Result<Timed<()>, StoreError> {
        self.write_entries_back(realm, entries).await
    }

    async fn declare_restored(
        &self,
        realm: &Realm,
        instant: Option<Timestamp>,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        let proposed = &self.shared.scripts.proposed_floor;
        let mut least = instant.map_or(0, |instant| u64::try_from(instant.millis()).unwrap_or(0));
        // The latest time at which a partition was asked: the floor is not lower.
        let mut now = Timestamp::UNIX_EPOCH;
        for reply in self.run_everywhere(proposed, realm, &Arguments::new()).await? {
            least = least.max(reply.number(1)?);
            now = now.max(reply.now()?);
        }
        let floor = self.shared.raise_floor(realm, least).await?;
        let mark = Mark::random()?;
        let arguments = Arguments::new().mark(mark).epoch(floor);
        self.run(&self.shared.scripts.log_floor, realm, Partition::REALM, &arguments).await?;
        Ok(Timed::new((floor, Logged { mark, expires_at: LogEntry::NEVER }), now))
    }

    fn wake_ups(&self) -> watch::Receiver<u64> {
        self.shared.wake_ups.subscribe()
    }
}

impl RedisStore {
    /// The next part of the log of every partition.
    async fn pages(
        &self,
        realm: &Realm,
        places: &[Option<Place>],
        most: NonZeroU32,
    ) -> Result<Vec<Reply>, StoreError> {
        let calls = all_partitions().zip(places).map(async |(partition, place)| {
            let arguments = match place {
                Some(place) => Arguments::new().text(&place.id).mark(place.mark),
                None => Arguments::new().text("").text(""),
            };
            let arguments = arguments.number(most.get()).duration(LogEntry::MARGIN);
            self.run(&self.shared.scripts.page, realm, partition, &arguments).await
        });
        try_join_all(calls).await
    }

    async fn ask(
        &self,
        realm: &Realm,
        partition: Partition,
        ids: &Ids<'_>,
    ) -> Result<(Standing, Timestamp), StoreError> {
        let epoch = ids.subject.map_or(0, |(_, epoch)| epoch);
        let mut arguments = Arguments::new().optional_login(ids.login);
        arguments = match ids.session {
            Some(key) => arguments.session(&key.hash),
            None => arguments.text(""),
        };
        arguments = arguments
            .text(ids.subject.map_or("", |(subject, _)| subject.as_str()))
            .epoch(epoch)
            .epoch(ids.begun_under.unwrap_or(epoch));
        arguments = match ids.token {
            Some(token) => arguments.token(token),
            None => arguments.text(""),
        };
        arguments = arguments.text(ids.key.map_or("", KeyId::as_str)).duration(LogEntry::MARGIN);
        let reply = self.run(&self.shared.scripts.standing, realm, partition, &arguments).await?;
        let standing = match &*reply.text(1)? {
            "good" => Standing::Good,
            "outdated" => Standing::Outdated,
            _ => Standing::Gone,
        };
        Ok((standing, reply.now()?))
    }
}

/// Why the log must be read from its start, if it must: a partition does not have the entry that the cursor names.
fn missing(places: &[Option<Place>], replies: &[Reply]) -> Result<Option<Reset>, StoreError> {
    let mut found = None;
    for (place, reply) in places.iter().zip(replies) {
        if reply.text(2)? == "unknown_mark" {
            let over = reply.now()?.before(LogEntry::MARGIN);
            let is_over = place.as_ref().is_some_and(|place| place.expires_at <= over);
            found = match found {
                None | Some(Reset::Purged) if is_over => Some(Reset::Purged),
                _ => Some(Reset::UnknownMark),
            };
        }
    }
    Ok(found)
}
