//! Random schedules against a store: an owner whose tabs share one storage, whose responses get lost and whose answers
//! take long; requests that are dropped before and after each step; and in every second schedule a thief.
//!
//! `AUTH_TEST_SCHEDULES` says how many in memory, `AUTH_TEST_SCHEDULES_SQLITE` how many in SQLite files, and
//! `AUTH_TEST_SEED` with which seed they begin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_core::__private::rotation::RotateError;
use auth_core::__private::rotation::{Pair, ParsedToken, Refresh, Rotated, Verdict};
use auth_core::clock::{Clock as _, Timestamp};
use auth_core::id::Position;
use auth_core::id::Subject;
use auth_core::store::memory::MemoryStore;
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_core::store::{Family, Store};
use auth_core::testing::ManualClock;
use tempfile::TempDir;

use super::forge::peppers;
use super::gated::{Gated, Gating, Running};
use super::support::{DAY, GRACE, MILLI, NOW, POLICY, SECOND, begin, realm};

/// How many schedules one store sees.
const CHUNK: u64 = 500;

#[test]
fn random_schedules_on_memory_have_no_false_theft_and_no_missed_fork() {
    let count = variable("AUTH_TEST_SCHEDULES").unwrap_or(20_000);
    run_many(count, async |clock| (Arc::new(MemoryStore::with_clock(clock)) as Arc<dyn Store>, None));
}

#[test]
fn random_schedules_on_sqlite_have_no_false_theft_and_no_missed_fork() {
    let count = variable("AUTH_TEST_SCHEDULES_SQLITE").unwrap_or(1000);
    run_many(count, async |clock| {
        let folder = TempDir::new().unwrap();
        let file = SqliteStore::builder(folder.path().join("auth.db")).synchronous(Durability::Normal);
        (Arc::new(file.clock(clock).open().await.unwrap()) as Arc<dyn Store>, Some(folder))
    });
}

/// Runs that many schedules, a part of them on each store that `open` opens.
fn run_many(count: u64, open: impl AsyncFn(ManualClock) -> (Arc<dyn Store>, Option<TempDir>) + Sync) {
    let seed = variable("AUTH_TEST_SEED").unwrap_or(1);
    #[expect(clippy::disallowed_methods, reason = "how long the test takes")]
    let start = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let part = async |seeds| {
        let clock = ManualClock::new(NOW);
        let (store, _folder) = open(clock.clone()).await;
        run(store, &clock, seeds).await
    };
    let figures = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                let part = &part;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let mut figures = Figures::default();
                    let chunks = (seed..seed + count).step_by(CHUNK as usize);
                    for first in chunks.skip(thread as usize).step_by(threads as usize) {
                        let seeds = first..(seed + count).min(first + CHUNK);
                        figures.add(runtime.block_on(part(seeds)));
                    }
                    figures
                })
            })
            .collect();
        threads.into_iter().fold(Figures::default(), |mut sum, thread| {
            sum.add(thread.join().unwrap());
            sum
        })
    });
    println!("{figures:?} in {:.1} s", start.elapsed().as_secs_f64());
    figures.check(count);
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.replace('_', "").parse().unwrap())
}

/// What happened in many schedules.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    schedules: u64,
    rotated: u64,
    repeated: u64,
    replaced: u64,
    shared: u64,
    late: u64,
    handed_out_another: u64,
    moved_on: u64,
    dropped: u64,
    lost: u64,
    thefts: u64,
    thefts_found: u64,
    /// The seed, and what was wrong.
    failures: Vec<(u64, String)>,
}

impl Figures {
    pub(crate) fn add(&mut self, other: Self) {
        let sums = [
            (&mut self.schedules, other.schedules),
            (&mut self.rotated, other.rotated),
            (&mut self.repeated, other.repeated),
            (&mut self.replaced, other.replaced),
            (&mut self.shared, other.shared),
            (&mut self.late, other.late),
            (&mut self.handed_out_another, other.handed_out_another),
            (&mut self.moved_on, other.moved_on),
            (&mut self.dropped, other.dropped),
            (&mut self.lost, other.lost),
            (&mut self.thefts, other.thefts),
            (&mut self.thefts_found, other.thefts_found),
        ];
        sums.into_iter().for_each(|(sum, more)| *sum += more);
        self.failures.extend(other.failures);
    }

    /// All ran, no honest owner was refused, every theft was found, and everything was seen.
    pub(crate) fn check(&self, schedules: u64) {
        assert_eq!(self.failures, [], "AUTH_TEST_SEED=<seed> and one schedule repeat one");
        assert_eq!((self.schedules, self.thefts), (schedules, self.thefts_found));
        if schedules >= 1000 {
            let seen = [
                self.rotated,
                self.repeated,
                self.replaced,
                self.shared,
                self.late,
                self.handed_out_another,
                self.moved_on,
                self.dropped,
                self.lost,
                self.thefts,
            ];
            assert!(seen.iter().all(|count| *count > 0), "{self:?}");
        }
    }
}

/// Runs one schedule for each seed on a store with that clock.
pub(crate) async fn run(store: Arc<dyn Store>, clock: &ManualClock, seeds: std::ops::Range<u64>) -> Figures {
    let mut figures = Figures::default();
    let (gated, peppers, realm) = (Gating::over(store.clone()), peppers(), realm());
    let direct = gated.without_gates_after();
    let on = |store| Refresh { store, realm: &realm, peppers: &peppers, policy: &POLICY };
    let (refresh, handing_out) = (on(&gated), on(&direct));
    for seed in seeds {
        let subject = Subject::new(&format!("owner {seed}")).unwrap();
        let schedule = Schedule {
            store: &*store,
            clock,
            refresh: &refresh,
            handing_out: &handing_out,
            random: Random(seed),
            owner: begin(&*store, &peppers, &subject).await,
            requests: Vec::new(),
        };
        if let Err(failure) = schedule.run(&mut figures).await {
            figures.failures.push((seed, failure));
        }
        figures.schedules += 1;
    }
    figures
}

/// A request of the owner.
struct Request<'a> {
    presented: ParsedToken,
    phase: Phase<'a>,
    arrived_at: Timestamp,
    /// When the owner's storage got another token than the one it was sent with.
    stale_since: Option<Timestamp>,
}

#[expect(clippy::large_enum_variant, reason = "there are four of them at most")]
enum Phase<'a> {
    Rotating(Running<'a, Result<Rotated, RotateError>>),
    /// The claims source takes its time.
    Slow(Rotated),
    Delivering(Position, Running<'a, Result<Rotated, RotateError>>),
}

struct Schedule<'a> {
    store: &'a dyn Store,
    clock: &'a ManualClock,
    refresh: &'a Refresh<'a, Gated>,
    /// Nothing happens between the store's last word and the client's storage: answers do not overtake one another.
    handing_out: &'a Refresh<'a, Gated>,
    random: Random,
    /// What the owner's storage holds.
    owner: ParsedToken,
    requests: Vec<Request<'a>>,
}

impl<'a> Schedule<'a> {
    async fn run(mut self, figures: &mut Figures) -> Result<(), String> {
        for _ in 0..self.random.below(80) + 10 {
            match self.random.below(40) {
                0..=5 if self.requests.len() < 4 => self.send(),
                0..=28 => self.step(figures).await?,
                29 => self.drop_one(figures),
                30..=32 => self.use_token(&self.owner).await,
                33..=35 => {
                    let short = Duration::from_millis(self.random.below(1500));
                    self.pass(short, figures).await?;
                }
                _ => {
                    let long = self.long_time();
                    self.pass(long, figures).await?;
                }
            }
        }
        if self.random.below(2) == 0 {
            return self.steal(figures).await;
        }
        self.pass(2 * GRACE, figures).await?;
        self.requests.clear();
        let token = self.owner.clone();
        let answer = self.present(&token).await;
        answer.map(drop).map_err(|error| format!("at the end: {error:?}"))
    }

    fn long_time(&mut self) -> Duration {
        let times = [GRACE - SECOND, GRACE - MILLI, GRACE, GRACE + MILLI, 90 * SECOND, 900 * SECOND, 2 * DAY];
        times[self.random.below(times.len() as u64) as usize]
    }

    fn send(&mut self) {
        let (refresh, presented) = (self.refresh, self.owner.clone());
        let token = presented.clone();
        let rotating = Box::pin(async move { refresh.rotate(&token, Pair::Missing).await });
        let arrived_at = self.clock.now();
        let phase = Phase::Rotating(rotating);
        self.requests.push(Request { presented, phase, arrived_at, stale_since: None });
    }

    /// A request that the client or the server drops.
    fn drop_one(&mut self, figures: &mut Figures) {
        if let Some(index) = self.random.index(self.requests.len()) {
            self.requests.swap_remove(index);
            figures.dropped += 1;
        }
    }

    async fn step(&mut self, figures: &mut Figures) -> Result<(), String> {
        match self.random.index(self.requests.len()) {
            Some(index) => self.step_request(index, figures).await,
            None => Ok(()),
        }
    }

    async fn step_request(&mut self, index: usize, figures: &mut Figures) -> Result<(), String> {
        let mut request = self.requests.swap_remove(index);
        request.phase = match request.phase {
            Phase::Rotating(mut rotating) => match self.refresh.store.step(&mut rotating).await {
                None => Phase::Rotating(rotating),
                Some(Ok(rotated)) => {
                    figures.count(rotated.verdict);
                    Phase::Slow(rotated)
                }
                Some(Err(error)) => return Err(format!("an honest owner was refused: {error:?}")),
            },
            Phase::Slow(rotated) => {
                let (refresh, presented) = (self.handing_out, request.presented.clone());
                let elapsed = self.clock.now().since(request.arrived_at);
                let answer = rotated.token.position();
                let delivering = Box::pin(async move { refresh.deliver(&presented, rotated, elapsed).await });
                Phase::Delivering(answer, delivering)
            }
            Phase::Delivering(answer, mut delivering) => {
                match self.refresh.store.step(&mut delivering).await {
                    None => {
                        figures.late += 1;
                        Phase::Delivering(answer, delivering)
                    }
                    Some(Ok(rotated)) => {
                        figures.handed_out_another += u64::from(rotated.token.position() != answer);
                        self.receive(rotated.token, figures);
                        return Ok(());
                    }
                    Some(Err(RotateError::MovedOn { .. })) => {
                        figures.moved_on += 1;
                        return Ok(());
                    }
                    Some(Err(error)) => return Err(format!("an answer was refused: {error:?}")),
                }
            }
        };
        self.requests.push(request);
        Ok(())
    }

    /// A response reaches the owner's storage, or gets lost.
    fn receive(&mut self, token: ParsedToken, figures: &mut Figures) {
        if self.random.below(5) == 0 {
            figures.lost += 1;
            return;
        }
        let now = self.clock.now();
        for request in &mut self.requests {
            if request.presented.position() != token.position() {
                request.stale_since.get_or_insert(now);
            }
        }
        self.owner = token;
    }

    /// Time passes. What is being handed out is handed out before, and a tab's request is decided within nine tenths of
    /// the grace after the storage got another token: that is what the grace is for.
    async fn pass(&mut self, time: Duration, figures: &mut Figures) -> Result<(), String> {
        let then = self.clock.now().after(time);
        let must_go_on = |request: &Request<'_>| match request.phase {
            Phase::Delivering(..) => true,
            Phase::Rotating(_) => {
                request.stale_since.is_some_and(|since| then >= since.after(GRACE - GRACE / 10))
            }
            Phase::Slow(_) => false,
        };
        while let Some(index) = self.requests.iter().position(must_go_on) {
            self.step_request(index, figures).await?;
        }
        self.clock.advance(time);
        Ok(())
    }

    async fn present(&self, token: &ParsedToken) -> Result<Rotated, RotateError> {
        let mut rotating: Running<'_, _> = Box::pin(self.refresh.rotate(token, Pair::Missing));
        self.refresh.store.finish(&mut rotating).await
    }

    async fn use_token(&self, token: &ParsedToken) {
        let used = (token.login_id(), token.position());
        self.store.confirm(self.refresh.realm, &[used]).await.unwrap();
    }

    async fn family(&self) -> Option<Family> {
        let login = self.store.login(self.refresh.realm, self.owner.login_id()).await.unwrap().value;
        login.map(|login| login.row.family.unwrap())
    }

    /// A thief copies the owner's token. Both are served, more than a grace apart, until the login is revoked.
    async fn steal(&mut self, figures: &mut Figures) -> Result<(), String> {
        figures.thefts += 1;
        self.requests.clear();
        let mut tokens = [self.owner.clone(), self.owner.clone()];
        let (mut served, mut turn, mut turns) = (None::<usize>, None::<usize>, 0);
        let chance = self.random.below(20);
        for round in 0..chance + 12 {
            let Some(family) = self.family().await else {
                figures.thefts_found += 1;
                return Ok(());
            };
            // After a while each of them is served, keeps what it gets, and uses it.
            let is_random = round < chance;
            let who = if is_random { self.random.below(2) as usize } else { (round % 2) as usize };
            if !is_random {
                self.clock.advance(2 * GRACE);
            } else if self.random.below(3) == 0 {
                let long = self.long_time();
                self.clock.advance(long);
            }
            let in_grace = self.clock.now() < family.rotated_at.after(GRACE);
            let may = !in_grace || served.is_none_or(|served| served == who);
            if may && (!is_random || self.random.below(3) > 0) {
                match self.present(&tokens[who]).await {
                    Ok(rotated) => {
                        served = Some(who);
                        if !is_random || self.random.below(4) > 0 {
                            tokens[who] = rotated.token;
                        }
                    }
                    Err(RotateError::Stolen { .. }) => continue,
                    Err(error) => return Err(format!("after a theft: {error:?}")),
                }
            }
            if !is_random || self.random.below(2) == 0 {
                let family = self.family().await.unwrap();
                self.use_token(&tokens[who]).await;
                let is_current = tokens[who].position() == family.position;
                if is_current && served == Some(who) && turn != Some(who) {
                    (turn, turns) = (Some(who), turns + 1);
                }
                if turns > 2 {
                    return Err(format!("{turns} turns after a theft"));
                }
            }
        }
        match self.family().await {
            None => figures.thefts_found += 1,
            Some(_) => return Err("a fork was missed".to_owned()),
        }
        Ok(())
    }
}

impl Figures {
    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Rotate { .. } => self.rotated += 1,
            Verdict::ReplaceSuccessor { .. } => self.replaced += 1,
            Verdict::Shared { .. } => self.shared += 1,
            _ => self.repeated += 1,
        }
    }
}

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn index(&mut self, length: usize) -> Option<usize> {
        (length > 0).then(|| self.below(length as u64) as usize)
    }
}
