//! The crate in `examples/consumer`: it compiles whatever the environment says, passes its tests, and notices a missing entry of the cache.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::Path,
    time::SystemTime,
};

use anyhow::{Context, Result, bail, ensure};

use super::{UNRELATED, cargo, contents, copy, must, names};
use crate::project;

/// How the consumer names the crates, and how its copy does, as if they came from a registry. The features are those of
/// README's demo, so that cargo compiles no dependency again.
const DEPENDENCIES: [(&str, &str); 4] = [
    (
        r#"{ path = "../.." }"#,
        r#"{ version = "0.1", features = ["cli"] }"#,
    ),
    (r#"{ path = "../../crates/checked-pg" }"#, r#""0.1""#),
    (
        r#"{ path = "../../crates/checked-pg", features = ["testing"] }"#,
        r#"{ version = "0.1", features = ["testing"] }"#,
    ),
    (r#"{ path = "../../crates/checked-pg-build" }"#, r#""0.1""#),
];

pub(super) fn prove(folder: &Path, library: &Path) -> Result<()> {
    let consumer = folder.join("consumer");
    copy(&project("examples/consumer"), &consumer)?;
    let mut manifest = fs::read_to_string(consumer.join("Cargo.toml"))?;
    for (path, version) in DEPENDENCIES {
        ensure!(
            manifest.contains(path),
            "examples/consumer/Cargo.toml must name a crate by {path}"
        );
        manifest = manifest.replace(path, version);
    }
    fs::write(consumer.join("Cargo.toml"), manifest)?;

    same_versions()?;
    // For the versions of what the other features bring.
    fs::copy(project("Cargo.lock"), consumer.join("Cargo.lock"))?;

    let environments: [(&str, &[(&str, &str)]); 3] = [
        ("an unrelated DATABASE_URL", &[("DATABASE_URL", UNRELATED)]),
        ("no database", &[]),
        ("SQLX_OFFLINE=true", &[("SQLX_OFFLINE", "true")]),
    ];
    for (name, variables) in environments {
        check(library, &consumer, variables).with_context(|| format!("with {name}"))?;
        eprintln!("the consumer compiles with {name}");
    }
    must(&consumer, &["test", "--quiet", "--test", "journal"])?;
    prepare_is_no_change(&consumer)?;
    missing_entry_fails(library, &consumer)
}

/// The consumer shows the versions that the crate is tested with.
fn same_versions() -> Result<()> {
    let ours = locked(&project("Cargo.lock"))?;
    let theirs = locked(&project("examples/consumer/Cargo.lock"))?;
    let other: Vec<_> = theirs
        .difference(&ours)
        .filter(|package| !package.starts_with("journal "))
        .map(String::as_str)
        .collect();
    ensure!(
        other.is_empty(),
        "examples/consumer/Cargo.lock has other versions than Cargo.lock: copy that over it and run `cargo update --workspace` \
         there; they differ in {}",
        other.join(", ")
    );
    Ok(())
}

/// The packages in a lock file, such as `serde 1.0.228`.
fn locked(file: &Path) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines: Vec<&str> = text.lines().collect();
    let quoted = |line: &str, key: &str| Some(line.strip_prefix(key)?.trim_matches('"').to_owned());
    let package = |pair: &[&str]| {
        let name = quoted(pair[0], "name = ")?;
        Some(format!("{name} {}", quoted(pair[1], "version = ")?))
    };
    Ok(lines.windows(2).filter_map(package).collect())
}

/// Compiles both crates anew in an environment, with the lints and bans of the project.
fn check(library: &Path, consumer: &Path, variables: &[(&str, &str)]) -> Result<()> {
    // Cargo would call them fresh: it does not know that macros read the environment.
    touch(&library.join("src/lib.rs"))?;
    touch(&consumer.join("src/lib.rs"))?;
    let clippy = [
        "clippy",
        "--all-targets",
        "--color",
        "never",
        "--",
        "-D",
        "warnings",
    ];
    let output = cargo(consumer, &clippy)
        .env("CLIPPY_CONF_DIR", project("").canonicalize()?)
        .envs(variables.iter().copied())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the consumer does not compile:\n{told}"
    );
    for name in ["llm-trading-db", "journal"] {
        ensure!(
            told.contains(&format!(" {name} v")),
            "{name} was not checked, so this proves nothing:\n{told}"
        );
    }
    Ok(())
}

/// The consumer refreshes its cache from the unpacked crate's migrations and its own, as the guide says, and finds it as it was.
fn prepare_is_no_change(consumer: &Path) -> Result<()> {
    let before = contents(&consumer.join(".sqlx"))?;
    let path = consumer
        .to_str()
        .context("the folder has no readable name")?;
    let prepare = [
        "run",
        "--quiet",
        "--package",
        "cargo-checked-pg",
        "--",
        "prepare",
        path,
    ];
    must(&project(""), &prepare)?;
    ensure!(
        contents(&consumer.join(".sqlx"))? == before,
        "examples/consumer/.sqlx is stale: run `just prepare-consumer`"
    );
    Ok(())
}

/// The counter-proof: the macros did read the cache of the unpacked crate, and nothing else.
fn missing_entry_fails(library: &Path, consumer: &Path) -> Result<()> {
    let cache = library.join(".sqlx");
    let entry = names(&cache)?
        .into_iter()
        .find(|name| name.starts_with("query-"))
        .context("the package has no statement")?;
    fs::remove_file(cache.join(entry))?;
    match check(library, consumer, &[("DATABASE_URL", UNRELATED)]) {
        Ok(()) => bail!("the consumer compiles although an entry of the cache is missing"),
        Err(error) => ensure!(
            format!("{error:#}").contains("update the query cache"),
            "another failure than that of the missing entry: {error:#}"
        ),
    }
    eprintln!("and does not without one entry of the cache");
    Ok(())
}

fn touch(file: &Path) -> io::Result<()> {
    File::options()
        .write(true)
        .open(file)?
        .set_modified(SystemTime::now())
}
