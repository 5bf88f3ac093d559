//! Which database: one that is given, or that of a private server.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use llm_trading_db::{
    config::{self, Config},
    db::{Db, MigrationState},
    embedded::{EmbeddedError, EmbeddedServer},
    error::Error,
    repo::compat,
};
use sqlx::{Postgres, migrate::MigrateDatabase};
use tokio::task::spawn_blocking;

use crate::commands::count;

/// Database of a private server.
const DATABASE: &str = "llm_trading";
/// Any of these, unless empty, names a database.
const VARIABLES: [&str; 7] = [
    "DATABASE_URL",
    "DATABASE_HOST",
    "DATABASE_PORT",
    "DATABASE_NAME",
    "DATABASE_USER",
    "DATABASE_PASSWORD",
    "DATABASE_PASSWORD_FILE",
];
/// How long a goodbye to the server may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where the data is.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Database to use, postgres://user:password@host:port/database [env: DATABASE_URL, or DATABASE_HOST, DATABASE_PORT,
    /// DATABASE_NAME, DATABASE_USER and DATABASE_PASSWORD]
    #[arg(long, global = true, value_name = "URL", value_parser = clap::builder::NonEmptyStringValueParser::new(), conflicts_with = "data_dir")]
    database_url: Option<String>,

    /// File that holds the password of the database, so that none stands in the list of processes; read for each new connection
    /// [env: DATABASE_PASSWORD_FILE]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "data_dir")]
    password_file: Option<PathBuf>,

    /// Without a database: folder of a private PostgreSQL server, made on first use [default: ~/.local/share/llm-trading-db,
    /// as root /var/lib/llm-trading-db]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What a command asks of its database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    /// All migrations, and no unknown ones.
    pub(crate) schema: bool,
    /// Transactions that wait for a slow input are not ended.
    pub(crate) patience: bool,
}

/// A connection to the database, and the server that it keeps alive.
#[derive(Debug)]
pub(crate) struct Session {
    // Dropped in this order: first the connections, then their server.
    pub(crate) db: Db,
    server: Option<EmbeddedServer>,
    place: String,
}

impl Target {
    /// Connects to the given database, or starts the private server. That one is brought up to date; a given one never is
    /// without being asked.
    pub(crate) async fn connect(&self, needs: Needs) -> Result<Session> {
        let session = match self.config()? {
            Some(config) => {
                let config = adapt(config, needs);
                let place = config.place();
                let db = Db::connect(&config).await?;
                Session {
                    db,
                    server: None,
                    place,
                }
            }
            None => {
                let folder = self.folder()?;
                let data = folder.clone();
                let server = aside(move || EmbeddedServer::persistent(&data)).await?;
                let place = format!("{DATABASE} of the private server in {}", folder.display());
                Session::on(server, place, |config| adapt(config, needs)).await?
            }
        };
        if let Some(schema) = compat::find_in_front(&session.db).await? {
            bail!(
                "the search_path of this session begins with {schema}, which is for programs of the Python layer: set it for their \
                 role (ALTER ROLE … SET search_path), not for this one or the database"
            );
        }
        if needs.schema {
            session.require_schema().await?;
        }
        Ok(session)
    }

    /// The given database, if one is. A folder on the command line goes before a database in the environment.
    fn config(&self) -> Result<Option<Config>> {
        let password_file = match &self.password_file {
            Some(file) => {
                let file = file.to_str();
                Some(file.context("--password-file: expected UTF-8 text")?)
            }
            None => None,
        };
        if self.database_url.is_some() || password_file.is_some() {
            let vars = |name: &str| match (name, &self.database_url, password_file) {
                ("DATABASE_URL", Some(url), _) => Some(url.clone()),
                ("DATABASE_PASSWORD_FILE", _, Some(file)) => Some(file.to_owned()),
                _ => env::var(name).ok(),
            };
            return Ok(Some(config::from_vars(vars)?));
        }
        let given = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        if self.data_dir.is_some() {
            return Ok(None);
        }
        if !VARIABLES.into_iter().any(given) {
            refuse_unread(Path::new(".env"))?;
            return Ok(None);
        }
        Ok(Some(config::from_env()?))
    }

    fn folder(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.data_dir {
            return Ok(folder.clone());
        }
        let folder = default_folder(we_are_root(), |name| env::var_os(name));
        folder.context("there is no home folder for the data: give --data-dir or --database-url")
    }
}

/// Refuses a private server beside a file that names a database: the Python layer reads it, and this program does not.
fn refuse_unread(file: &Path) -> Result<()> {
    // Some call the folder of a virtual environment like this.
    if !file.is_file() {
        return Ok(());
    }
    let bytes = fs::read(file).with_context(|| {
        format!(
            "cannot see whether {} names a database, which --data-dir would leave aside",
            file.display()
        )
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let Some(variable) = text.lines().find_map(names_database) else {
        return Ok(());
    };
    bail!(
        "{file} sets {variable}, and is not read: run `set -a; . ./{file}; set +a` first to use that database, or give --data-dir for \
         a private server",
        file = file.display(),
    );
}

/// The variable that this line of a `.env` sets, if it names a database.
fn names_database(line: &str) -> Option<&'static str> {
    let line = line.trim_start();
    let (name, value) = line
        .strip_prefix("export ")
        .unwrap_or(line)
        .split_once('=')?;
    let is_set = !value.trim().trim_matches(['"', '\'']).is_empty();
    let named = |variable: &&str| is_set && name.trim().eq_ignore_ascii_case(variable);
    VARIABLES.into_iter().find(named)
}

/// Runs what blocks on a thread of its own, so that a signal counts meanwhile. The server stops with this process in any case.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbeddedError> + Send + 'static,
) -> Result<T> {
    Ok(spawn_blocking(work).await??)
}

impl Session {
    /// A server of our own: its database is made if need be, and brought up to date.
    pub(crate) async fn on(
        server: EmbeddedServer,
        place: String,
        adapt: impl FnOnce(Config) -> Config,
    ) -> Result<Self> {
        ensure_database(&server.url_for(DATABASE)).await?;
        let config = adapt(Config::from_options(server.options_for(DATABASE)));
        let db = Db::connect(&config).await?;
        db.migrate(&llm_trading_db::SCHEMA).await?;
        Ok(Self {
            db,
            server: Some(server),
            place,
        })
    }

    /// Which database this is, for people; no password.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the server is one of our own.
    pub(crate) fn is_private(&self) -> bool {
        self.server.is_some()
    }

    /// Says goodbye, and stops a server of our own.
    pub(crate) async fn close(self) -> Result<()> {
        if !self.db.close(GOODBYE).await {
            tracing::warn!("a connection was still busy and is cut");
        }
        if let Some(server) = self.server {
            aside(move || server.stop()).await?;
        }
        Ok(())
    }

    async fn require_schema(&self) -> Result<()> {
        let mut pending = 0;
        for migration in self.db.migrations(&llm_trading_db::SCHEMA).await? {
            migration.check()?;
            if migration.state == MigrationState::Pending {
                pending += 1;
            }
        }
        if pending > 0 {
            if let Some(objection) = self.db.objection(&llm_trading_db::SCHEMA).await? {
                bail!("{objection}");
            }
            bail!(
                "the database lacks {}: run `llm-trading-db migrate` first",
                count(pending, "migration")
            );
        }
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the database must be there before there can be a pool of its connections"
)]
async fn ensure_database(url: &str) -> Result<(), Error> {
    if !Postgres::database_exists(url).await? {
        Postgres::create_database(url).await?;
    }
    Ok(())
}

fn adapt(config: Config, needs: Needs) -> Config {
    if needs.patience {
        config.idle_in_transaction_timeout(Duration::ZERO)
    } else {
        config
    }
}

/// The user's data folder. Root's server runs as another user, who cannot enter root's home.
fn default_folder(root: bool, var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    const NAME: &str = "llm-trading-db";
    let absolute = |name| {
        var(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if root {
        return Some(Path::new("/var/lib").join(NAME));
    }
    absolute("XDG_DATA_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/share")))
        .map(|data| data.join(NAME))
}

/// Asks the system's `id`: without unsafe code there is no other way.
fn we_are_root() -> bool {
    let output = Command::new("id").arg("-u").stderr(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_goes_to_the_user_s_folder() {
        let folder = |root, vars: &[(&str, &str)]| {
            default_folder(root, |name| {
                let found = vars.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.into())
            })
        };
        let home = ("HOME", "/home/desk");
        let cases = [
            (true, vec![home], Some("/var/lib/llm-trading-db")),
            (
                false,
                vec![home],
                Some("/home/desk/.local/share/llm-trading-db"),
            ),
            (
                false,
                vec![home, ("XDG_DATA_HOME", "/data")],
                Some("/data/llm-trading-db"),
            ),
            (
                false,
                vec![home, ("XDG_DATA_HOME", "data")],
                Some("/home/desk/.local/share/llm-trading-db"),
            ),
            (false, vec![], None),
        ];
        for (root, vars, expected) in cases {
            assert_eq!(
                folder(root, &vars),
                expected.map(PathBuf::from),
                "{root} {vars:?}"
            );
        }
    }
}
