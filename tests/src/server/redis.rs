//! Redis, as a cluster of one.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::{Server, find, free_port, or_skipped, run, temporary};

impl Server {
    /// The one Redis of this process. `None`, and a line that says so, where it is not installed; a failure with
    /// `AUTH_TEST_REQUIRE_ALL=1`.
    pub fn redis() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(Self::another_redis).as_ref()
    }

    /// A Redis of one's own, to set as one likes.
    pub fn another_redis() -> Option<Self> {
        or_skipped("Redis", start_redis())
    }

    /// Its socket.
    pub fn redis_socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    /// The URL of its socket.
    pub fn redis_url(&self) -> String {
        format!("redis+unix://{}", self.redis_socket().display())
    }

    /// Changes a setting of it while it runs.
    pub fn set_redis(&self, name: &str, value: &str) {
        assert!(self.ask_redis(&["config", "set", name, value]).starts_with("OK"));
    }

    /// Asks with the server's own client.
    pub(super) fn ask_redis(&self, question: &[&str]) -> String {
        let mut client = Command::new(find("redis-cli").unwrap());
        let answer = client.arg("-s").arg(self.redis_socket()).args(question).output().unwrap();
        String::from_utf8_lossy(&answer.stdout).into_owned()
    }
}

/// As a cluster of one: it then refuses a script whose keys are not in one slot.
fn start_redis() -> Option<Server> {
    let cluster_port = free_port();
    let settings =
        [("cluster-enabled", "yes"), ("cluster-port", &*cluster_port), ("save", ""), ("appendonly", "no")];
    let server = begin(&settings)?;
    assert!(server.ask_redis(&["cluster", "addslotsrange", "0", "16383"]).starts_with("OK"));
    server.wait_for(|server| server.ask_redis(&["cluster", "info"]).contains("cluster_state:ok"));
    Some(server)
}

/// Begins a server with these settings, and waits until it answers.
pub(super) fn begin(settings: &[(&str, &str)]) -> Option<Server> {
    find("redis-cli")?;
    let server = Server { folder: temporary() };
    let mut config = String::from(
        "bind 127.0.0.1\nunixsocket redis.sock\npidfile redis.pid\nmaxmemory-policy noeviction\n",
    );
    if !settings.iter().any(|(name, _)| *name == "port") {
        config.push_str("port 0\n");
    }
    for (name, value) in settings {
        config.push_str(&format!("{name} \"{value}\"\n"));
    }
    fs::write(server.folder.join("redis.conf"), config).unwrap();
    server.begin_again()?;
    Some(server)
}

impl Server {
    /// Starts the server in its folder.
    fn begin_again(&self) -> Option<()> {
        let program = find("redis-server")?.to_str()?.to_owned();
        run(&self.folder, &[program, "redis.conf".into()], "kill -KILL $server");
        self.wait_for(|server| server.ask_redis(&["ping"]).starts_with("PONG"));
        Some(())
    }

    /// A Redis of one's own that keeps what it acknowledged, whatever becomes of the process.
    pub fn durable_redis() -> Option<Self> {
        let settings = [("save", ""), ("appendonly", "yes"), ("appendfsync", "always")];
        or_skipped("Redis", begin(&settings))
    }

    /// Sends a signal to this Redis.
    pub fn signal_redis(&self, signal: &str) {
        let id = fs::read_to_string(self.folder.join("redis.pid")).unwrap();
        let sent = Command::new("kill").args([&format!("-{signal}"), id.trim()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until a replica has what was written before.
    pub fn replicate_redis(&self) {
        assert!(self.ask_redis(&["wait", "1", "30000"]).starts_with('1'));
    }

    /// Closes the connections of the replicas; one that is stopped does not connect again.
    pub fn drop_replicas(&self) {
        self.ask_redis(&["client", "kill", "type", "replica"]);
    }

    /// Kills this Redis, and starts it again in its folder.
    pub fn crash_redis(&self) {
        self.signal_redis("KILL");
        self.wait_for(|server| !server.ask_redis(&["ping"]).starts_with("PONG"));
        self.begin_again().unwrap();
    }
}
