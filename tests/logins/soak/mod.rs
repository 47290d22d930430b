//! Everything at once, for a long time: schedules that a seed repeats, in which users sign in, refresh and sign out on
//! several nodes while claims change, thieves come, clocks step, stores fail and nodes start anew. After every step the
//! promises of SECURITY.md are checked against a plain model (`model`).
//!
//! `AUTH_SOAK_SECONDS` says how long each of the two tests begins new schedules, `AUTH_SOAK_SEED` with which seed they
//! begin. With `AUTH_SOAK_STEPS` there is one schedule of that many steps: a failure prints which.

mod checks;
mod conditions;
mod ending;
mod model;
mod refreshing;
mod sessions;
mod signing_in;
mod thieves;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use auth_tests::shop::World;
use auth_tests::{own_name, variable};

use self::model::Seen;
use self::world::{Soak, Told, Trace};

/// How long each test takes, in seconds.
const SECONDS: u64 = 30;
/// How many steps a schedule has.
const STEPS: u64 = 300;

/// What was seen in all schedules.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    schedules: u64,
    steps: u64,
    answers: BTreeMap<Seen, u64>,
    kinds: BTreeMap<Kind, u64>,
}

impl Tally {
    fn saw(&mut self, seen: Seen) {
        *self.answers.entry(seen).or_default() += 1;
    }

    fn add(&mut self, other: Self) {
        self.schedules += 1;
        self.steps += other.steps;
        other.answers.into_iter().for_each(|(seen, count)| *self.answers.entry(seen).or_default() += count);
        other.kinds.into_iter().for_each(|(kind, count)| *self.kinds.entry(kind).or_default() += count);
    }
}

#[test]
fn in_memory() {
    run(Where::Memory);
}

#[test]
fn in_sqlite() {
    run(Where::Sqlite);
}

#[derive(Clone, Copy, Debug)]
enum Where {
    Memory,
    Sqlite,
}

/// Runs schedules until the time has passed, each in a thread and a world of its own.
#[expect(clippy::disallowed_methods, reason = "how long the test takes")]
fn run(place: Where) {
    let (start, name) = (Instant::now(), own_name());
    let bound = Duration::from_secs(variable("AUTH_SOAK_SECONDS").unwrap_or(SECONDS));
    let mut seed = variable("AUTH_SOAK_SEED").unwrap_or(1);
    let only = variable("AUTH_SOAK_STEPS");
    let mut tally = Tally::default();
    loop {
        let trace = Trace::default();
        let done = {
            let (trace, steps) = (trace.clone(), only.unwrap_or(STEPS));
            let thread = thread::Builder::new().name(name.clone());
            let schedule = move || catch_unwind(AssertUnwindSafe(|| schedule(place, seed, steps, &trace)));
            thread.spawn(schedule).unwrap().join().unwrap()
        };
        match done {
            Ok(seen) => tally.add(seen),
            Err(_) => {
                let Told { step, lines } = &*trace.lock().unwrap();
                // A schedule that is run again tells everything.
                let told = if only.is_some() { lines.len() } else { 25 };
                let last = lines[lines.len().saturating_sub(told)..].join("\n");
                let replay = format!("AUTH_SOAK_SEED={seed} AUTH_SOAK_STEPS={step}");
                panic!(
                    "the last steps:\n{last}\nagain: {replay} cargo test -p auth-tests --test logins -- --exact {name}"
                );
            }
        }
        seed += 1;
        if only.is_some() || start.elapsed() >= bound {
            break;
        }
    }
    println!("{place:?}: {tally:?} in {:.0} s, next seed {seed}", start.elapsed().as_secs_f64());
    if only.is_none() {
        assert_eq!(tally.answers.len(), 4, "not every answer was seen: {tally:?}");
        assert_eq!(tally.kinds.len(), KINDS.len(), "not every kind of step was taken: {tally:?}");
    }
}

fn schedule(place: Where, seed: u64, steps: u64, trace: &Trace) -> Tally {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = match place {
        // Nothing of this world waits for another thread: the loops of the nodes run at the same steps every time.
        Where::Memory => runtime.enable_all().start_paused(true),
        Where::Sqlite => runtime.enable_all(),
    };
    runtime.build().unwrap().block_on(async {
        let world = match place {
            Where::Memory => World::memory(),
            Where::Sqlite => World::sqlite().await,
        };
        let mut soak = Soak::begin(world, seed, trace.clone()).await;
        let mut tally = Tally::default();
        for step in 1..=steps {
            trace.lock().unwrap().step = step;
            soak.step(&mut tally).await;
            tally.steps += 1;
        }
        tally
    })
}

/// What a step may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    SignInWithTokens,
    SignInWithASession,
    SignInTooLate,
    Refresh,
    RefreshInTwoTabs,
    RefreshInALateTab,
    RefreshThatStalls,
    Steal,
    UseOne,
    BearerAndCookieOfTwo,
    FillACart,
    LookIntoAllCarts,
    ChangeAnId,
    SignOut,
    SignOutAndGo,
    EndAnother,
    EndTheOthers,
    EndAll,
    RevokeOneToken,
    ChangeClaims,
    Disable,
    Wait,
    StepTheStore,
    Restart,
    LoseTheStore,
    LoseTheLog,
    Mend,
    TurnTheSource,
    WorkOff,
}

/// Each of them, and how often it is taken.
const KINDS: [(Kind, usize); 29] = [
    (Kind::SignInWithTokens, 9),
    (Kind::SignInWithASession, 9),
    (Kind::SignInTooLate, 1),
    (Kind::Refresh, 8),
    (Kind::RefreshInTwoTabs, 3),
    (Kind::RefreshInALateTab, 3),
    (Kind::RefreshThatStalls, 3),
    (Kind::Steal, 2),
    (Kind::UseOne, 8),
    (Kind::BearerAndCookieOfTwo, 2),
    (Kind::FillACart, 3),
    (Kind::LookIntoAllCarts, 2),
    (Kind::ChangeAnId, 2),
    (Kind::SignOut, 2),
    (Kind::SignOutAndGo, 1),
    (Kind::EndAnother, 3),
    (Kind::EndTheOthers, 1),
    (Kind::EndAll, 1),
    (Kind::RevokeOneToken, 2),
    (Kind::ChangeClaims, 2),
    (Kind::Disable, 1),
    (Kind::Wait, 9),
    (Kind::StepTheStore, 1),
    (Kind::Restart, 2),
    (Kind::LoseTheStore, 1),
    (Kind::LoseTheLog, 2),
    (Kind::Mend, 4),
    (Kind::TurnTheSource, 1),
    (Kind::WorkOff, 3),
];

impl Soak {
    async fn step(&mut self, tally: &mut Tally) {
        let weighted: Vec<_> =
            KINDS.iter().flat_map(|(kind, weight)| std::iter::repeat_n(*kind, *weight)).collect();
        let kind = self.random.pick(&weighted).unwrap();
        let (anywhere, up) = (self.any_place(), self.any_up());
        let Some(at) = up else { return self.mend(anywhere).await };
        let elsewhere = self.any_up().unwrap_or(at);
        *tally.kinds.entry(kind).or_default() += 1;
        match kind {
            Kind::SignInWithTokens => self.sign_in_with_tokens(at).await,
            Kind::SignInWithASession => self.sign_in_with_a_session(at).await,
            Kind::SignInTooLate => self.sign_in_too_late(at, elsewhere).await,
            Kind::Refresh => self.refresh(anywhere).await,
            Kind::RefreshInTwoTabs => self.refresh_in_two_tabs(at, elsewhere).await,
            Kind::RefreshInALateTab => self.refresh_in_a_late_tab(at, elsewhere).await,
            Kind::RefreshThatStalls => self.refresh_that_stalls(at, elsewhere).await,
            Kind::Steal => self.steal(at, elsewhere).await,
            Kind::UseOne => self.use_one(at).await,
            Kind::BearerAndCookieOfTwo => self.bearer_and_cookie_of_two(at).await,
            Kind::FillACart => self.fill_a_cart(at).await,
            Kind::LookIntoAllCarts => self.look_into_all_carts(at).await,
            Kind::ChangeAnId => self.change_an_id(at).await,
            Kind::SignOut => self.sign_out(at).await,
            Kind::SignOutAndGo => self.sign_out_and_go(at).await,
            Kind::EndAnother => self.end_another(at).await,
            Kind::EndTheOthers => self.end_the_others(at).await,
            Kind::EndAll => self.end_all(at).await,
            Kind::RevokeOneToken => self.revoke_one_token(at).await,
            Kind::ChangeClaims => self.change_claims(at).await,
            Kind::Disable => self.disable(at).await,
            Kind::Wait => self.wait(),
            Kind::StepTheStore => self.step_the_store().await,
            Kind::Restart => self.restart(anywhere).await,
            Kind::LoseTheStore => self.lose_the_store(anywhere),
            Kind::LoseTheLog => self.lose_the_log(anywhere),
            Kind::Mend => self.mend(anywhere).await,
            Kind::TurnTheSource => self.turn_the_source(),
            Kind::WorkOff => self.work_off(at).await,
        }
        if self.random.one_in(10) {
            self.purge().await;
        }
        self.check(tally).await;
        self.forget_what_is_over();
    }
}
