//! What an application builds with auth-core: no excluded crate, and no crate in two versions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::modules::files;

/// Left out with every feature: what jsonwebtoken's `use_pem` brings, a table writer, and what builds sqlx a second time
/// for its macros.
const NEVER: [&str; 5] = ["num-bigint", "simple_asn1", "comfy-table", "sqlx-macros", "sqlx-macros-core"];

/// Left out but with a database: sqlx reads its own addresses with `url`, and that brings ICU. An underscore at the end stands
/// for any rest.
const WITH_DATABASE_ONLY: [&str; 3] = ["url", "idna", "icu_"];

/// In two versions because crates that the runtime depends on disagree: `syn` between tracing or zeroize and the others,
/// `hashbrown` between sqlx and the others.
const TWICE: [&str; 2] = ["syn", "hashbrown"];

/// In two versions with `postgres`, because sqlx's crates disagree with each other about hashes, with tower-sessions about
/// randomness, and rustls with aws-lc about how to read a certificate.
const TWICE_WITH_POSTGRES: [&str; 9] = [
    "block-buffer",
    "cpufeatures",
    "crypto-common",
    "digest",
    "getrandom",
    "rand",
    "rand_core",
    "sha2",
    "untrusted",
];

#[test]
fn no_excluded_crate_is_a_dependency() {
    for (features, banned) in [
        ("", [NEVER.as_slice(), &WITH_DATABASE_ONLY].concat()),
        ("testing", [NEVER.as_slice(), &WITH_DATABASE_ONLY].concat()),
        ("sqlite", NEVER.to_vec()),
        ("postgres", [NEVER.as_slice(), &["ring", "native-tls", "libsqlite3-sys"]].concat()),
    ] {
        let tree = Tree::of(features);
        assert!(tree.versions.contains_key("jsonwebtoken"), "the names were not read as they are printed");
        let back: Vec<_> = tree
            .versions
            .keys()
            .filter(|name| {
                banned.iter().any(|banned| match banned.ends_with('_') {
                    true => name.starts_with(banned),
                    false => name == banned,
                })
            })
            .collect();
        assert!(back.is_empty(), "with the features {features:?}: {back:?}");
    }
}

#[test]
fn no_crate_is_a_dependency_in_two_versions() {
    for (features, also) in
        [("", [].as_slice()), ("testing", &[]), ("sqlite", &[]), ("postgres", &TWICE_WITH_POSTGRES)]
    {
        let tree = Tree::of(features);
        assert!(tree.versions.contains_key("base64") && tree.versions.contains_key("pem"));
        let twice: Vec<_> = tree
            .versions
            .iter()
            .filter(|(name, versions)| {
                versions.len() > 1 && !TWICE.contains(&name.as_str()) && !also.contains(&name.as_str())
            })
            .collect();
        assert!(twice.is_empty(), "with the features {features:?}: {twice:?}");
    }
}

/// jsonwebtoken panics at the first use of its process-wide backend where none, or two, are enabled. Which one is the
/// application's choice, and auth-core neither makes it nor needs it.
#[test]
fn of_jsonwebtoken_only_the_types_are_used() {
    const TYPES: [&str; 3] = ["Algorithm", "AlgorithmFamily", "jwk"];
    assert_eq!(Tree::of("").features["jsonwebtoken"], "");

    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../auth-core/src");
    let mut uses = 0;
    for file in files(&source) {
        let text = fs::read_to_string(&file).unwrap();
        for rest in text.split("jsonwebtoken::").skip(1) {
            let name = rest.split(|letter: char| !letter.is_alphanumeric()).next().unwrap();
            assert!(TYPES.contains(&name), "{} uses `jsonwebtoken::{name}`", file.display());
            uses += 1;
        }
    }
    assert!(uses > 0, "the imports were not found");
}

/// What `cargo tree` says an application builds, on this machine's kind.
struct Tree {
    versions: BTreeMap<String, BTreeSet<String>>,
    features: BTreeMap<String, String>,
}

impl Tree {
    fn of(features: &str) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["tree", "--offline", "--locked", "-p", "auth-core", "-e", "normal"])
            .args(["--prefix", "none", "--no-dedupe", "--format", "{p}\t{f}", "--features", features])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut tree = Self { versions: BTreeMap::new(), features: BTreeMap::new() };
        for line in printed.lines() {
            let (package, features) = line.split_once('\t').unwrap();
            let mut words = package.split(' ');
            let (name, version) = (words.next().unwrap(), words.next().unwrap());
            tree.versions.entry(name.to_owned()).or_default().insert(version.to_owned());
            tree.features.insert(name.to_owned(), features.to_owned());
        }
        tree
    }
}
