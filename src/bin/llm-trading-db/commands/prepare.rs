//! `prepare`: refreshes the query cache of a crate that uses this one and has statements of its own.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use llm_trading_db::{config::Config, db::Db, embedded::EmbeddedServer};
use sqlx::migrate::Migrator;

use super::count;
use crate::output;

/// What the macros read unless sqlx.toml says otherwise.
const DEFAULT_VARIABLE: &str = "DATABASE_URL";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the crate, with its Cargo.toml, sqlx.toml and migrations
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub(crate) async fn run(args: &Args) -> Result<()> {
    let folder = fs::canonicalize(&args.folder)
        .with_context(|| format!("cannot find {}", args.folder.display()))?;
    let settings = folder.join("sqlx.toml");
    let settings = fs::read_to_string(&settings)
        .with_context(|| format!("cannot read {}", settings.display()))?;

    let server = EmbeddedServer::temporary()?;
    migrate(&server, &folder.join("migrations")).await?;
    // Beside the cache, so that a failure leaves that as it was.
    let recorded = folder.join(".sqlx.new");
    remove(&recorded)?;
    fs::create_dir(&recorded).with_context(|| format!("cannot make {}", recorded.display()))?;
    let compiled = compile(&folder, variable(&settings), &server.url(), &recorded);
    let replaced = compiled.and_then(|()| replace(&folder.join(".sqlx"), &recorded));
    remove(&recorded)?;
    let statements = replaced?;
    server.stop()?;
    output::text(&format!(
        "{} in {}",
        count(statements, "statement"),
        folder.join(".sqlx").display()
    ))
}

/// Our tables, then those of the crate.
async fn migrate(server: &EmbeddedServer, migrations: &Path) -> Result<()> {
    let db = Db::connect(&Config::from_options(server.options())).await?;
    db.migrate().await?;
    if migrations.exists() {
        let mut migrator = Migrator::new(migrations).await?;
        migrator.dangerous_set_table_name("prepare_migrations");
        db.migrate_with(&migrator)
            .await
            .with_context(|| format!("the migrations in {} do not apply", migrations.display()))?;
    }
    Ok(())
}

/// Compiles the crate against the database, so that every macro describes its statement there and records it.
fn compile(folder: &Path, variable: &str, url: &str, recorded: &Path) -> Result<()> {
    let cargo = || {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or(OsString::from("cargo")));
        cargo.current_dir(folder);
        cargo
    };
    // The name of the package; and its dependencies are resolved and fetched now, while nothing leads to the server.
    let tree = cargo()
        .args(["tree", "--quiet", "--depth", "0", "--prefix", "none"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        tree.status.success(),
        "cargo cannot read the crate, see above"
    );
    let tree = String::from_utf8(tree.stdout)?;
    let package = tree.split(' ').next().unwrap_or_default();
    // The macros run only if the crate is compiled.
    let cleaned = cargo()
        .args(["clean", "--quiet", "--package", package])
        .status()?;
    ensure!(cleaned.success(), "cargo clean failed, see above");
    let checked = cargo()
        .args(["check", "--quiet", "--all-targets"])
        .env(variable, url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", recorded)
        .status()?;
    ensure!(
        checked.success(),
        "the crate does not compile against this schema, see above; .sqlx is as it was"
    );
    Ok(())
}

/// The variable that names the database to build against.
fn variable(settings: &str) -> &str {
    settings
        .lines()
        .find_map(|line| line.trim().strip_prefix("database-url-var"))
        .and_then(|rest| rest.split(['"', '\'']).nth(1))
        .unwrap_or(DEFAULT_VARIABLE)
}

/// Puts the recorded entries in the place of the old ones; gives how many there are.
fn replace(cache: &Path, recorded: &Path) -> Result<u64> {
    fs::create_dir_all(cache)?;
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("query-") {
            fs::remove_file(entry.path())?;
        }
    }
    let mut statements = 0;
    for entry in fs::read_dir(recorded)? {
        let entry = entry?;
        fs::rename(entry.path(), cache.join(entry.file_name()))?;
        statements += 1;
    }
    Ok(statements)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_that_of_the_settings() {
        let settings = "[common]\n# a word\ndatabase-url-var = \"JOURNAL_BUILD_URL\"\n";
        assert_eq!(variable(settings), "JOURNAL_BUILD_URL");
        assert_eq!(variable("[macros]\n"), "DATABASE_URL");
    }
}
