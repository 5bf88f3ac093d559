//! The crates as others get them: packaged, unpacked outside of the project, and used there, as if they came from a registry.

mod consumer;
mod stranger;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

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
/// Packages the crates and proves that they can be used.
pub fn run() -> Result<()> {
    let folder = env::temp_dir().join(format!("llm-trading-db-package-{}", std::process::id()));
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let outcome = prove(&folder);
    fs::remove_dir_all(&folder)?;
    outcome
}

fn prove(folder: &Path) -> Result<()> {
    let library = unpack(folder)?;
    registry(folder)?;
    stranger::prove(folder)?;
    consumer::prove(folder, &library)
}

/// Below the folder, cargo finds the crates as if they came from a registry, and asks no real one.
fn registry(folder: &Path) -> Result<()> {
    let mut settings = "[net]\noffline = true\n\n[patch.crates-io]\n".to_owned();
    for name in CRATES {
        settings += &format!("{name} = {{ path = {:?} }}\n", folder.join(name));
    }
    fs::create_dir(folder.join(".cargo"))?;
    Ok(fs::write(folder.join(".cargo/config.toml"), settings)?)
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

/// Cargo in `folder`, with the target folder of the project and without what the environment says of databases.
fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(folder).args(arguments);
    for name in [
        "DATABASE_URL",
        "LLM_TRADING_DB_BUILD_URL",
        "JOURNAL_BUILD_URL",
        "LEDGER_BUILD_URL",
        "MARGINALIA_BUILD_URL",
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
