//! What can be proven without a database: the query cache is the one of these sources and migrations, no statement escapes
//! the check, and packages that are no members of the workspace have its lints.

use std::{collections::BTreeSet, path::Path};

use cargo_checked_pg::{
    Project,
    check::{self, source::rust_files},
};

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

/// The arrows of ARCHITECTURE.md are the dependencies between the crates, and no more than those.
#[test]
fn the_arrows_are_the_dependencies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = [
        ("llm-trading-db", "Cargo.toml"),
        ("xtask", "xtask/Cargo.toml"),
        ("checked-pg", "crates/checked-pg/Cargo.toml"),
        ("checked-pg-build", "crates/checked-pg-build/Cargo.toml"),
        ("checked-pg-server", "crates/checked-pg-server/Cargo.toml"),
        ("cargo-checked-pg", "crates/cargo-checked-pg/Cargo.toml"),
    ];
    let mut built = BTreeSet::new();
    for (name, file) in crates {
        let manifest = std::fs::read_to_string(root.join(file)).unwrap();
        let mut counts = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                counts = ["[dependencies]", "[build-dependencies]"].contains(&line);
            } else if let Some((to, _)) = line.split_once(" = {").filter(|_| counts)
                && crates.iter().any(|(name, _)| *name == to)
            {
                built.insert(format!("{name} -> {to}"));
            }
        }
    }
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let drawn: BTreeSet<String> = page
        .lines()
        .filter(|line| line.split(' ').nth(1) == Some("->"))
        .map(str::to_owned)
        .collect();
    assert_eq!(drawn, built);
}

/// The modules of the desk use only those further down the list in ARCHITECTURE.md.
#[test]
fn the_modules_of_the_desk_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, list) = page
        .split_once("a module uses those further down this list: ")
        .unwrap();
    let list: Vec<&str> = list
        .lines()
        .next()
        .unwrap()
        .split('`')
        .skip(1)
        .step_by(2)
        .collect();
    assert!(list.len() >= 5, "{list:?}");
    for (at, module) in list
        .iter()
        .enumerate()
        .filter(|(_, module)| **module != "bin")
    {
        for file in rust_files(&root.join("src").join(module)).unwrap() {
            let text = std::fs::read_to_string(&file).unwrap();
            for above in &list[..at] {
                let named = [format!("crate::{above}::"), format!("    {above}::")];
                assert!(
                    !named.iter().any(|path| text.contains(path.as_str())),
                    "{} uses {above}, which stands above {module}",
                    file.display()
                );
            }
        }
    }
}
