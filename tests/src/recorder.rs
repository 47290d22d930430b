//! Everything that an observer hears.

use std::sync::{Arc, Mutex};

use auth_core::audit::AuditEvent;

/// Keeps events in order. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<AuditEvent>>>);

impl Recorder {
    /// What happened since this was last asked.
    pub fn take(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Forgets what happened so far.
    pub fn clear(&self) {
        drop(self.take());
    }

    /// How many thefts were found out so far.
    pub fn thefts(&self) -> usize {
        self.count(|event| matches!(event, AuditEvent::Theft { .. }))
    }

    /// How many events so far are like this.
    pub fn count(&self, is_like: impl Fn(&AuditEvent) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|event| is_like(event)).count()
    }

    /// Keeps an event.
    pub fn hear(&self, event: &AuditEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}
