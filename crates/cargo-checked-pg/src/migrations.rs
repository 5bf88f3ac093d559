//! The migrations of a crate and of the crates below it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use checked_pg::{Config, Db};
use checked_pg_server::EmbeddedServer;
use sqlx::migrate::Migrator;

use crate::{Project, project::migrations_table};

/// How long the goodbye to a server may take.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// A server with the migrations of the crates below, then those of the crate applied.
pub async fn migrated_server(project: &Project) -> Result<EmbeddedServer> {
    let server = server_below(project).await?;
    apply(&server, project).await?;
    Ok(server)
}

/// A server with the migrations of the crates below.
pub(crate) async fn server_below(project: &Project) -> Result<EmbeddedServer> {
    let server = EmbeddedServer::temporary()?;
    for root in &project.below {
        run(&server, root).await?;
    }
    Ok(server)
}

/// Applies the migrations of the crate itself.
pub(crate) async fn apply(server: &EmbeddedServer, project: &Project) -> Result<()> {
    match project.path("migrations").is_dir() {
        true => run(server, &project.root).await,
        false => Ok(()),
    }
}

async fn run(server: &EmbeddedServer, root: &Path) -> Result<()> {
    let migrator = migrator(root).await?;
    let db = Db::connect(&Config::from_options(server.options())).await?;
    let applied = db.migrate_with(&migrator).await;
    applied.with_context(|| {
        let folder = root.join("migrations");
        format!("the migrations in {} do not apply", folder.display())
    })?;
    db.close(GOODBYE).await;
    Ok(())
}

/// The migrations in a crate's folder, with the table in which they are listed.
pub(crate) async fn migrator(root: &Path) -> Result<Migrator> {
    let mut migrator = Migrator::new(root.join("migrations").as_path()).await?;
    migrator.dangerous_set_table_name(migrations_table(root)?);
    Ok(migrator)
}

/// The migrations of the crate in their order.
pub fn list(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("migrations");
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The last part of a path, as text.
pub fn file_name(path: &Path) -> Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.with_context(|| format!("{} has no readable name", path.display()))
}

/// Starts the next migration; returns its path in the crate.
pub fn new(project: &Project, name: &str) -> Result<PathBuf> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        !name.is_empty() && name.chars().all(good),
        "a migration's name is of lower-case letters, digits and underscores, such as add_broker_to_accounts"
    );
    let number: u32 = match list(&project.root)?.pop() {
        None => 1,
        Some(path) => {
            let number = file_name(&path)?.split('_').next().unwrap_or_default();
            1 + number
                .parse::<u32>()
                .with_context(|| format!("{} does not begin with a number", path.display()))?
        }
    };
    let path = PathBuf::from(format!("migrations/{number:04}_{name}.sql"));
    let file = project.root.join(&path);
    if file.exists() {
        bail!("{} exists already", file.display());
    }
    fs::create_dir_all(project.path("migrations"))?;
    fs::write(&file, "-- What this changes, and why.\n\n")?;
    Ok(path)
}
