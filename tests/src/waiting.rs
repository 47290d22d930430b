//! Waiting that ends: what should happen and does not fails its test with a word.
#![expect(
    clippy::disallowed_methods,
    reason = "the bound is of real time, whatever the clock of the test says"
)]

use std::borrow::Cow;
use std::cell::OnceCell;
use std::future::Future;
use std::io::Write as _;
use std::panic::Location;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

/// The longest that anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something that a correct product does at once; panics with `what` after [`PATIENCE`] of real time.
///
/// Neither a paused clock of tokio nor a database on its own threads makes a difference. If the test is so stuck that
/// it cannot even fail, for instance in a loop that never waits, the process is aborted, with the same word.
#[track_caller]
pub fn within<F: Future>(what: &'static str, future: F) -> impl Future<Output = F::Output> {
    bounded(what, PATIENCE, future)
}

/// Waits for an answer as [`within`] does.
#[track_caller]
pub fn in_time<F: Future>(answer: F) -> impl Future<Output = F::Output> {
    within("an answer", answer)
}

/// A whole test, which panics after two minutes.
#[track_caller]
pub fn whole<F: Future<Output = ()>>(test: F) -> impl Future<Output = ()> {
    bounded("the end of the test", LIFETIME / 2, test)
}

/// Waits that long, and then panics with `what`.
#[track_caller]
pub(crate) fn bounded<F: Future>(
    what: &'static str,
    patience: Duration,
    future: F,
) -> impl Future<Output = F::Output> {
    let caller = Location::caller();
    async move {
        let wait = Wait::begin(what.into(), caller, patience, 2 * patience + 4 * ROUND);
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            if let Poll::Ready(done) = future.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            assert!(!wait.is_over(context.waker()), "waited in vain: {what}, at {caller}");
            Poll::Pending
        })
        .await
    }
}

/// Asks again and again until there is an answer; panics with `what` after [`PATIENCE`].
#[track_caller]
pub fn eventually<T>(what: &'static str, mut ask: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    within(what, async move {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
}

/// The result of a task of its own, in time; panics as the task did.
#[track_caller]
pub fn joined<T>(task: JoinHandle<T>) -> impl Future<Output = T> {
    let done = within("the end of a task", task);
    async move {
        done.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("{error}"),
        })
    }
}

/// The longest that a test may take. The slowest one takes a few seconds.
pub(crate) const LIFETIME: Duration = Duration::from_secs(4 * 60);

/// How often the watchman looks.
const ROUND: Duration = Duration::from_millis(250);

thread_local! {
    /// Dropped when the thread of the test ends; each test has its own.
    static TEST: OnceCell<Wait> = const { OnceCell::new() };
}

/// The last line of defence: if this test has not come to its end after four minutes, for whatever reason, the process is
/// aborted and says which test it was. Whatever a test begins with calls this.
pub fn watch_this_test() {
    TEST.with(|test| {
        test.get_or_init(|| {
            let name = thread::current().name().unwrap_or("a thread of a test").to_owned();
            Wait::begin(format!("the end of {name}").into(), Location::caller(), LIFETIME, LIFETIME)
        });
    });
}

/// Something that is being waited for, which the watchman knows of until this is dropped.
struct Wait(u64);

struct Entry {
    id: u64,
    what: Cow<'static, str>,
    caller: &'static Location<'static>,
    /// When whoever waits is woken, to fail.
    deadline: Instant,
    /// When the process is aborted.
    end: Instant,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Waits {
    last: u64,
    entries: Vec<Entry>,
}

static WAITS: Mutex<Waits> = Mutex::new(Waits { last: 0, entries: Vec::new() });
static WATCHMAN: Once = Once::new();

fn waits() -> MutexGuard<'static, Waits> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wait {
    fn begin(
        what: Cow<'static, str>,
        caller: &'static Location<'static>,
        patience: Duration,
        until_the_end: Duration,
    ) -> Self {
        WATCHMAN.call_once(|| drop(thread::spawn(watch)));
        let mut waits = waits();
        waits.last += 1;
        let (id, now) = (waits.last, Instant::now());
        let (deadline, end) = (now + patience, now + until_the_end);
        waits.entries.push(Entry { id, what, caller, deadline, end, waker: None });
        Self(id)
    }

    /// Whether it is too late; if not, that one is woken when it is.
    fn is_over(&self, waker: &Waker) -> bool {
        let mut waits = waits();
        let Some(entry) = waits.entries.iter_mut().find(|entry| entry.id == self.0) else { return true };
        if entry.deadline <= Instant::now() {
            return true;
        }
        match &mut entry.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        false
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        waits().entries.retain(|entry| entry.id != self.0);
    }
}

/// Wakes whoever waits in vain, so that it fails, and aborts when that does not help.
fn watch() {
    loop {
        thread::sleep(ROUND);
        let now = Instant::now();
        let mut late = Vec::new();
        for entry in waits().entries.iter_mut().filter(|entry| entry.deadline <= now) {
            if entry.end <= now {
                // Not `eprintln!`, which a test may have captured.
                let _ = writeln!(std::io::stderr(), "stuck: {}, at {}", entry.what, entry.caller);
                std::process::abort();
            }
            late.extend(entry.waker.take());
        }
        late.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::{in_own_process, own_name};

    const MOMENT: Duration = Duration::from_millis(100);

    #[tokio::test]
    #[should_panic(expected = "waited in vain: a miracle, at ")]
    async fn what_never_happens_fails_with_a_word() {
        bounded("a miracle", MOMENT, pending::<()>()).await;
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "waited in vain: a miracle, at ")]
    async fn what_never_happens_fails_where_time_stands_still() {
        bounded("a miracle", MOMENT, pending::<()>()).await;
    }

    /// A paused clock goes on as soon as all is idle, which it is while a database is busy on a thread of its own.
    #[tokio::test(start_paused = true)]
    async fn what_another_thread_does_is_waited_for_where_time_stands_still() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let slow = thread::spawn(move || {
            thread::sleep(MOMENT);
            sender.send("done").unwrap();
        });
        assert_eq!(within("another thread", receiver).await, Ok("done"));
        slow.join().unwrap();
    }

    #[tokio::test]
    async fn a_test_that_cannot_even_fail_is_aborted_with_the_word() {
        if std::env::var_os("AUTH_TESTS_STUCK").is_some() {
            bounded("a miracle", MOMENT, async { thread::sleep(PATIENCE) }).await;
        }
        let output = in_own_process(&own_name(), [("AUTH_TESTS_STUCK", "1")]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), None, "{said}");
        assert!(said.contains("stuck: a miracle, at "), "{said}");
    }
}
