//! What can be proven without a database: the query cache is the one of these sources and migrations, no statement escapes
//! the check, and packages that are no members of the workspace have its lints.

mod links;
mod names;

use std::{collections::BTreeSet, path::Path};

use cargo_checked_pg::{
    Project,
    check::{self, source::rust_files},
    overrides::{
        catalog::{Catalog, Column, DefinedType},
        settings,
    },
};

#[test]
fn the_sources_and_the_cache_are_in_order() {
    let project = Project::open(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let findings = check::findings(&project).unwrap();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// The schema as the cache has it, and one that differs from it.
fn catalogs(change: impl FnOnce(&mut Catalog)) -> (Project, Catalog, Catalog) {
    let project = Project::open(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let recorded = Catalog::recorded(&project.path(".sqlx")).unwrap();
    let mut changed = recorded.clone();
    change(&mut changed);
    (project, recorded, changed)
}

#[test]
fn a_column_of_a_domain_that_sqlx_toml_does_not_name_is_told() {
    let (project, recorded, changed) = catalogs(|catalog| {
        catalog.columns.push(Column {
            relation: "users".to_owned(),
            column: "second_email".to_owned(),
            of: "email".to_owned(),
            array: false,
            takes_null: true,
            key: false,
        });
    });
    let fresh = settings(&project, &recorded).unwrap().unwrap();
    assert!(
        !fresh.are_stale(),
        "sqlx.toml is of other types and columns"
    );
    let settings = settings(&project, &changed).unwrap().unwrap();
    assert!(settings.are_stale());
    let line = "second_email = \"crate::types::Email\"";
    assert!(settings.wanted.contains(line), "{}", settings.wanted);
}

#[test]
fn a_domain_without_a_type_is_told() {
    let (project, _, changed) = catalogs(|catalog| {
        catalog.types.push(DefinedType {
            name: "typeless".to_owned(),
            required: true,
        });
    });
    let told = settings(&project, &changed).unwrap().unwrap_err();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("`typeless` has no Rust type"), "{told:?}");
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
    for file in [
        "benches/Cargo.toml",
        "examples/consumer/Cargo.toml",
        "examples/desk-api/Cargo.toml",
    ] {
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
        ("test-servers", "crates/test-servers/Cargo.toml"),
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

/// The crates below know no desk: neither its name, nor its vocabulary, nor the options of its binary; and their errors name
/// settings by their methods, since not every setting comes from a variable.
#[test]
fn nothing_below_the_desk_names_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut told = Vec::new();
    for file in files(&root.join("crates")) {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let place = file.strip_prefix(root).unwrap().display().to_string();
        // The copyright is that of the repository.
        if place.contains("/LICENSE-") {
            continue;
        }
        // The one place where variables are read, and the table of them.
        let reads =
            ["config.rs", "config/env.rs"].map(|file| format!("crates/checked-pg/src/{file}"));
        let variables = place.contains("/src/") && !reads.contains(&place);
        for (at, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            let named = ["llm-trading", "llm_trading", "pitch", "--data-dir"];
            let named = named.iter().any(|name| lower.contains(name));
            if named || variables && line.contains("DB_") {
                told.push(format!("{place}:{}: {line}", at + 1));
            }
        }
    }
    assert!(told.is_empty(), "\n{}\n", told.join("\n"));
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => files.extend(self::files(&path)),
            false => files.push(path),
        }
    }
    files
}

/// A route answers with rows, so every row has a form in JSON. What callers hand in need not have one.
#[test]
fn every_row_is_serializable() {
    const GIVEN: [&str; 7] = [
        "Answer",
        "Block",
        "Change",
        "Cursor",
        "Filter",
        "Round",
        "TradeEvent",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut rows, mut without) = (0, Vec::new());
    for file in rust_files(&root.join("src/repo")).unwrap() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut derives = "";
        for line in text.lines() {
            if line.starts_with("#[derive(") {
                derives = line;
            }
            let Some(rest) = line.strip_prefix("pub struct ") else {
                continue;
            };
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            if name.starts_with("New") || GIVEN.contains(&name) {
                continue;
            }
            rows += 1;
            if !derives.contains("serde::Serialize") {
                without.push(format!("{}: {name}", file.display()));
            }
        }
    }
    assert!(without.is_empty(), "not Serialize:\n{}", without.join("\n"));
    assert!(rows > 25, "only {rows} structs were found");
}
