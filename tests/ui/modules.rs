//! auth-core reads from leaves to edges: a module names only modules that ARCHITECTURE.md lists above it.

use std::fs;
use std::path::{Path, PathBuf};

const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");

#[test]
fn a_module_uses_only_modules_above_it() {
    let order = order();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../auth-core/src");
    let mut upward = Vec::new();
    for file in files(&source) {
        let module = top_module(&file, &source);
        // The roots, which name everything: the crate's front page, and what generated code names.
        if ["lib", "private"].contains(&&*module) {
            continue;
        }
        let place = place(&order, &module)
            .unwrap_or_else(|| panic!("ARCHITECTURE.md does not list the module `{module}`"));
        for used in used_modules(&fs::read_to_string(&file).unwrap()) {
            let is_above = used == module || self::place(&order, &used).is_none_or(|used| used < place);
            if !is_above {
                upward.push(format!("{}: `crate::{used}`", file.strip_prefix(&source).unwrap().display()));
            }
        }
    }
    assert!(upward.is_empty(), "imports that go up:\n{}", upward.join("\n"));
}

#[test]
fn an_upward_import_would_be_found() {
    let text =
        "use crate::login::Auth; // crate::route\nlet x = crate::store::Limit; use crate::{web, id::{self}};";
    assert_eq!(used_modules(text), ["login", "store", "web", "id"]);
    let order = order();
    assert!(place(&order, "store") < place(&order, "login"), "{order:?}");
    assert!(order.len() > 15, "{order:?}");
}

/// The modules in the order of the table under "auth-core, from leaves to edges".
fn order() -> Vec<String> {
    let section = ARCHITECTURE.split("## auth-core, from leaves to edges").nth(1).unwrap();
    let rows = section.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect()
}

fn place(order: &[String], module: &str) -> Option<usize> {
    order.iter().position(|name| name == module)
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let mut all: Vec<_> = folders.iter().flat_map(|folder| self::files(folder)).collect();
    all.extend(files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "rs")));
    all
}

fn top_module(file: &Path, source: &Path) -> String {
    let first = file.strip_prefix(source).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// What follows `crate::`, in `use` lines and elsewhere, but not in comments.
fn used_modules(text: &str) -> Vec<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
    let name = |text: &str| {
        let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
        text[..end].to_owned()
    };
    let mut used = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 1;
                let end = group.find(|letter| {
                    depth += i32::from(letter == '{') - i32::from(letter == '}');
                    depth == 0
                });
                let group = &group[..end.unwrap()];
                let mut depth = 0;
                let items = group.split(|letter| {
                    depth += i32::from(letter == '{') - i32::from(letter == '}');
                    depth == 0 && letter == ','
                });
                used.extend(items.map(|item| name(item.trim())));
            }
            None => used.push(name(rest)),
        }
    }
    used
}
