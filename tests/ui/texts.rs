//! README.md and ARCHITECTURE.md agree with the code.

const README: &str = include_str!("../../README.md");
const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");

#[test]
fn the_readme_prints_the_quickstart_in_full() {
    let quickstart = include_str!("../../examples/quickstart/src/main.rs");
    assert!(README.contains(&format!("```rust\n{quickstart}```")), "README.md and the quickstart differ");
    assert!(quickstart.lines().count() <= 40, "the quickstart has grown beyond forty lines");
}

#[test]
fn the_other_code_of_the_readme_is_compiled_in_readme_rs() {
    let quickstart = include_str!("../../examples/quickstart/src/main.rs");
    let compiled = include_str!("readme.rs");
    let blocks = README.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let others: Vec<&str> = blocks.filter(|block| *block != quickstart).collect();
    assert!(others.len() >= 5, "{} blocks", others.len());
    let items = others.iter().flat_map(|block| block.trim().split("\n\n"));
    for item in items {
        assert!(compiled.contains(item), "tests/ui/readme.rs does not have this code of README.md:\n{item}");
    }
}

#[test]
fn every_dependency_of_the_runtime_has_a_purpose_in_architecture() {
    let manifest = include_str!("../../auth-core/Cargo.toml");
    let section = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    for line in section.lines().filter(|line| !line.is_empty()) {
        let name = line.split(['.', ' ']).next().unwrap();
        let is_listed = ARCHITECTURE.lines().any(|row| {
            row.starts_with('|')
                && row.split('|').nth(1).unwrap().split(',').any(|listed| listed.trim() == name)
        });
        assert!(is_listed, "ARCHITECTURE.md does not say what `{name}` is for");
    }
}
