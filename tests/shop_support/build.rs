//! The shop's program: built by the cargo that runs the tests, for the same profile, into the same folder.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The program. Built once in each test binary; cargo sees to it that only the first of them has work to do.
///
/// `AUTH_TEST_SHOP` names one that is there already, for instance one built for another profile.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| env::var_os("AUTH_TEST_SHOP").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let (target, profile) = target_and_profile();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
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
        .stdin(Stdio::null());
    if env::var_os("CARGO_TARGET_DIR").is_none() {
        command.arg("--target-dir").arg(target);
    }
    let built = command.output().expect("cargo can be started");
    assert!(
        built.status.success(),
        "the shop does not build:\n{}\n{}",
        messages(&built.stdout)
            .filter_map(|message| Some(message["message"]["rendered"].as_str()?.to_owned()))
            .collect::<String>(),
        String::from_utf8_lossy(&built.stderr)
    );
    messages(&built.stdout)
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == "shop")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program that it built")
}

fn messages(output: &[u8]) -> impl Iterator<Item = Value> {
    output.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// This program is `TARGET/PROFILE/deps/NAME`; the profile `dev` has the folder `debug`.
fn target_and_profile() -> (PathBuf, String) {
    let this = env::current_exe().expect("this program has a path");
    let folder = this.ancestors().nth(2).expect("it is in `deps`");
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile");
    let profile = if profile == "debug" { "dev" } else { profile };
    (folder.parent().expect("the target folder").to_owned(), profile.to_owned())
}
