//! A running shop.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use super::build::program;
use super::remote::Remote;
use super::{PATIENCE, eventually};

/// What a shop keeps between starts. Deleted with the last handle.
#[derive(Clone)]
pub(crate) struct Data(Arc<TempDir>);

impl Data {
    pub(crate) fn new() -> Self {
        Self(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// The folder that the shop is told to use; it is not there before the first start.
    pub(crate) fn folder(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("stderr")
    }
}

/// A shop on a free port; it dies with its handle.
pub(crate) struct Shop {
    child: Child,
    remote: Remote,
    /// What it printed before the line with the address.
    pub(crate) announced: String,
    /// From the start of the program to the line with the address.
    pub(crate) started_in: Duration,
    data: Data,
}

/// How a start came out that did not come to the line with the address.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

impl Shop {
    /// With an empty folder and the defaults.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With an empty folder.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_on(&Data::new(), arguments)
    }

    /// With a folder that may have been used before.
    pub(crate) fn start_on(data: &Data, arguments: &[&str]) -> Self {
        Self::try_start_on(data, arguments)
            .unwrap_or_else(|failed| panic!("the shop did not start: {}\n{}", failed.status, failed.stderr))
    }

    pub(crate) fn try_start_on(data: &Data, arguments: &[&str]) -> Result<Self, Failed> {
        let program = program();
        let begun = Instant::now();
        let stderr = File::options().create(true).append(true).open(data.log()).unwrap();
        let mut child = Command::new(program)
            .arg("--data")
            .arg(data.folder())
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("RUST_LOG", "info,auth_core=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|error| panic!("{} can not be started: {error}", program.display()));
        let stdout = child.stdout.take().unwrap();
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
        let announcement = announced.recv_timeout(PATIENCE);
        let mut shop = Self {
            child,
            remote: Remote::new(String::new()),
            announced: String::new(),
            started_in: begun.elapsed(),
            data: data.clone(),
        };
        match announcement {
            Ok((url, announced)) => {
                (shop.remote, shop.announced) = (Remote::new(url), announced);
                Ok(shop)
            }
            Err(RecvTimeoutError::Timeout) => panic!("the shop says no address\n{}", shop.log()),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failed { status: shop.child.wait().unwrap(), stderr: shop.log() })
            }
        }
    }

    /// How its clients reach it.
    pub(crate) fn remote(&self) -> Remote {
        self.remote.clone()
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// The folder with the databases and the secrets.
    pub(crate) fn folder(&self) -> PathBuf {
        self.data.folder()
    }

    /// What it wrote to standard error, in all starts on this folder.
    pub(crate) fn log(&self) -> String {
        read(&self.data.log())
    }

    /// `kill -9`: no goodbye, no flush. Returns when the process is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("`kill` can be started");
        assert!(sent.success(), "no signal could be sent");
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually("the shop ends", async || child.try_wait().unwrap()).await
    }

    /// Asks it to stop, and waits until it did.
    pub(crate) async fn stop(mut self) -> Data {
        self.signal("TERM");
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.data.clone()
    }
}

impl Deref for Shop {
    type Target = Remote;

    fn deref(&self) -> &Remote {
        &self.remote
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the shop wrote to standard error:\n{}", self.log());
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}
