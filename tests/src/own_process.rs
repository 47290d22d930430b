//! A test of this program, once more, in a process of its own.

use std::ffi::OsStr;
use std::process::{Output, Stdio};

use tokio::process::Command;

use crate::waiting::{LIFETIME, bounded};

/// Runs the test of that name, and no other, in a process of its own with those variables; it is killed when it does not
/// end in time. The test finds out by the variables that it is there.
#[track_caller]
pub fn in_own_process(
    test: &str,
    variables: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
) -> impl Future<Output = Output> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).envs(variables).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    bounded("the end of a process", LIFETIME / 2, async move { command.output().await.unwrap() })
}

/// What this test is called.
pub fn own_name() -> String {
    std::thread::current().name().expect("a test has a thread of its name").to_owned()
}
