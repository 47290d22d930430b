//! Concurrent steps, repeated until they overlap.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::id::Position;
use auth_core::id::{LoginId, Subject};
use auth_core::login::Scheme;
use auth_core::store::{
    Created, Cursor, EndReason, Ids, Limit, Mark, NewLogin, NewSession, Page, Partition, Realm, Revoked,
    Rotated, Rotation, SecretHash, SessionKey, Standing, Store,
};
use auth_core::testing::contract::World;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
const MANY: u8 = 32;
const WRITERS: u8 = 8;

/// A store, and what the tests put into it.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) realm: Realm,
}

impl Stage {
    pub(crate) fn of(world: &impl World) -> Self {
        Self::with(world.store())
    }

    pub(crate) fn with(store: Arc<dyn Store>) -> Self {
        Self { store, realm: Realm::new("https://shop.example").unwrap() }
    }

    pub(crate) fn subject(number: u8) -> Subject {
        Subject::new(&format!("subject {number}")).unwrap()
    }

    pub(crate) fn partition(&self, subject: &Subject) -> Partition {
        Partition::of(subject, self.store.partitions())
    }

    /// One whose subject is in the partition of subject 0.
    fn neighbour(&self, number: u8) -> Subject {
        let here = self.partition(&Self::subject(0));
        let all = (0_u32..).map(|other| Subject::new(&format!("neighbour {number} {other}")).unwrap());
        all.into_iter().find(|subject| self.partition(subject) == here).unwrap()
    }

    pub(crate) fn id(&self, subject: &Subject, number: u8) -> LoginId {
        let mut bytes = [number; 16];
        bytes[0] = self.partition(subject).number();
        LoginId::from_bytes(bytes)
    }

    pub(crate) fn login(&self, subject: &Subject, number: u8) -> NewLogin {
        NewLogin {
            id: self.id(subject, number),
            subject: subject.clone(),
            kind: Scheme::Jwt,
            lifetime: HOUR * 2,
            idle: HOUR,
            retention: HOUR / 4,
            user_agent: None,
            address: None,
            claims: b"{}".to_vec(),
            secret: Some(SecretHash::from_bytes([number; 32])),
            extra: Vec::new(),
            replaces: None,
        }
    }

    pub(crate) fn session(&self, subject: &Subject, number: u8) -> NewSession {
        let key =
            SessionKey { partition: self.partition(subject), hash: SecretHash::from_bytes([number; 32]) };
        NewSession { key, data: b"{}".to_vec(), lifetime: HOUR }
    }

    pub(crate) fn rotation(&self, subject: &Subject, number: u8, successor: u8) -> Rotation {
        Rotation {
            login: self.id(subject, number),
            presented: Position { generation: 0, branch: 0 },
            secret: SecretHash::from_bytes([number; 32]),
            successor: SecretHash::from_bytes([successor; 32]),
            nonce: [successor; 16],
            grace: Duration::ZERO,
            idle: HOUR,
            retention: HOUR / 4,
        }
    }

    pub(crate) async fn create(
        &self,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Created {
        let ticket = self.store.ticket(&self.realm, &login.subject).await.unwrap().value;
        self.store.create(&self.realm, &ticket, login, session, limit).await.unwrap().value
    }

    pub(crate) async fn end_all(&self, subject: &Subject) -> (u64, Mark) {
        let ended = self.store.end_all(&self.realm, subject, None, HOUR).await.unwrap().value;
        (ended.epoch, ended.logged.mark)
    }

    async fn is_live(&self, id: LoginId) -> bool {
        self.store.login(&self.realm, id).await.unwrap().value.is_some()
    }

    async fn is_good(&self, ids: Ids<'_>) -> bool {
        self.store.standing(&self.realm, &ids).await.unwrap().value == Standing::Good
    }

    pub(crate) async fn page(&self, cursor: &Cursor, most: u32) -> Page {
        self.store.page(&self.realm, cursor, NonZeroU32::new(most).unwrap()).await.unwrap().value
    }
}

pub(crate) fn most(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Does the same many times at once, numbered from one.
async fn at_once<T: Send + 'static, F>(stage: &Stage, act: impl Fn(Stage, u8) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (1..=MANY).map(|number| tokio::spawn(act(stage.clone(), number))).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

/// Reads on until there is no more.
pub(crate) async fn read_on(stage: &Stage, cursor: &mut Cursor, seen: &mut Vec<Mark>) {
    loop {
        let page = stage.page(cursor, 3).await;
        assert_eq!(page.reset, None);
        seen.extend(page.entries.iter().map(|entry| entry.mark));
        *cursor = page.next;
        if !page.has_more {
            return;
        }
    }
}

/// Each that ends to make room ends once, is logged once, and its session ends with it.
pub(crate) async fn a_limit_that_evicts_is_exact(stage: Stage) {
    let subject = Stage::subject(0);
    let ticket = stage.store.ticket(&stage.realm, &subject).await.unwrap().value;
    let done = at_once(&stage, |stage, number| {
        let (ticket, subject) = (ticket.clone(), subject.clone());
        async move {
            let (login, session) = (stage.login(&subject, number), stage.session(&subject, number));
            let limit = Some(Limit::EvictOldest(most(3)));
            stage.store.create(&stage.realm, &ticket, &login, Some(&session), limit).await.unwrap().value
        }
    })
    .await;
    let mut ended = BTreeSet::new();
    for one in done {
        let Created::Made { evicted, .. } = one else { panic!("{one:?}") };
        for (login, logged) in evicted {
            assert!(ended.insert((logged.mark, login)), "it ended twice");
        }
    }
    let mut live = 0;
    for number in 1..=MANY {
        let id = stage.id(&subject, number);
        let is_live = stage.is_live(id).await;
        live += u8::from(is_live);
        assert_eq!(is_live, ended.iter().all(|(_, other)| *other != id));
        let session = Some(stage.session(&subject, number).key);
        assert_eq!(stage.is_good(Ids { session, ..Ids::default() }).await, is_live);
    }
    assert_eq!((live, ended.len()), (3, usize::from(MANY - 3)));
    let page = stage.page(&Cursor::start(), 1000).await;
    let logged = page.entries.into_iter().map(|entry| match entry.revoked {
        Revoked::Login(id, EndReason::Evicted) => (entry.mark, id),
        other => panic!("{other:?}"),
    });
    assert_eq!(logged.collect::<BTreeSet<_>>(), ended);
}

/// Several endings beside sign-ins under a limit: what began before the last of them is gone, what began after is not.
pub(crate) async fn no_sign_in_survives_an_ending_beside_it(stage: Stage) {
    let subject = Stage::subject(0);
    let ending = tokio::spawn({
        let (stage, subject) = (stage.clone(), subject.clone());
        async move {
            let mut last = 0;
            for _ in 0..20 {
                last = stage.end_all(&subject).await.0;
                tokio::task::yield_now().await;
            }
            last
        }
    });
    let done = at_once(&stage, |stage, number| {
        let subject = subject.clone();
        async move {
            let mut made = Vec::new();
            for round in 0..6 {
                let id = (round * MANY) + number;
                made.push(
                    stage.create(&stage.login(&subject, id), None, Some(Limit::EvictOldest(most(3)))).await,
                );
            }
            made
        }
    })
    .await;
    let last = ending.await.unwrap();
    let (mut live, mut outdated) = (0, 0);
    for one in done.into_iter().flatten() {
        match one {
            Created::Made { login, .. } => {
                let is_live = stage.is_live(login.id).await;
                assert!(!is_live || login.begun_under >= last, "it survived");
                live += u32::from(is_live);
            }
            Created::Outdated => outdated += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(live <= 3, "{live} are live, {outdated} were outdated");
}

/// The others are answered with what it left, not with what they saw when they asked.
pub(crate) async fn one_of_many_rotations_wins_and_the_others_see_it(stage: Stage) {
    let subject = Stage::subject(0);
    for round in 1..=6 {
        let made = stage.create(&stage.login(&subject, round), None, None).await;
        assert!(matches!(made, Created::Made { .. }));
        let done = at_once(&stage, |stage, number| {
            let rotation = stage.rotation(&subject, round, 100 + number);
            async move { stage.store.rotate(&stage.realm, &rotation).await.unwrap().value }
        })
        .await;
        let won = |one: &&Rotated| matches!(one, Rotated::Rotated(_));
        let winner = done.iter().find(won).unwrap();
        let Rotated::Rotated(winner) = winner else { unreachable!() };
        assert_eq!(done.iter().filter(won).count(), 1);
        for one in &done {
            match one {
                Rotated::Rotated(login) | Rotated::Unchanged(login) => assert!(login == winner),
                Rotated::NotLive => panic!("it is live"),
            }
        }
    }
}

/// Of subjects who know nothing of each other: neither the id nor the hash is taken twice, and losers leave nothing.
async fn ids_and_hashes_are_taken_once_by_many_subjects(stage: Stage) {
    for shares_id in [true, false] {
        let done = at_once(&stage, |stage, number| {
            let subject = stage.neighbour(number);
            async move {
                let base = if shares_id { 200 } else { number };
                let session = stage.session(&subject, if shares_id { number } else { 201 });
                stage.create(&stage.login(&subject, base), Some(&session), None).await
            }
        })
        .await;
        let made = done.iter().filter(|one| matches!(one, Created::Made { .. })).count();
        assert_eq!(made, 1);
        assert_eq!(done.iter().filter(|one| **one == Created::IdTaken).count(), usize::from(MANY - 1));
        let mut live = 0;
        for number in (1..=MANY).chain([200]) {
            live += usize::from(stage.is_live(stage.id(&stage.neighbour(number), number)).await);
        }
        assert_eq!(live, if shares_id { 1 } else { 2 }, "a loser left its login");
    }
}

/// Of many subjects, in all partitions: a reader has everything that was acknowledged before it asked.
pub(crate) async fn every_entry_of_eight_writers_is_seen(stage: Stage) {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (stage, acknowledged) = (stage.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                for round in 0..30 {
                    let (_, mark) = stage.end_all(&Stage::subject(writer * 30 + round)).await;
                    acknowledged.lock().unwrap().push(mark);
                }
            })
        })
        .collect();
    let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
    loop {
        let is_last = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let before = acknowledged.lock().unwrap().clone();
        read_on(&stage, &mut cursor, &mut seen).await;
        assert!(before.iter().all(|mark| seen.contains(mark)), "an acknowledged entry is missing");
        if is_last {
            break;
        }
    }
    let marks: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!((marks.len(), seen.len()), (usize::from(WRITERS) * 30, usize::from(WRITERS) * 30));
}

macro_rules! both {
    ($($rule:ident)+) => {
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let Some(world) = crate::postgres::world::PostgresWorld::new().await else { return };
                    super::$rule(super::Stage::of(&world)).await;
                }
            )+
        }

        mod redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let Some(world) = crate::redis::world::alone().await else { return };
                    super::$rule(super::Stage::of(&world)).await;
                }
            )+
        }
    };
}

both! {
    a_limit_that_evicts_is_exact
    every_entry_of_eight_writers_is_seen
    ids_and_hashes_are_taken_once_by_many_subjects
    no_sign_in_survives_an_ending_beside_it
    one_of_many_rotations_wins_and_the_others_see_it
}
