//! `cargo checked-pg`: keeps the query cache, the locks and the source rules of a crate on `checked-pg`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use cargo_checked_pg::{Project, check, doctor, migrations, mutants, new, prepare, schema};
use checked_pg::Config;
use clap::{Parser, Subcommand};

/// Keeps the query cache, the locks and the source rules of a crate on `checked-pg`.
#[derive(Debug, Parser)]
#[command(name = "cargo checked-pg", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a crate with a table, a key, a document and tests, all of it checked
    New(new::Request),
    /// Refresh .sqlx from the statements and migrations, on a throwaway server
    Prepare {
        /// Change nothing; fail if .sqlx is stale
        #[arg(long)]
        check: bool,
        /// Folder of the crate
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Arguments for cargo instead of `--all-features --lib --bins`
        #[arg(last = true)]
        cargo: Vec<String>,
    },
    /// Compile against the query cache, and check the sources, the bans, the cache and the locks; needs no database
    Check {
        /// Folder of the crate
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Arguments for cargo instead of `--all-features --lib --bins`
        #[arg(last = true)]
        cargo: Vec<String>,
    },
    /// Write docs/schema.md from a migrated throwaway server
    Schema {
        /// Change nothing; fail if the page is stale
        #[arg(long)]
        check: bool,
        /// Folder of the crate
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Compare a live database with the recorded migrations and statements
    Doctor {
        /// Database, postgres://user:password@host:port/database [env: DATABASE_URL, or DATABASE_HOST and so on, or libpq's]
        #[arg(long, value_name = "URL")]
        database_url: Option<String>,
        /// Show the report as JSON
        #[arg(long)]
        json: bool,
        /// Folder of the crate
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Print a clippy.toml with the bans that `check` asks for
    Bans,
    /// Make mistakes of meaning in the statements and migrations, one at a time, and see which of them no test notices
    Mutants {
        /// Only each so many-th mutant of a kind
        #[arg(long, default_value_t = 1)]
        every: usize,
        /// Only mutants whose name has this in it
        #[arg(long)]
        named: Option<String>,
        /// Say what mutants there are, and run no test
        #[arg(long)]
        list: bool,
        /// Run only tests whose names have this in them
        #[arg(long = "test")]
        tests: Vec<String>,
        /// Leave out tests whose names have this in them
        #[arg(long)]
        skip: Vec<String>,
        /// Folder of the crate
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Arguments for `cargo test` instead of `--all-features --tests`
        #[arg(last = true)]
        cargo: Vec<String>,
    },
    /// Start the next migration
    NewMigration {
        /// What it does, such as add_broker_to_accounts
        name: String,
        /// Folder of the crate
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    // Cargo passes the name of the subcommand on.
    let mut args: Vec<_> = std::env::args_os().collect();
    if args.get(1).is_some_and(|first| first == "checked-pg") {
        args.remove(1);
    }
    match run(Args::parse_from(args).command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::New(request) => new::run(&request).await,
        Command::Bans => {
            print!("{}", new::bans());
            Ok(())
        }
        Command::Prepare {
            check,
            folder,
            cargo,
        } => prepare::run(&Project::open(&folder)?, check, &cargo).await,
        Command::Mutants {
            every,
            named,
            list,
            tests,
            skip,
            folder,
            cargo,
        } => {
            let request = mutants::Request {
                every,
                named,
                list,
                tests,
                skipped: skip,
                cargo,
            };
            let outcome = mutants::run(&Project::open(&folder)?, &request).await?;
            if !list {
                print!("{}", outcome.table());
            }
            outcome.verdict()
        }
        Command::Check { folder, cargo } => check::run(&Project::open(&folder)?, &cargo),
        Command::Schema { check, folder } => schema::run(&Project::open(&folder)?, check).await,
        Command::Doctor {
            database_url,
            json,
            folder,
        } => {
            let config = match database_url {
                Some(url) => Config::from_url(&url)?,
                None => Config::from_env()?,
            };
            doctor::run(&Project::open(&folder)?, &config, json).await
        }
        Command::NewMigration { name, folder } => {
            let path = migrations::new(&Project::open(&folder)?, &name)?;
            println!("{}", path.display());
            Ok(())
        }
    }
}
