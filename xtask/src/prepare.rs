//! The query cache: what the macros learn from a live database, recorded for builds without one.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection};

use crate::{embedded::EmbeddedServer, file_name, migrated_server, migrations, project, source};

/// The migrations that the cache was made of.
const MIGRATIONS: &str = "migrations.lock";
/// Where in the sources each statement is.
const STATEMENTS: &str = "statements.lock";
/// The names of constraints, indexes and defaults.
const SCHEMA: &str = "schema.lock";

/// Refreshes `.sqlx`, or says what is stale in it.
pub async fn run(check: bool) -> Result<()> {
    let server = migrated_server().await?;
    let target = project("target/prepare");
    let recorded = target.join("recorded");
    match fs::remove_dir_all(&recorded) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&recorded)?,
    }
    let recorded = recorded.canonicalize()?;
    expand(&target, &recorded, &server.url())?;
    let schema = schema_lock(&server).await?;
    server.stop()?;

    let mut fresh = entries(&recorded)?;
    ensure!(!fresh.is_empty(), "no statement was recorded");
    let statements = fresh.len();
    fresh.insert(MIGRATIONS.to_owned(), migrations_lock()?);
    fresh.insert(STATEMENTS.to_owned(), statements_lock()?);
    fresh.insert(SCHEMA.to_owned(), schema);
    let cache = project(".sqlx");
    fs::create_dir_all(&cache)?;
    let stored = entries(&cache)?;
    let stale = differences(&stored, &fresh);
    if check {
        ensure!(
            stale.is_empty(),
            "run `just prepare`; stale in .sqlx:\n{}",
            stale.join("\n")
        );
        eprintln!("{statements} statements, all fresh");
        return Ok(());
    }
    for name in stored.keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(cache.join(name))?;
    }
    for (name, content) in fresh
        .iter()
        .filter(|(name, content)| stored.get(*name) != Some(content))
    {
        fs::write(cache.join(name), content)?;
    }
    eprintln!("{statements} statements, {} changes in .sqlx", stale.len());
    Ok(())
}

/// Compiles the crate against the database, so that every macro describes its statement there and records it.
///
/// In a target folder of its own, or the next offline build would start from scratch.
fn expand(target: &Path, recorded: &Path, url: &str) -> Result<()> {
    let cargo = || {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command
            .current_dir(project(""))
            .env("CARGO_TARGET_DIR", target);
        command
    };
    // The macros run only if the crate is compiled.
    let cleaned = cargo()
        .args(["clean", "--quiet", "--package", "llm-trading-db"])
        .status()?;
    ensure!(cleaned.success(), "cargo clean failed");
    let checked = cargo()
        .args([
            "check",
            "--package",
            "llm-trading-db",
            "--all-features",
            "--lib",
            "--bins",
        ])
        .env("LLM_TRADING_DB_BUILD_URL", url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", recorded)
        .status()?;
    ensure!(
        checked.success(),
        "a statement does not fit the schema, see above"
    );
    Ok(())
}

/// The cache's files by name.
fn entries(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = file_name(&path)?.to_owned();
        let known = [MIGRATIONS, STATEMENTS, SCHEMA].contains(&name.as_str())
            || (name.starts_with("query-") && name.ends_with(".json"));
        if !known {
            bail!("{} does not belong in the query cache", path.display());
        }
        entries.insert(
            name,
            fs::read(&path).with_context(|| path.display().to_string())?,
        );
    }
    Ok(entries)
}

/// One line per migration, as `sha256sum` writes it.
fn migrations_lock() -> Result<Vec<u8>> {
    let line = |path: &PathBuf| -> Result<String> {
        Ok(format!("{}  {}\n", hex(&fs::read(path)?), file_name(path)?))
    };
    let lines: Result<String> = migrations()?.iter().map(line).collect();
    Ok(lines?.into_bytes())
}

/// One line per statement and place in the sources, so that a running program can say whose statement it is.
fn statements_lock() -> Result<Vec<u8>> {
    let calls = source::calls_below(&project(""), "src")?;
    let lines: BTreeSet<String> = calls
        .iter()
        .map(|call| format!("{}  {}\n", hex(call.sql.as_bytes()), call.place))
        .collect();
    Ok(lines.into_iter().collect::<String>().into_bytes())
}

/// One line per rule, as a running program lists them on its own database.
async fn schema_lock(server: &EmbeddedServer) -> Result<Vec<u8>> {
    let mut db = PgConnection::connect_with(&server.options()).await?;
    let list = include_str!("../../src/db/verify/rules.sql");
    let rules: Vec<String> = sqlx::query_scalar(list).fetch_all(&mut db).await?;
    db.close().await?;
    Ok((rules.join("\n") + "\n").into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn differences(
    stored: &BTreeMap<String, Vec<u8>>,
    fresh: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let missing = fresh
        .keys()
        .filter(|name| !stored.contains_key(*name))
        .map(|name| format!("missing: {name}"));
    let changed = fresh.iter().filter_map(|(name, content)| {
        let old = stored.get(name)?;
        (old != content).then(|| format!("changed: {name}"))
    });
    let unused = stored
        .keys()
        .filter(|name| !fresh.contains_key(*name))
        .map(|name| format!("unused: {name}"));
    missing.chain(changed).chain(unused).collect()
}
