//! The query cache `.sqlx` and its locks: what they hold, and whether they are of these sources and migrations.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::source::Call;
use crate::migrations::{file_name, list};

/// The migrations that the cache was made of.
pub(crate) const MIGRATIONS: &str = "migrations.lock";
/// Where in the sources each statement is.
pub(crate) const STATEMENTS: &str = "statements.lock";
/// The names of constraints, indexes and defaults.
pub(crate) const SCHEMA: &str = "schema.lock";

#[derive(Deserialize)]
struct Entry {
    query: String,
}

/// What is stale in the cache of a crate; the mend is always to prepare.
pub fn stale(root: &Path, calls: &[Call]) -> Result<Vec<String>> {
    const MEND: &str = "run `cargo checked-pg prepare`";
    let cache = root.join(".sqlx");
    let entries = entries(&cache)?;
    let wanted: BTreeMap<String, &Call> = calls
        .iter()
        .map(|call| (entry_name(&call.sql), call))
        .collect();
    let missing = wanted.iter().filter(|(name, _)| !entries.contains(*name));
    let mut stale: Vec<String> = missing
        .map(|(_, call)| {
            format!(
                "{}:{} has no entry in .sqlx; {MEND}",
                call.file.display(),
                call.line
            )
        })
        .collect();
    for name in &entries {
        if !wanted.contains_key(name) {
            stale.push(format!(".sqlx/{name} is of no statement; {MEND}"));
        }
        let path = cache.join(name);
        let content = fs::read(&path).with_context(|| path.display().to_string())?;
        let held: Option<Entry> = serde_json::from_slice(&content).ok();
        if held.is_none_or(|entry| entry_name(&entry.query) != *name) {
            stale.push(format!(
                ".sqlx/{name} holds another statement than it is named after; {MEND}"
            ));
        }
    }
    // Without the migrations' lock, a change of the schema would leave the offline build green.
    let locks = [
        (STATEMENTS, "statements", statements_lock(calls)),
        (MIGRATIONS, "migrations", migrations_lock(root)?),
    ];
    for (lock, of, now) in locks {
        let stored = fs::read_to_string(cache.join(lock)).unwrap_or_default();
        if stored != now {
            stale.push(format!(".sqlx/{lock} is of other {of}; {MEND}"));
        }
    }
    Ok(stale)
}

/// The entries of a cache by name; none if there is no cache.
fn entries(cache: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    if cache.is_dir() {
        for entry in fs::read_dir(cache)? {
            let path = entry?.path();
            let name = file_name(&path)?;
            if name.starts_with("query-") {
                names.insert(name.to_owned());
            }
        }
    }
    Ok(names)
}

/// The file in which sqlx keeps what it knows of a statement.
fn entry_name(sql: &str) -> String {
    format!("query-{}.json", hex(sql.as_bytes()))
}

/// One line per statement and place in the sources, so that a running program can say whose statement it is.
pub(crate) fn statements_lock(calls: &[Call]) -> String {
    let lines: BTreeSet<String> = calls
        .iter()
        .map(|call| format!("{}  {}\n", hex(call.sql.as_bytes()), call.place))
        .collect();
    lines.into_iter().collect()
}

/// One line per migration, as `sha256sum` writes it.
pub(crate) fn migrations_lock(root: &Path) -> Result<String> {
    let mut lock = String::new();
    for path in list(root)? {
        lock += &format!("{}  {}\n", hex(&fs::read(&path)?), file_name(&path)?);
    }
    Ok(lock)
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
