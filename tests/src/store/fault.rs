//! What can go wrong at a call of the store, and when.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use super::relay::Op;
use crate::Gate;

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing: what is planned next is for a later call.
    None,
    /// An error, and nothing was done.
    Before,
    /// It was done, and then an error: the answer is lost.
    After,
    /// A panic, and nothing was done.
    Panic,
    /// Stops before it is done.
    StopBefore(Gate),
    /// Stops after it was done, before the answer.
    StopAfter(Gate),
    /// The process dies before it is done.
    DieBefore,
    /// The process dies after it was done.
    DieAfter,
}

#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: Vec<(Op, Fault)>,
    always: HashMap<Op, Fault>,
    is_down: bool,
    hides_growth: bool,
    calls: HashMap<Op, usize>,
}

impl Faults {
    /// Counts a call and says what goes wrong with it.
    pub(super) fn at(&self, op: Op) -> Fault {
        let mut state = self.lock();
        *state.calls.entry(op).or_default() += 1;
        if let Some(position) = state.next.iter().position(|(planned, _)| *planned == op) {
            return state.next.remove(position).1;
        }
        if state.is_down {
            return Fault::Before;
        }
        state.always.get(&op).cloned().unwrap_or(Fault::None)
    }

    pub(super) fn next(&self, op: Op, fault: Fault) {
        self.lock().next.push((op, fault));
    }

    pub(super) fn always(&self, op: Op, fault: Option<Fault>) {
        let mut state = self.lock();
        match fault {
            Some(fault) => state.always.insert(op, fault),
            None => state.always.remove(&op),
        };
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    pub(super) fn hide_growth(&self) {
        self.lock().hides_growth = true;
    }

    pub(super) fn hides_growth(&self) -> bool {
        let state = self.lock();
        state.hides_growth || state.is_down
    }

    pub(super) fn calls(&self, op: Op) -> usize {
        self.lock().calls.get(&op).copied().unwrap_or(0)
    }

    pub(super) fn all_calls(&self) -> usize {
        self.lock().calls.values().sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}
