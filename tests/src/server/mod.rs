//! Servers of PostgreSQL and Redis: in a temporary folder, on a socket there, ended with the process of the tests.

mod cluster;
mod postgres;
mod redis;

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

pub use cluster::Cluster;

/// How often it is looked whether a server is up, a twentieth of a second apart.
const PATIENCE: u32 = 1200;

/// The folder of a running server, with its socket.
#[derive(Clone, Debug)]
pub struct Server {
    folder: PathBuf,
}

impl Server {
    /// The folder, which has the socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn or_skipped(name: &str, server: Option<Server>) -> Option<Server> {
    if server.is_none() {
        let all = env::var_os("AUTH_TEST_REQUIRE_ALL").is_some_and(|value| value == "1");
        assert!(!all, "{name} is not installed");
        println!("skipped: {name} is not installed");
    }
    server
}

impl Server {
    fn wait_for(&self, is_up: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE {
            if is_up(self) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("{}", fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }
}

/// Starts a server beside a shell that waits for the end of this process, however that comes about: then its standard
/// input ends. The shell ends the server and deletes the folder.
fn run(folder: &Path, program: &[String], end: &str) {
    let script = format!(
        r#"trap '' HUP INT; cd "$0" && "$@" </dev/null & server=$!; cd "$0"; cat >/dev/null; {end}; wait; cd /; rm -rf "$0""#
    );
    let log = fs::File::create(folder.join("log")).unwrap();
    #[expect(
        clippy::zombie_processes,
        reason = "it waits for the end of this process, not the other way round"
    )]
    let mut shell = Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(folder)
        .args(program)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    // Kept open until the process ends.
    std::mem::forget(shell.stdin.take());
}

fn temporary() -> PathBuf {
    TempDir::with_prefix("auth").unwrap().keep()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A port that nobody listens on, below those from which the system takes ports for connections: it stays free until the
/// server binds it.
fn free_port() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 16_000).unwrap();
    for _ in 0..16_000 {
        let port = 15_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed) % 16_000) % 16_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port.to_string();
        }
    }
    panic!("no port is free");
}

/// In the search path, or where Debian keeps the servers of PostgreSQL: the latest.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|folder| {
            Some((folder.file_name().to_str()?.parse::<u32>().ok()?, folder.path().join("bin")))
        })
        .collect();
    versions.sort();
    let versions = versions.into_iter().rev().map(|(_, folder)| folder);
    env::split_paths(&path).chain(versions).map(|folder| folder.join(name)).find(|file| file.is_file())
}
