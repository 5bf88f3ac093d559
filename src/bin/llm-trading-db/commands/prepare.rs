//! `prepare`: refreshes the query cache of a crate that uses this one and has statements of its own.

use std::path::PathBuf;

use anyhow::Result;
use cargo_checked_pg::Project;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the crate, with its Cargo.toml, sqlx.toml and migrations
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Change nothing; fail if .sqlx is stale
    #[arg(long)]
    check: bool,
    /// Arguments for cargo instead of `--all-features --lib --bins`
    #[arg(last = true)]
    cargo: Vec<String>,
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    let project = Project::open(&args.folder)?;
    cargo_checked_pg::prepare::run(&project, args.check, &args.cargo).await
}
