//! What only this repository does: `cargo run -p xtask -- TASK`, or `just TASK`.
//!
//! A binary of the crate could not do this: it does not compile while its query cache is stale.

#![expect(
    clippy::disallowed_methods,
    reason = "the catalog is read by statements that are not the crate's"
)]

mod guarantees;
mod meaning;
mod mutants;
mod package;
mod release;
mod reliability;
mod rust_mutants;
mod score;
mod ui;
mod versions;
mod walk_through;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, ensure};
use cargo_checked_pg::{
    Project,
    check::{rules, source, sql},
    migrations::file_name,
};
use checked_pg_server::EmbeddedServer;

const USAGE: &str = "usage: cargo run -p xtask -- TASK
tasks:
  reliability [ONLY]    break things under load and write docs/reliability.md; with a part of a fault's name, print that one only
  keep-release          keep the statements of this release, for the test of the next one
  on VERSION… [TESTS]   run the tests that depend on the server on this version of PostgreSQL
  package               package the crates and use them from outside: new crates, and examples/consumer
  mutants [EVERY]       make mistakes in the statements, all or each EVERY-th, and see what rejects them
  mutants publish DATE  all of them, with the result in docs/guarantees.md
  guarantees [--write]  put the mistakes of README's matrix into a new crate, and see what rejects them; or renew the matrix, too
  meaning [EVERY]       make mistakes of meaning in statements and migrations, and see which no test notices
  meaning named PART    only those whose name has this in it
  meaning publish DATE [EVERY]  the same, with the score in docs/guarantees.md
  rust [EVERY]          make mistakes in what is computed in Rust, and see which no test notices
  rust publish DATE [EVERY]  the same, with the score in docs/guarantees.md
  walk-through          follow docs/adding-a-query.md in a copy of the tree
  ui [--write]          see that every mistake of tests/ui is rejected, or renew its table in docs/guarantees.md, too";

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["keep-release"] => release::keep(),
        ["on", ref words @ ..] => versions::run(words),
        ["package"] => package::run(),
        ["reliability"] => reliability::run(None).await,
        ["reliability", only] => reliability::run(Some(only)).await,
        ["ui"] => ui::run(false).await,
        ["ui", "--write"] => ui::run(true).await,
        ["mutants"] => mutants::run(1, None).await,
        ["mutants", "publish", date] => mutants::run(1, Some(date.to_owned())).await,
        ["mutants", every] => sample(every).await,
        ["guarantees"] => guarantees::run(false),
        ["guarantees", "--write"] => guarantees::run(true),
        ["meaning"] => meaning::run(1, None, None).await,
        ["meaning", "publish", date] => meaning::run(1, None, Some(date)).await,
        ["meaning", "publish", date, every] => match whole(every) {
            Ok(every) => meaning::run(every, None, Some(date)).await,
            Err(error) => Err(error),
        },
        ["meaning", "named", part] => meaning::run(1, Some(part), None).await,
        ["meaning", every] => match whole(every) {
            Ok(every) => meaning::run(every, None, None).await,
            Err(error) => Err(error),
        },
        ["rust"] => rust_mutants::run(1, None),
        ["rust", "publish", date] => rust_mutants::run(1, Some(date)),
        ["rust", "publish", date, every] => {
            whole(every).and_then(|every| rust_mutants::run(every, Some(date)))
        }
        ["rust", every] => whole(every).and_then(|every| rust_mutants::run(every, None)),
        ["walk-through"] => walk_through::run(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A path of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The crate of this repository.
fn desk() -> Result<Project> {
    Project::open(&project(""))
}

/// A server with the migrations applied.
async fn migrated_server() -> Result<EmbeddedServer> {
    cargo_checked_pg::migrations::migrated_server(&desk()?).await
}

async fn sample(every: &str) -> Result<()> {
    mutants::run(whole(every)?, None).await
}

fn whole(every: &str) -> Result<usize> {
    let every = every.parse().ok().filter(|every| *every > 0);
    every.context("EVERY is a whole number from 1 on")
}

/// The commit of the tree, and whether it is changed.
fn commit() -> Result<String> {
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude", "*"])
        .current_dir(project(""))
        .output()?;
    ensure!(described.status.success(), "git describe failed");
    Ok(String::from_utf8(described.stdout)?.trim().to_owned())
}
