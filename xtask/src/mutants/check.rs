//! The stages that compile: which mutants does the compiler reject?

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::{process::Command, time::timeout};

use super::{
    Mutant, Scope,
    tree::{Lines, Tree},
};
use crate::project;

const LIMIT: Duration = Duration::from_secs(900);

/// What the macros learn the types from.
pub enum Database {
    /// The committed cache.
    Cache,
    /// A server.
    Live(String),
}

/// Cargo in the tree, with the dependencies that the project has compiled already in `target`.
pub fn cargo(tree: &Tree, target: &str, database: &Database) -> Result<Command> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .current_dir(&tree.root)
        .env("CARGO_TARGET_DIR", project(target))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match database {
        Database::Cache => command
            .env("SQLX_OFFLINE", "true")
            .env_remove("LLM_TRADING_DB_BUILD_URL"),
        Database::Live(url) => command
            .env("SQLX_OFFLINE", "false")
            .env("LLM_TRADING_DB_BUILD_URL", url),
    };
    Ok(command)
}

/// Runs a command for as long as it may take.
pub async fn output(command: &mut Command, limit: Duration) -> Result<Output> {
    let output = timeout(limit, command.output()).await;
    Ok(output.with_context(|| format!("not done after {limit:.0?}"))??)
}

/// Compiles all mutants at once, takes out what is rejected, and again until nothing is: an error of one phase of the
/// compiler hides those of the next.
pub async fn run(tree: &Tree, mutants: &mut [Mutant], database: &Database) -> Result<()> {
    let (stage, log) = match database {
        Database::Cache => ("offline", project("target/mutants/offline.txt")),
        Database::Live(_) => ("live", project("target/mutants/live.txt")),
    };
    let started = Instant::now();
    let mut left: BTreeSet<usize> = (0..mutants.len()).collect();
    let mut errors = String::new();
    loop {
        let chosen: Vec<_> = left.iter().map(|n| (*n, &mutants[*n])).collect();
        let lines = tree.write(&chosen, false)?;
        // As `prepare` does it.
        let mut check = cargo(tree, "target/prepare", database)?;
        check.args(["check", "--package", "llm-trading-db", "--all-features"]);
        check.args(["--lib", "--message-format=json"]);
        let output = output(&mut check, LIMIT).await?;
        let rejected = rejected(&output, &lines)?;
        if rejected.is_empty() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{stderr}");
            break;
        }
        for (n, error) in rejected {
            left.remove(&n);
            let mutant = &mut mutants[n];
            let (place, control) = (&mutant.place, mutant.is_control());
            ensure!(!control, "{place} is rejected without a mistake:\n{error}");
            match database {
                Database::Cache => mutant.fate.offline = true,
                Database::Live(_) => mutant.fate.live = true,
            }
            errors += &format!("{}\n{error}\n", mutant.name());
        }
        let (left, all) = (left.len(), mutants.len());
        eprintln!("{stage}: {left} of {all} left, {:.0?}", started.elapsed());
    }
    // For whoever wants to see why.
    fs::write(log, errors)?;
    Ok(())
}

/// The mutants in whose lines an error is, with the first one.
fn rejected(output: &Output, lines: &Lines) -> Result<BTreeMap<usize, String>> {
    let mut rejected = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: Value = serde_json::from_str(line)?;
        let message = &line["message"];
        if line["reason"] != "compiler-message" || message["level"] != "error" {
            continue;
        }
        let spans = message["spans"].as_array().map_or(&[][..], Vec::as_slice);
        if spans.is_empty() {
            continue;
        }
        let rendered = message["rendered"].as_str().unwrap_or_default();
        let primary = spans.iter().filter(|span| span["is_primary"] == true);
        let Some(n) = primary.chain(spans).find_map(|span| mutant_at(span, lines)) else {
            bail!("an error that is no mutant's:\n{rendered}");
        };
        rejected.entry(n).or_insert_with(|| rendered.to_owned());
    }
    Ok(rejected)
}

/// The mutant whose lines a span is in, or the macro call that it comes from.
fn mutant_at(span: &Value, lines: &Lines) -> Option<usize> {
    let file = Path::new(span["file_name"].as_str()?);
    let line = usize::try_from(span["line_start"].as_u64()?).ok()?;
    let of_file = lines.get(file).map_or(&[][..], Vec::as_slice);
    let found = of_file.iter().find(|(lines, _)| lines.contains(&line));
    match found {
        Some((_, n)) => Some(*n),
        None => mutant_at(span["expansion"].as_object().map(|e| &e["span"])?, lines),
    }
}

/// Whether a test can call it.
pub fn is_callable(mutant: &Mutant) -> bool {
    mutant.scope == Scope::Function
}
