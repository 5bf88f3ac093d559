//! Tasks that need a database of their own: `cargo run -p xtask -- TASK`, or `just TASK`.
//!
//! A binary of the crate could not do this: it does not compile while its query cache is stale.

#![expect(
    clippy::disallowed_methods,
    reason = "the catalog is read by statements that are not the crate's"
)]

mod mutants;
mod package;
mod prepare;
mod rules;
mod schema;
#[allow(
    dead_code,
    reason = "the offline tests read more of a call than the tasks do"
)]
mod source;
mod sql;
mod ui;
mod walk_through;

// The launcher the crate itself has, compiled a second time.
#[path = "../../src/embedded/mod.rs"]
#[allow(dead_code, reason = "the tasks need a part of it")]
mod embedded;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail, ensure};
use embedded::EmbeddedServer;
use sqlx::{Connection, PgConnection, migrate::Migrator};

const USAGE: &str = "usage: cargo run -p xtask -- TASK
tasks:
  prepare [--check]     refresh .sqlx from the statements and migrations, or fail if it is stale
  schema [--check]      write docs/schema.md from a migrated database, or fail if it is stale
  package               package the crate and use it from outside, as examples/consumer does
  new-migration NAME    start the next migration
  mutants [EVERY]       make mistakes in the statements, all or each EVERY-th, and see what rejects them
  mutants publish DATE  all of them, with the result in docs/guarantees.md
  walk-through          follow docs/adding-a-query.md in a copy of the tree
  ui [--write]          see that every mistake of tests/ui is rejected, or renew its table in docs/guarantees.md, too";

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["prepare"] => prepare::run(false).await,
        ["prepare", "--check"] => prepare::run(true).await,
        ["schema"] => schema::run(false).await,
        ["schema", "--check"] => schema::run(true).await,
        ["package"] => package::run(),
        ["ui"] => ui::run(false).await,
        ["ui", "--write"] => ui::run(true).await,
        ["new-migration", name] => new_migration(name),
        ["mutants"] => mutants::run(1, None).await,
        ["mutants", "publish", date] => mutants::run(1, Some(date.to_owned())).await,
        ["mutants", every] => sample(every).await,
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

/// A server with the migrations applied.
async fn migrated_server() -> Result<EmbeddedServer> {
    let server = EmbeddedServer::temporary()?;
    let migrator = Migrator::new(project("migrations")).await?;
    let mut connection = PgConnection::connect_with(&server.options()).await?;
    migrator
        .run(&mut connection)
        .await
        .context("the migrations do not apply")?;
    connection.close().await?;
    Ok(server)
}

/// The migrations in their order.
fn migrations() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(project("migrations"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn file_name(path: &Path) -> Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.with_context(|| format!("{} has no readable name", path.display()))
}

fn new_migration(name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        !name.is_empty() && name.chars().all(good),
        "a migration's name is of lower-case letters, digits and underscores, such as add_broker_to_accounts"
    );
    let last = migrations()?.pop();
    let number: u32 = match &last {
        None => 1,
        Some(path) => {
            let number = file_name(path)?.split('_').next().unwrap_or_default();
            1 + number
                .parse::<u32>()
                .with_context(|| format!("{} does not begin with a number", path.display()))?
        }
    };
    let path = project(&format!("migrations/{number:04}_{name}.sql"));
    if path.exists() {
        bail!("{} exists already", path.display());
    }
    fs::write(&path, "-- What this changes, and why.\n\n")?;
    println!("migrations/{number:04}_{name}.sql");
    Ok(())
}

async fn sample(every: &str) -> Result<()> {
    let every = every.parse().ok().filter(|every| *every > 0);
    let every = every.context("EVERY is a whole number from 1 on")?;
    mutants::run(every, None).await
}
