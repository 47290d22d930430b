//! The nodes, their store and their clocks, and the users.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::audit::AuditEvent;
use auth_core::clock::{Clock as _, Timestamp};
use auth_core::id::LoginId;
use auth_core::store::{Limit, Store};
use auth_core::testing::ManualClock;
use auth_tests::shop::{World, open};
use auth_tests::{
    Directory, Fault, FaultyStore, GRACE, MILLISECOND, NOW, Node, Op, Random, User, admin, in_time,
};

use super::model::{Fact, LIFETIME, Login, MOST, Moment, Person, SESSION_IDLE, TOKEN_IDLE};

/// The steps of a schedule, to be printed if it fails. Clones share it.
pub(super) type Trace = Arc<Mutex<Told>>;

#[derive(Debug, Default)]
pub(super) struct Told {
    /// The number of the step.
    pub(super) step: u64,
    pub(super) lines: Vec<String>,
}

/// A node and what is wrong with it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) node: Node,
    clock: ManualClock,
    pub(super) down_since: Option<Duration>,
    /// It reaches its store, but cannot read the log.
    pub(super) is_deaf: bool,
}

/// One schedule: who there is, and what is known.
#[derive(Debug)]
pub(super) struct Soak {
    pub(super) random: Random,
    pub(super) world: World,
    pub(super) places: Vec<Place>,
    pub(super) people: Vec<Person>,
    /// Where claims come from, in every second schedule.
    pub(super) directory: Option<Directory>,
    pub(super) is_source_up: bool,
    pub(super) limit: Limit,
    /// The time since the beginning.
    pub(super) now: Duration,
    /// The latest time that the store's clock showed.
    latest: Timestamp,
    /// Of a step that found a theft.
    pub(super) thefts: usize,
    /// For names that come once.
    pub(super) counter: u64,
    trace: Trace,
}

impl Soak {
    pub(super) async fn begin(world: World, seed: u64, trace: Trace) -> Self {
        let mut random = Random::new(seed);
        let names = ["anna", "bert", "carol", "dora"];
        let person = |name: &str| Person {
            name: name.to_owned(),
            roles: vec![false],
            changes: Vec::new(),
            logins: Vec::new(),
        };
        let people: Vec<_> = names.into_iter().map(person).collect();
        let directory = random.one_in(2).then(|| Directory::of(names.map(|name| user(name, false))));
        let most = NonZeroU32::new(MOST as u32).unwrap();
        let limit = if random.one_in(3) { Limit::Refuse(most) } else { Limit::EvictOldest(most) };
        let count = 1 + random.below(3);
        let mut soak = Self {
            random,
            world,
            places: Vec::new(),
            people,
            directory,
            is_source_up: true,
            limit,
            now: Duration::ZERO,
            latest: NOW,
            thefts: 0,
            counter: 0,
            trace,
        };
        for _ in 0..count {
            let place = soak.start().await;
            soak.places.push(place);
        }
        soak.say(format!("{count} nodes, source: {}, limit: {:?}", soak.directory.is_some(), soak.limit));
        soak
    }

    /// Starts a node. Its time of day may be wrong by hours.
    pub(super) async fn start(&mut self) -> Place {
        let clock = ManualClock::new(NOW.after(self.now));
        if self.random.one_in(4) {
            let hours = Duration::from_secs(60 * 60 * (1 + self.random.below(3)));
            let wrong =
                if self.random.one_in(2) { clock.now().after(hours) } else { clock.now().before(hours) };
            clock.set_wall(wrong);
        }
        let store: Arc<dyn Store> = match self.world.is_in_file() {
            // Each node is a process with connections of its own.
            true => Arc::new(open(self.world.path(), &self.world.clock).await),
            false => self.world.store.clone(),
        };
        let (own, source, limit) = (clock.clone(), self.directory.clone(), self.limit);
        let configure = |builder: auth_core::login::Builder<User>| {
            let builder = builder.clock(own).max_logins(limit);
            let builder = builder.session_idle(SESSION_IDLE).session_lifetime(LIFETIME);
            let builder = builder.token_idle(TOKEN_IDLE).token_lifetime(LIFETIME);
            match source {
                Some(source) => builder.claims_source(source),
                None => builder,
            }
        };
        let node = self.world.node_over(FaultyStore::over(store), configure).await;
        Place { node, clock, down_since: None, is_deaf: false }
    }

    /// Writes down what is being done.
    pub(super) fn say(&self, what: String) {
        let mut told = self.trace.lock().unwrap();
        let step = told.step;
        told.lines.push(format!("{step}: {what}"));
    }

    pub(super) fn node(&self, at: usize) -> Node {
        self.places[at].node.clone()
    }

    pub(super) fn any_place(&mut self) -> usize {
        self.random.below(self.places.len() as u64) as usize
    }

    /// A node that reaches its store.
    pub(super) fn any_up(&mut self) -> Option<usize> {
        let up: Vec<_> = (0..self.places.len()).filter(|at| self.is_up(*at)).collect();
        self.random.pick(&up)
    }

    pub(super) fn is_up(&self, at: usize) -> bool {
        self.places[at].down_since.is_none()
    }

    pub(super) fn any_person(&mut self) -> usize {
        self.random.below(self.people.len() as u64) as usize
    }

    /// A login that is certainly live and of which that is true: whose, and which.
    pub(super) fn any_login(&mut self, is_wanted: impl Fn(&Login) -> bool) -> Option<(usize, usize)> {
        let mut found = Vec::new();
        for (person, Person { logins, .. }) in self.people.iter().enumerate() {
            let wanted = |at: &usize| logins[*at].is_live() && is_wanted(&logins[*at]);
            found.extend((0..logins.len()).filter(wanted).map(|at| (person, at)));
        }
        self.random.pick(&found)
    }

    pub(super) fn moment(&self, node: usize) -> Moment {
        Moment {
            node,
            now: self.now,
            store: self.store_time(),
            down_since: self.places[node].down_since,
            is_source_up: self.directory.is_none() || self.is_source_up,
        }
    }

    pub(super) fn store_time(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Something happened now, and that node knows.
    pub(super) fn fact(&self, node: usize) -> Fact {
        Fact::new(self.now, [node])
    }

    /// That node read the log to its end.
    pub(super) fn has_read(&mut self, node: usize) {
        self.people.iter_mut().flat_map(Person::facts).for_each(|fact| fact.tell(node));
    }

    /// Time passes, for all clocks.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.world.clock.advance(time);
        self.places.iter().for_each(|place| place.clock.advance(time));
        self.looked_at_the_clock();
    }

    /// The grace of every token passes, by the store's clock: while that clock is behind the last rotation, no grace is over.
    pub(super) fn pass_every_grace(&mut self) {
        let behind = self.latest.since(self.store_time());
        self.pass(behind + GRACE + MILLISECOND);
    }

    /// The store's clock steps; each node hears of it with the next answer.
    pub(super) fn step_clock(&mut self, to: Timestamp) {
        self.world.clock.set(to);
        self.looked_at_the_clock();
    }

    fn looked_at_the_clock(&mut self) {
        let now = self.store_time();
        self.latest = self.latest.max(now);
        self.people.iter_mut().flat_map(|person| &mut person.logins).for_each(|login| login.pass(now));
    }

    /// The claims of somebody now, as the application has them.
    pub(super) fn claims(&self, person: usize) -> User {
        user(&self.people[person].name, self.people[person].is_admin())
    }

    pub(super) async fn catch_up(&mut self, at: usize) {
        self.node(at).catch_up().await;
        self.has_read(at);
    }

    /// Forgets logins that ended a while ago, except the last two of each person.
    pub(super) fn forget_what_is_over(&mut self) {
        let now = self.store_time();
        for person in &mut self.people {
            let over = |login: &Login| login.end.is_some() || now >= login.ends_at;
            while person.logins.iter().filter(|login| over(login)).count() > 2 {
                let oldest = person.logins.iter().position(over).unwrap();
                person.logins.remove(oldest);
            }
        }
    }

    /// What was observed since this was last asked, on all nodes: no honest user is taken for a thief, and nothing is
    /// said to be lost. Returns the logins that began.
    pub(super) fn hear(&mut self) -> Vec<LoginId> {
        let events: Vec<_> = self.places.iter().flat_map(|place| place.node.events.take()).collect();
        let thefts = events.iter().filter(|event| matches!(event, AuditEvent::Theft { .. })).count();
        assert_eq!(thefts, std::mem::take(&mut self.thefts), "thefts that were found: {events:#?}");
        let mut begun = Vec::new();
        for event in events {
            match event {
                AuditEvent::LoginStarted { login, .. } => begun.push(login),
                AuditEvent::LogReset { .. }
                | AuditEvent::WritesLost { .. }
                | AuditEvent::StoreBehind { .. }
                | AuditEvent::ClockStepped { .. } => panic!("a false alarm: {event:?}"),
                _ => {}
            }
        }
        begun
    }

    /// Something goes wrong with one kind of call of that node until [`heal`](Self::heal).
    pub(super) fn break_one(&mut self, at: usize, of: &[Op]) -> Op {
        let op = self.random.pick(of).unwrap();
        let fault = if self.random.one_in(2) { Fault::Before } else { Fault::After };
        self.say(format!("  with {op:?} {fault:?} on node {at}"));
        self.places[at].node.store.always(op, fault);
        op
    }

    pub(super) fn heal(&self, at: usize, op: Op) {
        self.places[at].node.store.heal(op);
    }

    /// What the store lists of somebody, newest first.
    pub(super) async fn listed(&self, person: usize) -> Vec<LoginId> {
        in_time(self.places[0].node.logins_of(&self.people[person].name)).await
    }
}

/// The claims of somebody.
pub(super) fn user(name: &str, is_admin: bool) -> User {
    let roles = if is_admin { admin().roles } else { auth_tests::anna().roles };
    User { name: name.to_owned(), roles, ..admin() }
}
