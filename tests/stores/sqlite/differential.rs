//! The same calls, at the same time, on a store in memory: the same answers.

#![expect(clippy::indexing_slicing, reason = "a test that panics says so")]

use std::time::Duration;

use auth_core::clock::Timestamp;
use auth_core::id::Position;
use auth_core::id::{KeyId, Subject, TokenId};
use auth_core::store::memory::MemoryStore;
use auth_core::store::{
    Created, Cursor, EndReason, Family, GraceStart, Ids, Limit, ListCursor, LogEntry, Logged, Mark, NewLogin,
    NewSession, Realm, Renamed, Revoked, Rotated, Rotation, SecretHash, Store, Ticket, Touch,
};
use auth_core::testing::ManualClock;
use tempfile::TempDir;

use crate::sqlite::support::*;

/// Small numbers, the same in every run.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(most)).unwrap()
    }

    fn seconds(&mut self, most: u32) -> Duration {
        Duration::from_secs(self.below(most).into())
    }
}

/// One of the two stores, and what a caller remembers of it.
struct Side<'a> {
    store: &'a dyn Store,
    tickets: Vec<Ticket>,
    families: Vec<Family>,
    cursor: Cursor,
}

impl<'a> Side<'a> {
    fn new(store: &'a dyn Store) -> Self {
        let families = vec![Family::first(SecretHash::of(b"0")); 2];
        Self {
            store,
            tickets: vec![Ticket::new(&Subject::new("nobody").unwrap(), 0, NOW)],
            families,
            cursor: Cursor::start(),
        }
    }

    /// Makes the call that the dice say, and returns all of its answer but marks.
    async fn call(&mut self, dice: &mut Dice) -> String {
        let realm = Realm::new(["a", "b"][dice.below(20) as usize / 19]).unwrap();
        let realm = &realm;
        let subject = &Subject::new(["anna", "bert"][dice.below(2) as usize]).unwrap();
        let (number, other) = (dice.below(8), dice.below(8));
        let login = id(number);
        let retention = dice.seconds(900);
        let store = self.store;
        match dice.below(26) {
            0..=2 => {
                let ticket = store.ticket(realm, subject).await.unwrap();
                self.tickets.push(ticket.value.clone());
                format!("{ticket:?}")
            }
            3..=7 => {
                let mut ticket = store.ticket(realm, subject).await.unwrap().value;
                if dice.below(5) == 0 {
                    ticket =
                        self.tickets[dice.below(self.tickets.len().try_into().unwrap()) as usize].clone();
                }
                self.tickets.push(ticket.clone());
                let new = NewLogin {
                    subject: subject.clone(),
                    lifetime: dice.seconds(3000),
                    idle: dice.seconds(900),
                    retention,
                    replaces: (dice.below(3) == 0).then_some(login),
                    secret: (dice.below(4) > 0).then(|| SecretHash::of(b"0")),
                    ..crate::sqlite::support::login(number)
                };
                let session = NewSession { lifetime: dice.seconds(900), ..session(other) };
                let limit = if dice.below(2) == 0 { Limit::EvictOldest } else { Limit::Refuse };
                let limit = (dice.below(3) == 0).then_some(limit(most(2)));
                let session = (dice.below(2) == 0).then_some(&session);
                let made = store.create(realm, &ticket, &new, session, limit).await.unwrap();
                match made.value {
                    Created::Made { login, replaced, evicted } => {
                        let evicted: Vec<_> =
                            evicted.iter().map(|(login, logged)| (login, until(logged))).collect();
                        let replaced = replaced.as_ref().map(until);
                        format!("{login:?} {:?} {replaced:?} {evicted:?} {:?}", login.retention, made.now)
                    }
                    other => format!("{other:?}"),
                }
            }
            8 => {
                let found = store.login(realm, login).await.unwrap();
                self.families.extend(found.value.as_ref().and_then(|found| found.row.family.clone()));
                format!("{found:?}")
            }
            9 => {
                let after =
                    (dice.below(2) == 0).then_some(ListCursor { created_at: found_at(dice), id: login });
                format!("{:?}", store.list(realm, subject, after.as_ref(), most(1 + other)).await.unwrap())
            }
            10 => {
                match store.end(realm, subject, login, EndReason::SignedOut, retention).await.unwrap().value {
                    Some(logged) => until(&logged),
                    None => "not there".to_owned(),
                }
            }
            11 => {
                let except = (other < 4).then_some(login);
                let ended = store.end_all(realm, subject, except, retention).await.unwrap().value;
                format!("{} {} {:?} {}", ended.count, ended.epoch, ended.spared, until(&ended.logged))
            }
            12 => {
                let changed = store.claims_changed(realm, subject, retention).await.unwrap().value;
                format!("{} {}", changed.0, until(&changed.1))
            }
            13 => {
                let epoch = self.tickets.last().map_or(0, |ticket| ticket.epoch);
                format!("{:?}", store.save_claims(realm, login, b"new", epoch).await.unwrap())
            }
            14 => {
                let touch = Touch { login, ago: dice.seconds(90), idle: retention };
                let earlier = Touch { ago: dice.seconds(90), ..touch };
                format!("{:?}", store.touch(realm, &[touch, earlier]).await.unwrap())
            }
            15 | 16 => {
                let live = store.login(realm, login).await.unwrap().value;
                self.families.extend(live.and_then(|live| live.row.family));
                let family = self.families[self.families.len() - 1 - dice.below(4) as usize / 3].clone();
                let rotation = Rotation {
                    login,
                    presented: family.position,
                    secret: family.current,
                    successor: SecretHash::of(&dice.below(999).to_be_bytes()),
                    nonce: [7; 16],
                    grace: dice.seconds(20),
                    idle: dice.seconds(900),
                    retention,
                };
                let rotated = store.rotate(realm, &rotation).await.unwrap();
                if let Rotated::Rotated(live) | Rotated::Unchanged(live) = &rotated.value {
                    self.families.extend(live.row.family.clone());
                }
                format!("{rotated:?}")
            }
            17 => {
                let live = store.login(realm, login).await.unwrap().value;
                self.families.extend(live.and_then(|live| live.row.family));
                let expected = &self.families[self.families.len() - 1];
                let position = Position { branch: dice.below(9).try_into().unwrap(), ..expected.position };
                let (shared, counted) = (dice.below(5), dice.below(2) == 0);
                let new = Family { position, shared, counted, previous_branch: None, ..expected.clone() };
                let grace = if dice.below(2) == 0 { GraceStart::Now } else { GraceStart::Keep };
                let retention = dice.seconds(900);
                let replaced =
                    store.replace_family(realm, login, expected, &new, grace, retention).await.unwrap();
                self.families.extend(replaced.value.as_ref().and_then(|live| live.row.family.clone()));
                format!("{replaced:?}")
            }
            18 => {
                let live = store.login(realm, login).await.unwrap().value;
                self.families.extend(live.and_then(|live| live.row.family));
                let position = self.families[self.families.len() - 1].position;
                let one = (login, position);
                format!("{:?}", store.confirm(realm, &[one]).await.unwrap())
            }
            19 => {
                let new = NewSession { lifetime: dice.seconds(900), ..session(number) };
                format!("{:?}", store.create_session(realm, &new).await.unwrap())
            }
            20 => {
                let version = u64::from(1 + dice.below(2));
                let saved = store.save_session(realm, &key(number), b"b", version, retention).await.unwrap();
                let renamed =
                    store.rename_session(realm, &key(number), &key(other).hash, retention).await.unwrap();
                let renamed = match renamed.value {
                    Renamed::Renamed(logged) => Ok(logged.as_ref().map(until)),
                    Renamed::Refused => Err("refused"),
                };
                format!("{saved:?} {renamed:?}")
            }
            21 => {
                if dice.below(4) == 0 {
                    store.delete_session(realm, &key(other)).await.unwrap();
                }
                format!("{:?}", store.session(realm, &key(number)).await.unwrap())
            }
            22 => {
                let token = TokenId::from_bytes([number.try_into().unwrap(); 16]);
                let key_id = KeyId::new("k").unwrap();
                if dice.below(3) == 0 {
                    store.revoke_token(realm, subject, token, retention).await.unwrap();
                }
                let epoch = self.tickets.last().map_or(0, |ticket| ticket.epoch);
                let ids = Ids {
                    login: (dice.below(2) == 0).then_some(login),
                    session: (dice.below(4) == 0).then_some(key(other)),
                    subject: (dice.below(4) > 0).then_some((subject, epoch)),
                    begun_under: (dice.below(3) == 0).then_some(epoch.saturating_sub(1000)),
                    token: (dice.below(3) == 0).then_some(token),
                    key: Some(&key_id),
                };
                format!("{:?}", store.standing(realm, &ids).await.unwrap())
            }
            23 => {
                // A whole page: a store may count expired entries as part of a smaller one.
                let page = store.page(realm, &self.cursor, most(9999)).await.unwrap();
                let answer = format!("{:?} {:?} {:?}", page.now, page.value.floor, page.value.has_more);
                let entries: Vec<_> =
                    page.value.entries.iter().map(|entry| (&entry.revoked, entry.expires_at)).collect();
                let answer = format!("{answer} {entries:?} {:?}", page.value.reset);
                self.cursor = if dice.below(3) == 0 { Cursor::start() } else { page.value.next };
                answer
            }
            24 => {
                let mark = Mark::from_bytes([dice.below(40).try_into().unwrap(); 16]);
                let below = self.tickets.last().map_or(0, |ticket| ticket.epoch) + u64::from(dice.below(3));
                let spared = (dice.below(2) == 0).then_some(login);
                let subject = subject.clone();
                let revoked = match dice.below(5) {
                    0 => Revoked::Login(login, EndReason::Stolen),
                    1 => Revoked::Session(key(number)),
                    2 => Revoked::ClaimsChanged { subject, below },
                    _ => Revoked::AllEnded { subject, below, spared },
                };
                let entry = LogEntry { mark, revoked, expires_at: found_at(dice) };
                format!("{:?}", store.write_back(realm, &[entry]).await.unwrap())
            }
            _ => match dice.below(12) {
                0 => {
                    let declared = store.declare_restored(realm, None).await.unwrap();
                    format!("{:?}", declared.map(|(floor, logged)| (floor, until(&logged))))
                }
                1 => format!("{:?}", store.purge().await.unwrap().now),
                _ => {
                    let saved = store.save_document(realm, "d", other.into(), b"d").await.unwrap();
                    format!("{saved:?} {:?}", store.document(realm, "d").await.unwrap())
                }
            },
        }
    }
}

fn until(logged: &Logged) -> String {
    format!("{:?}", logged.expires_at)
}

fn found_at(dice: &mut Dice) -> Timestamp {
    NOW.after(dice.seconds(4000))
}

#[tokio::test]
async fn memory_and_sqlite_answer_the_same() {
    for seed in 0..12 {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::new(NOW);
        let memory = MemoryStore::with_clock(clock.clone());
        let sqlite = open_at(&file(&folder), clock.clone()).await;
        let (mut memory, mut sqlite) = (Side::new(&memory), Side::new(&sqlite));
        // A realm's floor is the time of its first use, and some reads use it only in memory.
        for name in ["a", "b"] {
            for store in [memory.store, sqlite.store] {
                store.ticket(&Realm::new(name).unwrap(), &anna()).await.unwrap();
            }
        }
        let mut history = Vec::new();
        let mut dice = Dice(seed);
        for step in 0..600 {
            if dice.below(8) == 0 {
                clock.advance(dice.seconds(60));
            }
            let mut same = dice.clone();
            let (left, right) = (memory.call(&mut dice).await, sqlite.call(&mut same).await);
            history.push(left.clone());
            let recent = history.len().saturating_sub(12);
            assert_eq!(left, right, "seed {seed}, step {step}, after {:#?}", &history[recent..]);
        }
    }
}
