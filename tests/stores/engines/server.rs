//! Servers of PostgreSQL and Redis: in a temporary folder, on a socket there, ended with the process of the tests.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// How often it is looked whether a server is up, a twentieth of a second apart.
const PATIENCE: u32 = 1200;

/// The folder of a running server, with its socket.
#[derive(Debug)]
pub(crate) struct Server {
    folder: PathBuf,
}

impl Server {
    /// The one PostgreSQL of this process. `None`, and a line that says so, where it is not installed; a failure with
    /// `AUTH_TEST_REQUIRE_ALL=1`.
    pub(crate) fn postgres() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(|| or_skipped("PostgreSQL", start_postgres())).as_ref()
    }

    /// The one Redis of this process, in the same way.
    pub(crate) fn redis() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(|| or_skipped("Redis", start_redis())).as_ref()
    }

    /// A PostgreSQL of one's own, to crash.
    pub(crate) fn another_postgres() -> Option<Self> {
        or_skipped("PostgreSQL", start_postgres())
    }

    pub(crate) fn standby(&self) -> Option<Self> {
        or_skipped("PostgreSQL", start_standby(self))
    }

    /// A Redis of one's own, to set as one likes.
    pub(crate) fn another_redis() -> Option<Self> {
        or_skipped("Redis", start_redis())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn redis_socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }
}

impl Server {
    pub(crate) fn redis_url(&self) -> String {
        format!("redis+unix://{}", self.redis_socket().display())
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

fn start_postgres() -> Option<Server> {
    let (initdb, postgres) = (find("initdb")?, find("postgres")?);
    let (folder, user) = (temporary(), user()?);
    if !own(&folder) {
        return None;
    }
    let mut made = as_user(user, &initdb, &folder);
    made.args([
        "--auth=trust",
        "--username=postgres",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "-D",
        "data",
    ]);
    succeed(&mut made);
    Some(run_postgres(folder, user, &postgres))
}

/// A standby of a server, which does not become another primary.
fn start_standby(primary: &Server) -> Option<Server> {
    let (backup, postgres) = (find("pg_basebackup")?, find("postgres")?);
    let (folder, user) = (temporary(), user()?);
    if !own(&folder) {
        return None;
    }
    let mut copied = as_user(user, &backup, &folder);
    copied.arg("-h").arg(&primary.folder);
    succeed(copied.args(["-U", "postgres", "-D", "data", "--checkpoint=fast", "--no-sync", "-R"]));
    // The primary's own, which would be taken for this one's.
    fs::remove_file(folder.join("data/postmaster.pid")).ok();
    Some(run_postgres(folder, user, &postgres))
}

fn run_postgres(folder: PathBuf, user: &[&str], postgres: &Path) -> Server {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut program: Vec<_> = user.iter().map(|part| (*part).to_owned()).collect();
    program.extend([text(postgres), "-D".into(), text(&folder.join("data")), "-k".into(), text(&folder)]);
    for setting in ["listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=200"] {
        program.extend(["-c".into(), setting.into()]);
    }
    // The first line of the file is the id of the server itself, whoever started it; the eighth says how far it is.
    let server = run(folder, &program, r#"kill -QUIT "$(head -n 1 data/postmaster.pid)""#);
    server.wait_for(|server| {
        let file = fs::read_to_string(server.folder.join("data/postmaster.pid")).unwrap_or_default();
        file.lines().nth(7).is_some_and(|line| ["ready", "standby"].contains(&line.trim()))
    });
    server
}

/// What starts a program of PostgreSQL, which does not run as root: then it is the user that its package made.
fn user() -> Option<&'static [&'static str]> {
    if !is_root() {
        return Some(&["env"]);
    }
    find("runuser").map(|_| ["runuser", "-u", "postgres", "--"].as_slice())
}

fn own(folder: &Path) -> bool {
    !is_root()
        || Command::new("chown").arg("postgres").arg(folder).status().is_ok_and(|status| status.success())
}

fn as_user(user: &[&str], program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(user[0]);
    command.args(&user[1..]).arg(program).current_dir(folder).stdin(Stdio::null());
    command
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// As a cluster of one: it then refuses a script whose keys are not in one slot.
fn start_redis() -> Option<Server> {
    let program = find("redis-server")?;
    find("redis-cli")?;
    let folder = temporary();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let socket = text(&folder.join("redis.sock"));
    let port = free_port();
    let mut command = vec![text(&program)];
    for (name, value) in [
        ("port", "0"),
        ("bind", "127.0.0.1"),
        ("unixsocket", &socket),
        ("dir", &text(&folder)),
        ("cluster-enabled", "yes"),
        ("cluster-port", &port),
        ("save", ""),
        ("appendonly", "no"),
        ("maxmemory-policy", "noeviction"),
    ] {
        command.extend([format!("--{name}"), value.to_owned()]);
    }
    let server = run(folder, &command, "kill -KILL $server");
    server.wait_for(|server| server.ask_redis(&["ping"]).starts_with("PONG"));
    assert!(server.ask_redis(&["cluster", "addslotsrange", "0", "16383"]).starts_with("OK"));
    server.wait_for(|server| server.ask_redis(&["cluster", "info"]).contains("cluster_state:ok"));
    Some(server)
}

impl Server {
    pub(crate) fn set_redis(&self, name: &str, value: &str) {
        assert!(self.ask_redis(&["config", "set", name, value]).starts_with("OK"));
    }

    fn ask_redis(&self, question: &[&str]) -> String {
        let mut client = Command::new(find("redis-cli").unwrap());
        let answer = client.arg("-s").arg(self.redis_socket()).args(question).output().unwrap();
        String::from_utf8_lossy(&answer.stdout).into_owned()
    }

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
fn run(folder: PathBuf, program: &[String], end: &str) -> Server {
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
        .arg(&folder)
        .args(program)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    // Kept open until the process ends.
    std::mem::forget(shell.stdin.take());
    Server { folder }
}

fn temporary() -> PathBuf {
    TempDir::with_prefix("auth").unwrap().keep()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn free_port() -> String {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port().to_string()
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
