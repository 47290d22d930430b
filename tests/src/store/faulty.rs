//! A store between a node and the real one, where each call can fail, stop, or lose its answer.

use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use auth_core::store::{Store, StoreError};
use tokio::sync::watch;

use super::fault::{Fault, Faults};
use super::relay::{Altered, Documents, Families, Log, Logins, Op, Relay, Sessions};
use crate::watch_this_test;

/// A store whose calls go wrong when it is told so.
pub type FaultyStore = Relay<Faulty>;

/// What goes wrong with a [`FaultyStore`]. Clones share their faults and counts; another value over the same inner
/// store has its own.
#[derive(Clone, Debug)]
pub struct Faulty {
    behind: Arc<RwLock<Arc<dyn Store>>>,
    faults: Arc<Faults>,
}

impl FaultyStore {
    /// In front of that store, with which nothing is wrong yet.
    pub fn over(behind: Arc<dyn Store>) -> Self {
        watch_this_test();
        Self(Faulty { behind: Arc::new(RwLock::new(behind)), faults: Arc::default() })
    }
}

impl Faulty {
    /// Puts another store in the place of the one behind this: it was emptied, or restored.
    pub fn swap(&self, behind: Arc<dyn Store>) {
        *self.behind.write().unwrap() = behind;
    }

    /// The next call of `op` that nothing is planned for goes wrong.
    pub fn next(&self, op: Op, fault: Fault) {
        self.faults.next(op, fault);
    }

    /// The next calls of `op` go well.
    pub fn skip(&self, op: Op, calls: usize) {
        (0..calls).for_each(|_| self.faults.next(op, Fault::None));
    }

    /// Every call of `op` goes wrong from now on.
    pub fn always(&self, op: Op, fault: Fault) {
        self.faults.always(op, Some(fault));
    }

    /// Calls of `op` work again.
    pub fn heal(&self, op: Op) {
        self.faults.always(op, None);
    }

    /// Whether every call fails.
    pub fn set_down(&self, is_down: bool) {
        self.faults.set_down(is_down);
    }

    /// Growth of the log wakes no reader.
    pub fn drop_wake_ups(&self) {
        self.faults.hide_growth();
    }

    /// How often `op` was called.
    pub fn calls(&self, op: Op) -> usize {
        self.faults.calls(op)
    }

    /// How often anything was called.
    pub fn all_calls(&self) -> usize {
        self.faults.all_calls()
    }
}

#[async_trait]
impl Altered for Faulty {
    fn behind(&self) -> Arc<dyn Store> {
        self.behind.read().unwrap().clone()
    }

    async fn before(&self, op: Op) -> Result<Fault, StoreError> {
        match self.faults.at(op) {
            Fault::Before => return Err(StoreError::new("failed before the commit")),
            Fault::Panic => panic!("a store that panics at {op:?}"),
            Fault::StopBefore(gate) => gate.pass().await,
            Fault::DieBefore => std::process::abort(),
            rest => return Ok(rest),
        }
        Ok(Fault::None)
    }

    async fn after(&self, _op: Op, rest: Fault) -> Result<(), StoreError> {
        match rest {
            Fault::After => return Err(StoreError::new("failed after the commit")),
            Fault::StopAfter(gate) => gate.pass().await,
            Fault::DieAfter => std::process::abort(),
            _ => {}
        }
        Ok(())
    }
}

impl Logins for Faulty {}

impl Families for Faulty {}

impl Sessions for Faulty {}

impl Log for Faulty {
    /// Follows the store that is behind this now.
    fn wake_ups(&self) -> watch::Receiver<u64> {
        let (mut grown, (wake, wake_ups)) = (self.behind().wake_ups(), watch::channel(0));
        let faults = self.faults.clone();
        tokio::spawn(async move {
            while grown.changed().await.is_ok() && !wake.is_closed() {
                if !faults.hides_growth() {
                    wake.send_modify(|count| *count += 1);
                }
            }
        });
        wake_ups
    }
}

impl Documents for Faulty {}
