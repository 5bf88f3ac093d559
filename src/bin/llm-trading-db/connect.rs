//! Finds the database: the one that is named, else a private server.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use llm_trading_db::{
    config::Config,
    db::{Db, MigrationState},
    embedded::EmbeddedServer,
};

use crate::Target;

/// A database for one command.
pub struct Session {
    /// The database.
    pub db: Db,
    /// The private server it is on, if it is.
    server: Option<EmbeddedServer>,
}

/// Variables any of which means that a database is named.
const NAMED_BY: [&str; 3] = ["DATABASE_HOST", "DATABASE_NAME", "DATABASE_PORT"];

/// Connects. A private server is brought up to date; somebody's database is left as it is.
pub async fn open(target: &Target) -> Result<Session> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let named = target.database_url.is_some() || NAMED_BY.iter().any(|name| set(name).is_some());
    if named {
        if target.data_dir.is_some() {
            bail!(
                "--data-dir is for the private server; leave it out, or unset the variables that name a database"
            );
        }
        let config = Config::from_vars(|name| match name {
            "DATABASE_URL" => target.database_url.clone(),
            name => set(name),
        })?;
        return Ok(Session {
            db: Db::connect(&config).await?,
            server: None,
        });
    }
    let folder = match &target.data_dir {
        Some(folder) => folder.clone(),
        None => default_folder()?,
    };
    let server = EmbeddedServer::persistent(&folder)?;
    let db = Db::connect(&Config::from_options(server.options())).await?;
    db.migrate().await?;
    Ok(Session {
        db,
        server: Some(server),
    })
}

/// The user's data folder. For root a system folder: the server then runs as another user, who cannot enter /root.
fn default_folder() -> Result<PathBuf> {
    const NAME: &str = "llm-trading-db";
    if let Some(folder) = std::env::var_os("XDG_DATA_HOME").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder).join(NAME));
    }
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .context("HOME is not set: name a folder with --data-dir")?;
    if home == std::path::Path::new("/root") {
        return Ok(PathBuf::from("/var/lib").join(NAME));
    }
    Ok(home.join(".local/share").join(NAME))
}

impl Session {
    /// Fails unless the schema is that of this program.
    pub async fn require_schema(&self) -> Result<()> {
        for migration in self.db.migrations().await? {
            let version = migration.version;
            match migration.state {
                MigrationState::Applied => {}
                MigrationState::Pending => {
                    bail!("the database lacks migration {version}: run `llm-trading-db migrate`");
                }
                MigrationState::Unknown => bail!(
                    "the database has migration {version}, which this program does not know: \
                     a newer version migrated it, so run that version or a later one"
                ),
                _ => bail!(
                    "migration {version} is not the one that was applied to the database: restore its file"
                ),
            }
        }
        Ok(())
    }

    /// Says goodbye to the server, and stops it if it is private.
    pub async fn close(self) -> Result<()> {
        self.db.close(Duration::from_secs(5)).await;
        drop(self.db);
        if let Some(server) = self.server {
            server.stop()?;
        }
        Ok(())
    }
}
