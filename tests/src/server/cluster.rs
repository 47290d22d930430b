//! A Redis Cluster: three masters, each with a replica.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::redis::begin;
use super::{PATIENCE, Server, find, free_port, or_skipped};

/// How many servers there are, masters and replicas.
const SERVERS: usize = 6;

/// Servers on free ports of this machine.
#[derive(Debug)]
pub struct Cluster {
    servers: Vec<(String, Server)>,
}

impl Cluster {
    /// `None`, and a line that says so, where Redis is not installed; a failure with `AUTH_TEST_REQUIRE_ALL=1`.
    pub fn start() -> Option<Self> {
        let mut servers = Vec::new();
        for _ in 0..SERVERS {
            let (port, cluster_port) = (free_port(), free_port());
            let settings = [
                ("port", &*port),
                ("cluster-enabled", "yes"),
                ("cluster-port", &cluster_port),
                ("cluster-node-timeout", "2000"),
                ("save", ""),
                ("appendonly", "no"),
            ];
            let server = or_skipped("Redis", begin(&settings))?;
            servers.push((port, server));
        }
        let cluster = Self { servers };
        let mut create = Command::new(find("redis-cli")?);
        create.args(["--cluster", "create"]).args(cluster.servers.iter().map(|(port, _)| address(port)));
        let created = create.args(["--cluster-replicas", "1", "--cluster-yes"]).output().unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        for (_, server) in &cluster.servers {
            server.wait_for(|server| server.ask_redis(&["cluster", "info"]).contains("cluster_state:ok"));
        }
        cluster.wait_until(|cluster| {
            let replicas = cluster.servers.iter().filter(|(_, server)| is_connected_replica(server));
            replicas.count() == SERVERS / 2
        });
        Some(cluster)
    }

    /// The URLs of all servers.
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(|(port, _)| format!("redis://{}", address(port))).collect()
    }

    /// The master of a key, and its replica.
    pub fn keeping(&self, key: &str) -> (&Server, &Server) {
        let (_, any) = self.servers.first().unwrap();
        let slot: u32 = any.ask_redis(&["cluster", "keyslot", key]).trim().parse().unwrap();
        let nodes = any.ask_redis(&["cluster", "nodes"]);
        let lines: Vec<Vec<_>> = nodes.lines().map(|line| line.split(' ').collect()).collect();
        let master =
            lines.iter().find(|line| line.iter().skip(8).any(|range| contains(range, slot))).unwrap();
        let replica = lines.iter().find(|line| line[3] == master[0]).unwrap();
        (self.at(master[1]), self.at(replica[1]))
    }

    fn at(&self, address: &str) -> &Server {
        let port = address.split_once(':').unwrap().1.split('@').next().unwrap();
        let found = self.servers.iter().find(|(other, _)| other == port);
        &found.unwrap().1
    }

    fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE {
            if is_so(self) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("the cluster was not ready in time");
    }
}

impl Server {
    /// Makes a replica the master, without asking the others, and waits until they know.
    pub fn take_over(&self) {
        assert!(self.ask_redis(&["cluster", "failover", "takeover"]).starts_with("OK"));
        self.wait_for(|server| server.ask_redis(&["role"]).starts_with("master"));
    }
}

fn address(port: &str) -> String {
    format!("127.0.0.1:{port}")
}

fn is_connected_replica(server: &Server) -> bool {
    let role = server.ask_redis(&["role"]);
    role.starts_with("slave") && role.contains("connected")
}

fn contains(range: &str, slot: u32) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let slots = first.parse::<u32>().ok().zip(last.parse::<u32>().ok());
    slots.is_some_and(|(first, last)| (first..=last).contains(&slot))
}
