//! The shop's program: built by the cargo that runs the tests, for the same profile, into the same folder.

use std::env;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::Process;

/// The longest that building may take, also where another cargo has to finish first.
const BUILD: Duration = Duration::from_secs(15 * 60);

/// The program. Built once in each test binary; cargo sees to it that only the first of them has work to do.
///
/// `AUTH_TEST_SHOP` names one that is there already, for instance one built for another profile.
pub fn built() -> &'static Path {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        env::var_os("AUTH_TEST_SHOP").map_or_else(build, |program| Ok(PathBuf::from(program)))
    });
    program.as_ref().unwrap_or_else(|why| panic!("{why}"))
}

fn build() -> Result<PathBuf, String> {
    let (target, profile) = target_and_profile();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Not pipes: what cargo starts may hold them longer than cargo runs.
    let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--package",
            "shop",
            "--bin",
            "shop",
            "--message-format",
            "json",
            "--profile",
            &profile,
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .stdin(Stdio::null())
        .stdout(stdout.try_clone().unwrap())
        .stderr(stderr.try_clone().unwrap());
    if env::var_os("CARGO_TARGET_DIR").is_none() {
        command.arg("--target-dir").arg(target);
    }
    let status = Process::start(&mut command).ended_within(BUILD);
    let (messages, stderr) = (messages(&text(stdout)), text(stderr));
    match status {
        None => Err(format!("the shop is not built after {BUILD:?}:\n{stderr}")),
        Some(status) if !status.success() => {
            let rendered = messages.iter().filter_map(|message| message["message"]["rendered"].as_str());
            Err(format!("the shop does not build:\n{}\n{stderr}", rendered.collect::<String>()))
        }
        Some(_) => messages
            .iter()
            .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == "shop")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .ok_or_else(|| "cargo does not name the program that it built".to_owned()),
    }
}

/// What was written into the file.
fn text(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn messages(output: &str) -> Vec<Value> {
    output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// This program is `TARGET/PROFILE/deps/NAME`; the profile `dev` has the folder `debug`.
fn target_and_profile() -> (PathBuf, String) {
    let this = env::current_exe().expect("this program has a path");
    let folder = this.ancestors().nth(2).expect("it is in `deps`");
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile");
    let profile = if profile == "debug" { "dev" } else { profile };
    (folder.parent().expect("the target folder").to_owned(), profile.to_owned())
}
