//! A program that runs beside the test, and no longer than its handle.

use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::thread::sleep;
use std::time::Duration;

use tokio::time::Instant;

/// A running program; it is killed with its handle.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_owned();
        Self(
            command
                .spawn()
                .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display())),
        )
    }

    /// Its standard output, if that is a pipe; once.
    pub fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("a pipe that nobody took")
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// `kill -9`: no goodbye, no flush. Returns when the process is gone.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("`kill` can be started");
        assert!(sent.success(), "no signal could be sent");
    }

    /// How it ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Waits until it has ended by itself, without leaving the thread to others; `None` when it still runs after that time.
    pub fn ended_within(&mut self, bound: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + bound;
        loop {
            let status = self.status();
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
