//! PostgreSQL, which does not run as root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::{Server, find, is_root, or_skipped, run, temporary};

impl Server {
    /// The one PostgreSQL of this process. `None`, and a line that says so, where it is not installed; a failure with
    /// `AUTH_TEST_REQUIRE_ALL=1`.
    pub fn postgres() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(Self::another_postgres).as_ref()
    }

    /// A PostgreSQL of one's own, to crash.
    pub fn another_postgres() -> Option<Self> {
        or_skipped("PostgreSQL", start_postgres())
    }

    /// A standby of this PostgreSQL.
    pub fn standby(&self) -> Option<Self> {
        or_skipped("PostgreSQL", start_standby(self))
    }

    /// The address of the database in this PostgreSQL.
    pub fn postgres_url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.display())
    }

    /// The same, for connections of the test itself.
    pub fn postgres_options(&self) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass().socket(&self.folder).username("postgres");
        options.database("postgres").disable_statement_logging()
    }

    /// Kills this PostgreSQL, and waits for the end of what served its connections: until then no other can start in its
    /// folder.
    pub fn kill_postgres(&self) {
        let children = Command::new("pgrep").args(["-P", &self.postgres_id()]).output().unwrap().stdout;
        let children = String::from_utf8(children).unwrap();
        self.signal_postgres("KILL");
        self.wait_for(|_| children.lines().all(|id| !Path::new("/proc").join(id).exists()));
    }

    /// Starts this PostgreSQL again after it was killed.
    pub fn restart_postgres(&self) {
        let before = self.postgres_id();
        begin_postgres(&self.folder, user().unwrap(), &find("postgres").unwrap());
        self.wait_until_up(&before);
    }

    /// Sends a signal to the server itself, not to what serves its connections.
    pub fn signal_postgres(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.postgres_id()]).status().unwrap();
        assert!(sent.success());
    }

    /// The first line of the file is the id of the server itself, whoever started it; the eighth says how far it is.
    fn postgres_file(&self) -> Vec<String> {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        file.lines().map(|line| line.trim().to_owned()).collect()
    }

    fn postgres_id(&self) -> String {
        self.postgres_file().first().cloned().unwrap_or_default()
    }

    fn wait_until_up(&self, before: &str) {
        self.wait_for(|server| {
            let file = server.postgres_file();
            let is_up = file.get(7).is_some_and(|line| ["ready", "standby"].contains(&line.as_str()));
            is_up && file.first().is_some_and(|id| id != before)
        });
    }
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
    begin_postgres(&folder, user, postgres);
    let server = Server { folder };
    server.wait_until_up("");
    server
}

fn begin_postgres(folder: &Path, user: &[&str], postgres: &Path) {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut program: Vec<_> = user.iter().map(|part| (*part).to_owned()).collect();
    program.extend([text(postgres), "-D".into(), text(&folder.join("data")), "-k".into(), text(folder)]);
    for setting in ["listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=200"] {
        program.extend(["-c".into(), setting.into()]);
    }
    run(folder, &program, r#"kill -QUIT "$(head -n 1 data/postmaster.pid)""#);
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
