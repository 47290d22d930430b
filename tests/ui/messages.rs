//! What the macros say to a mistake, and what has to compile: one file each, under `ui/`.
//!
//! `TRYBUILD=overwrite cargo test -p auth-tests --test ui` writes the expected messages anew: read the difference.

use std::process::Command;

/// The messages are of this compiler; another one words the same mistakes differently.
const RUSTC: &str = "rustc 1.95.";

#[test]
fn every_mistake_has_its_message() {
    if !is_the_compiler_of_the_messages() {
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*/*.rs");
}

#[test]
fn what_has_to_compile_does() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
}

fn is_the_compiler_of_the_messages() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version =
        Command::new(rustc).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version).into_owned();
    let same = version.starts_with(RUSTC);
    if !same {
        println!("skipped: the messages under `ui/fail` are of {RUSTC}x, this is {version}");
    }
    same
}
