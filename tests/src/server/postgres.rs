//! PostgreSQL, which does not run as root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::{Server, find, free_port, is_root, or_skipped, run, temporary};

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

    /// A PostgreSQL of one's own with TLS on a port, and the port. Its certificate, which it signed itself, is for
    /// `localhost`.
    pub fn postgres_with_tls() -> Option<(Self, String)> {
        let started = start_postgres_with_tls();
        or_skipped("PostgreSQL or openssl", started.as_ref().map(|(server, _)| server.clone()))?;
        started
    }

    /// The file with its certificate.
    pub fn postgres_certificate(&self) -> PathBuf {
        self.folder.join("data/server.crt")
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

/// Without a port, unless the settings say so.
const SETTINGS: &str = "listen_addresses = ''\nfsync = off\nfull_page_writes = off\nmax_connections = 200\n";

fn start_postgres() -> Option<Server> {
    let folder = make_postgres("")?;
    Some(run_postgres(folder, user()?, &find("postgres")?))
}

/// A folder with data, for a server with these settings besides the usual ones.
fn make_postgres(settings: &str) -> Option<PathBuf> {
    let initdb = find("initdb")?;
    find("postgres")?;
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
    let file = folder.join("data/postgresql.conf");
    let usual = fs::read_to_string(&file).unwrap();
    fs::write(file, format!("{usual}\n{SETTINGS}{settings}")).unwrap();
    Some(folder)
}

const CERTIFICATE: &str = "[req]\ndistinguished_name = name\nx509_extensions = extensions\nprompt = no\n[name]\n\
    CN = localhost\n[extensions]\nsubjectAltName = DNS:localhost\nbasicConstraints = critical,CA:FALSE\n";

fn start_postgres_with_tls() -> Option<(Server, String)> {
    let port = free_port();
    let openssl = find("openssl")?;
    let settings = format!("listen_addresses = 'localhost'\nport = {port}\nssl = on\n");
    let folder = make_postgres(&settings)?;
    fs::write(folder.join("certificate.conf"), CERTIFICATE).unwrap();
    let mut made = as_user(user()?, &openssl, &folder);
    made.args([
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-days",
        "30",
        "-config",
        "certificate.conf",
    ]);
    succeed(made.args(["-keyout", "data/server.key", "-out", "data/server.crt"]));
    Some((run_postgres(folder, user()?, &find("postgres")?), port))
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
