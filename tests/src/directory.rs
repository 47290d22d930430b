//! A claims source that a test changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_core::id::Subject;
use auth_core::login::ClaimsSource;
use axum::BoxError;

use crate::{Gate, User};

/// The application's users. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Directory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    users: HashMap<String, User>,
    is_down: bool,
    gate: Option<Gate>,
    loads: usize,
}

impl Directory {
    /// A source that knows these.
    pub fn of(users: impl IntoIterator<Item = User>) -> Self {
        let directory = Self::default();
        users.into_iter().for_each(|user| directory.put(user));
        directory
    }

    /// Adds or changes a user.
    pub fn put(&self, user: User) {
        self.put_as(&user.name.clone(), user);
    }

    /// Answers with `user` when it is asked for `name`.
    pub fn put_as(&self, name: &str, user: User) {
        self.0.lock().unwrap().users.insert(name.to_owned(), user);
    }

    /// The user is gone or disabled.
    pub fn remove(&self, name: &str) {
        self.0.lock().unwrap().users.remove(name);
    }

    /// Whether every load fails.
    pub fn set_down(&self, is_down: bool) {
        self.0.lock().unwrap().is_down = is_down;
    }

    /// The next load reads, and then stops at the gate before it answers.
    pub fn stop_next_at(&self, gate: &Gate) {
        self.0.lock().unwrap().gate = Some(gate.clone());
    }

    /// How often somebody was loaded.
    pub fn loads(&self) -> usize {
        self.0.lock().unwrap().loads
    }
}

#[async_trait]
impl ClaimsSource<User> for Directory {
    async fn load(&self, subject: &Subject) -> Result<Option<User>, BoxError> {
        let (found, gate) = {
            let mut state = self.0.lock().unwrap();
            state.loads += 1;
            if state.is_down {
                return Err("the directory is down".into());
            }
            (state.users.get(subject.as_str()).cloned(), state.gate.take())
        };
        if let Some(gate) = gate {
            gate.pass().await;
        }
        Ok(found)
    }
}
