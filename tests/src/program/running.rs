//! A running shop.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use super::{Process, Remote, built};
use crate::{PATIENCE, eventually};

/// What a shop keeps between starts. Deleted with the last handle.
#[derive(Clone, Debug)]
pub struct Data(Arc<TempDir>);

impl Data {
    /// With nothing in it.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// The folder that the shop is told to use; it is not there before the first start.
    pub fn folder(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Where the shop's standard error goes.
    fn errors(&self) -> PathBuf {
        self.0.path().join("stderr")
    }

    /// What was written to standard error, in all starts on this folder.
    fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.errors()).unwrap_or_default()).into_owned()
    }
}

/// A shop on a free port; it dies with its handle.
#[derive(Debug)]
pub struct Shop {
    process: Process,
    remote: Remote,
    announced: String,
    started_in: Duration,
    data: Data,
}

/// How a start came out that did not come to the line with the address.
#[derive(Debug)]
pub struct Failed {
    /// With what the program ended.
    pub status: ExitStatus,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Shop {
    /// With an empty folder and the defaults.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With an empty folder.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_on(&Data::new(), arguments)
    }

    /// With a folder that may have been used before.
    pub fn start_on(data: &Data, arguments: &[&str]) -> Self {
        Self::try_start_on(data, arguments)
            .unwrap_or_else(|failed| panic!("the shop did not start: {}\n{}", failed.status, failed.stderr))
    }

    /// With a folder that may have been used before, and arguments that may be wrong.
    pub fn try_start_on(data: &Data, arguments: &[&str]) -> Result<Self, Failed> {
        Self::try_start(Command::new(built()), data, arguments)
    }

    /// With an empty folder, and no more open files and connections than that.
    pub fn start_with_descriptors(most: u32) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", r#"ulimit -n "$0" && exec "$@""#, &most.to_string()]).arg(built());
        Self::try_start(command, &Data::new(), &[]).unwrap_or_else(|failed| panic!("{failed:?}"))
    }

    fn try_start(mut command: Command, data: &Data, arguments: &[&str]) -> Result<Self, Failed> {
        let begun = Instant::now();
        let stderr = File::options().create(true).append(true).open(data.errors()).unwrap();
        let mut process = Process::start(
            command
                .arg("--data")
                .arg(data.folder())
                .args(["--listen", "127.0.0.1:0"])
                .args(arguments)
                .env("RUST_LOG", "info,auth_core=debug")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(stderr),
        );
        match announcement(process.stdout()).recv_timeout(PATIENCE) {
            Ok((url, announced)) => {
                let (remote, started_in) = (Remote::new(url), begun.elapsed());
                Ok(Self { process, remote, announced, started_in, data: data.clone() })
            }
            Err(RecvTimeoutError::Timeout) => panic!("the shop says no address\n{}", data.log()),
            Err(RecvTimeoutError::Disconnected) => match process.ended_within(PATIENCE) {
                Some(status) => Err(Failed { status, stderr: data.log() }),
                None => panic!("the shop neither says an address nor ends\n{}", data.log()),
            },
        }
    }

    /// What it printed before the line with the address.
    pub fn announced(&self) -> &str {
        &self.announced
    }

    /// From the start of the program to the line with the address.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// How its clients reach it.
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// What it keeps.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// What it wrote to standard error, in all starts on this folder.
    pub fn log(&self) -> String {
        self.data.log()
    }

    /// `kill -9`: no goodbye, no flush. Returns when the process is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How much memory it has, in bytes, that is not swapped out.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process");
        1024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    }

    /// How much processor time it has had, in hundredths of a second.
    pub fn worked(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let (_, after_name) = stat.rsplit_once(')').expect("the name of a program");
        after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits until the process has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        eventually("the shop ends", async || self.process.status()).await
    }

    /// Asks it to stop, and waits until it did.
    pub async fn stop(mut self) -> Data {
        self.signal("TERM");
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.data.clone()
    }
}

/// The address that the shop is going to say, and what it prints before; the other end hangs up when the shop does.
fn announcement(stdout: ChildStdout) -> Receiver<(String, String)> {
    let (announce, announced) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            match line.strip_prefix("listening on ") {
                Some(url) => _ = announce.send((url.to_owned(), std::mem::take(&mut text))),
                None => text.extend([&*line, "\n"]),
            }
        }
    });
    announced
}

impl Deref for Shop {
    type Target = Remote;

    fn deref(&self) -> &Remote {
        &self.remote
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the shop wrote to standard error:\n{}", self.log());
        }
    }
}
