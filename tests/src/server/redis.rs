//! Redis, as a cluster of one.

use std::path::{Path, PathBuf};
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

    /// Changes a setting of it while it runs.
    pub fn set_redis(&self, name: &str, value: &str) {
        assert!(self.ask_redis(&["config", "set", name, value]).starts_with("OK"));
    }

    fn ask_redis(&self, question: &[&str]) -> String {
        let mut client = Command::new(find("redis-cli").unwrap());
        let answer = client.arg("-s").arg(self.redis_socket()).args(question).output().unwrap();
        String::from_utf8_lossy(&answer.stdout).into_owned()
    }
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
    run(&folder, &command, "kill -KILL $server");
    let server = Server { folder };
    server.wait_for(|server| server.ask_redis(&["ping"]).starts_with("PONG"));
    assert!(server.ask_redis(&["cluster", "addslotsrange", "0", "16383"]).starts_with("OK"));
    server.wait_for(|server| server.ask_redis(&["cluster", "info"]).contains("cluster_state:ok"));
    Some(server)
}
