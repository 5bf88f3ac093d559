//! What can be proven without a database: the query cache is the one of these sources and migrations, no statement escapes
//! the check, and packages that are no members of the workspace have its lints.

use std::path::Path;

use cargo_checked_pg::{Project, check};

#[test]
fn the_sources_and_the_cache_are_in_order() {
    let project = Project::open(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let findings = check::findings(&project).unwrap();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// They are no members of the workspace: nothing but this keeps their lints alike.
#[test]
fn packages_of_their_own_have_the_lints_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lints = |file: &str| {
        let manifest = std::fs::read_to_string(root.join(file)).unwrap();
        let (_, lints) = manifest.split_once("lints.rust]\n").unwrap();
        lints.replace("[workspace.", "[")
    };
    for file in ["benches/Cargo.toml", "examples/consumer/Cargo.toml"] {
        assert_eq!(lints(file), lints("Cargo.toml"), "{file}");
    }
}
