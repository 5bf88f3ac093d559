//! Who calls: `Db`, sqlx's own pool, asyncpg. Each makes the same call: a row with an id of its own, which comes back.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use checked_pg::{Config, Db, Error};
use sqlx::{
    PgPool, Row,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
};

use super::{LIMIT, relay::Relay};
use crate::project;

pub const OURS: &str = "Db";
pub const SQLX: &str = "sqlx's pool";
pub const ASYNCPG: &str = "asyncpg";
pub const NAMES: [&str; 3] = [OURS, SQLX, ASYNCPG];

/// Most connections of a client.
pub const CONNECTIONS: usize = 4;
pub const CALL: &str = "INSERT INTO calls (id, note) VALUES ($1, 'x') RETURNING id, note";

pub enum Client {
    Ours(Ours),
    Sqlx(Sqlx),
    Asyncpg(Box<Asyncpg>),
}

#[derive(Clone)]
pub struct Ours(pub Db);

#[derive(Clone)]
pub struct Sqlx(pub PgPool);

/// A child process that makes the load by itself and tells of each call.
pub struct Asyncpg {
    _child: Child,
    pub lines: BufReader<ChildStdout>,
}

fn options(relay: &Relay) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(relay.port)
        .username("caller")
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
}

impl Ours {
    pub async fn connect(relay: &Relay) -> Result<Self> {
        let config = Config::from_options(options(relay))
            .max_pool_size(CONNECTIONS)
            .acquire_timeout(LIMIT)
            .connect_timeout(LIMIT)
            .command_timeout(LIMIT);
        Ok(Self(Db::connect(&config).await?))
    }

    /// The id that came back.
    pub async fn call(&self, id: i64) -> Result<i64, Error> {
        let row = sqlx::query(CALL).bind(id).fetch_one(&self.0).await?;
        Ok(row.try_get("id")?)
    }
}

impl Sqlx {
    pub async fn connect(relay: &Relay) -> Result<Self> {
        let limit = LIMIT.as_millis().to_string();
        let pool = PgPoolOptions::new()
            .max_connections(u32::try_from(CONNECTIONS)?)
            .acquire_timeout(LIMIT)
            .connect_with(options(relay).options([("statement_timeout", limit)]))
            .await?;
        Ok(Self(pool))
    }

    pub async fn call(&self, id: i64) -> Result<i64, sqlx::Error> {
        let row = sqlx::query(CALL).bind(id).fetch_one(&self.0).await?;
        row.try_get("id")
    }
}

impl Asyncpg {
    pub async fn start(relay: &Relay) -> Result<Self> {
        let packages = packages().await?;
        let mut child = Command::new("python3")
            .arg(project("xtask/src/reliability/peer.py"))
            .env("PYTHONPATH", packages)
            .args([relay.port.to_string(), CONNECTIONS.to_string()])
            .args([
                super::load::WORKERS.to_string(),
                LIMIT.as_secs().to_string(),
            ])
            .arg(
                (super::BEFORE + super::UNDER + super::AFTER)
                    .as_secs_f64()
                    .to_string(),
            )
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("python3 does not start")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?);
        let mut ready = String::new();
        lines.read_line(&mut ready).await?;
        ensure!(ready == "ready\n", "asyncpg does not connect: {ready}");
        Ok(Self {
            _child: child,
            lines,
        })
    }
}

/// Installs asyncpg into a folder of its own, once.
async fn packages() -> Result<PathBuf> {
    let folder = project("target/reliability-python");
    if !Path::new(&folder).join("asyncpg").is_dir() {
        let requirements = std::fs::read_to_string(project("benches/requirements.txt"))?;
        let wanted = requirements
            .lines()
            .find(|line| line.starts_with("asyncpg=="))
            .context("benches/requirements.txt names no asyncpg")?;
        let installed = Command::new("python3")
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--root-user-action=ignore", "--target"])
            .arg(&folder)
            .arg(wanted)
            .status()
            .await?;
        ensure!(installed.success(), "pip cannot install asyncpg");
    }
    Ok(folder)
}

/// What disturbs a client from inside: a COPY that is given up half-way.
pub async fn abandon_copy(client: &Arc<Client>) {
    match &**client {
        Client::Ours(Ours(db)) => {
            let work = async |tx: &mut checked_pg::db::Tx| -> Result<(), Error> {
                tx.raw(async |conn| -> Result<(), Error> {
                    let mut copy = conn.copy_in_raw("COPY copied FROM STDIN").await?;
                    copy.send(&b"half\n"[..]).await?;
                    drop(copy);
                    Err(Error::not_found("patience", "of the caller"))
                })
                .await
            };
            drop(db.transaction(work).await);
        }
        Client::Sqlx(Sqlx(pool)) => {
            if let Ok(mut conn) = pool.acquire().await
                && let Ok(mut copy) = conn.copy_in_raw("COPY copied FROM STDIN").await
            {
                drop(copy.send(&b"half\n"[..]).await);
                drop(copy);
            }
        }
        Client::Asyncpg(_) => {}
    }
}
