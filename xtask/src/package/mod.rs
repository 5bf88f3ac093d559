//! The crates as others get them: packaged, unpacked outside of the project, and used by the crate in `examples/consumer`.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{file_name, project};

/// Without one of these the macros or the build script of the unpacked crate would miss something.
const WANTED: [&str; 7] = [
    "build.rs",
    "sqlx.toml",
    ".sqlx/migrations.lock",
    ".sqlx/statements.lock",
    ".sqlx/schema.lock",
    "README.md",
    "LICENSE-MIT",
];
/// A database that nobody can reach, and that nothing must try to.
const UNRELATED: &str = "postgres://nobody@unreachable.invalid/none";
/// The crates of the workspace that others use.
const CRATES: [&str; 5] = [
    "checked-pg",
    "checked-pg-build",
    "checked-pg-server",
    "cargo-checked-pg",
    "llm-trading-db",
];
/// How the consumer names the crates, and how its copy does, as if they came from a registry. The features are those of
/// README's demo, so that cargo compiles no dependency again.
const DEPENDENCIES: [(&str, &str); 3] = [
    (
        r#"{ path = "../..", features = ["embedded"] }"#,
        r#"{ version = "0.1", features = ["cli"] }"#,
    ),
    (r#"{ path = "../../crates/checked-pg" }"#, r#""0.1""#),
    (r#"{ path = "../../crates/checked-pg-build" }"#, r#""0.1""#),
];

/// Packages the crate and proves that it can be used.
pub fn run() -> Result<()> {
    let folder = env::temp_dir().join(format!("llm-trading-db-package-{}", std::process::id()));
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let outcome = prove(&folder);
    fs::remove_dir_all(&folder)?;
    outcome
}

fn prove(folder: &Path) -> Result<()> {
    let library = unpack(folder)?;
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
    manifest += "\n[patch.crates-io]\n";
    for name in CRATES {
        manifest += &format!("{name} = {{ path = \"../{name}\" }}\n");
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
        check(&library, &consumer, variables).with_context(|| format!("with {name}"))?;
        eprintln!("the consumer compiles with {name}");
    }
    must(&consumer, &["run", "--quiet"])?;
    must(&consumer, &["test", "--quiet", "--test", "journal"])?;
    prepare_is_no_change(&consumer)?;
    missing_entry_fails(&library, &consumer)
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

/// Packages the crates, unpacks them in `folder`, and says what is missing in the desk's.
fn unpack(folder: &Path) -> Result<PathBuf> {
    // What it would verify by building is built below, and by a user of it. Nor are the crates in a registry, in which a lock
    // file would look for them.
    let mut package = vec![
        "package",
        "--quiet",
        "--no-verify",
        "--allow-dirty",
        "--exclude-lockfile",
    ];
    package.extend(CRATES.iter().flat_map(|name| ["--package", name]));
    must(&project(""), &package)?;
    for name in CRATES {
        let packaged = format!("{name}-{}", version()?);
        let archive = target()?.join(format!("package/{packaged}.crate"));
        let unpacked = Command::new("tar")
            .arg("-xzf")
            .arg(&archive)
            .arg("-C")
            .arg(folder)
            .status()
            .context("cannot run tar")?;
        ensure!(
            unpacked.success(),
            "{} cannot be unpacked",
            archive.display()
        );
        fs::rename(folder.join(packaged), folder.join(name))?;
        for wanted in ["README.md", "LICENSE-MIT"] {
            ensure!(
                folder.join(name).join(wanted).exists(),
                "the package of {name} lacks {wanted}"
            );
        }
    }
    let library = folder.join("llm-trading-db");
    for name in WANTED {
        ensure!(library.join(name).exists(), "the package lacks {name}");
    }
    for name in [".sqlx", "migrations"] {
        ensure!(
            names(&library.join(name))? == names(&project(name))?,
            "the package lacks a file of {name}"
        );
    }
    Ok(library)
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

/// Cargo in `folder`, with the target folder of the project and without what the environment says of databases.
fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(folder).args(arguments);
    for name in [
        "DATABASE_URL",
        "LLM_TRADING_DB_BUILD_URL",
        "JOURNAL_BUILD_URL",
        "SQLX_OFFLINE",
        "SQLX_OFFLINE_DIR",
    ] {
        command.env_remove(name);
    }
    if let Ok(target) = target() {
        command.env("CARGO_TARGET_DIR", target);
    }
    command
}

fn must(folder: &Path, arguments: &[&str]) -> Result<()> {
    let status = cargo(folder, arguments).status()?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

/// The target folder that the project's own builds use.
fn target() -> Result<PathBuf> {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(env::current_dir()?.join(folder)),
        None => Ok(project("target").canonicalize()?),
    }
}

/// The version of the crate.
fn version() -> Result<String> {
    let manifest = fs::read_to_string(project("Cargo.toml"))?;
    let line = manifest.lines().find(|line| line.starts_with("version = "));
    let version = line.and_then(|line| line.split('"').nth(1));
    Ok(version.context("Cargo.toml names no version")?.to_owned())
}

fn touch(file: &Path) -> io::Result<()> {
    File::options()
        .write(true)
        .open(file)?
        .set_modified(SystemTime::now())
}

/// The names in a folder, in their order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(file_name(&entry?.path())?.to_owned());
    }
    names.sort();
    Ok(names)
}

/// The files in a folder by name, in their order.
fn contents(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let read = |name: String| Ok((name.clone(), fs::read(folder.join(&name))?));
    names(folder)?.into_iter().map(read).collect()
}

/// Copies a crate without what was built in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let (path, name) = {
            let entry = entry?;
            (entry.path(), entry.file_name())
        };
        if path.is_dir() {
            if name != "target" {
                copy(&path, &to.join(name))?;
            }
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
