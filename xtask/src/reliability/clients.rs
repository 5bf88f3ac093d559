//! Who calls: `Db`, sqlx's own pool, asyncpg. Each makes the same call: a row with an id of its own, which comes back.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use anyhow::{Context, Result, ensure};
use checked_pg::{Config, Db, Error, config::Pooler};
use sqlx::{
    Executor, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use test_servers::PoolMode;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
};

use super::{LIMIT, stage::Stage};
use crate::project;

pub const OURS: &str = "Db";
pub const SQLX: &str = "sqlx's pool";
pub const ASYNCPG: &str = "asyncpg";
pub const NAMES: [&str; 3] = [OURS, SQLX, ASYNCPG];

/// Most connections of a client.
pub const CONNECTIONS: usize = 4;
/// Two statements, which each connection prepares in the order in which it meets them.
const CALLS: [&str; 2] = [
    "INSERT INTO calls (id, note) VALUES ($1, 'even') RETURNING id, note",
    "INSERT INTO calls (note, id) VALUES ('odd', $1) RETURNING id, note",
];

/// What the call with this id stores beside it.
pub fn note_of(id: i64) -> &'static str {
    if id % 2 == 0 { "even" } else { "odd" }
}

fn call_of(id: i64) -> &'static str {
    CALLS[usize::from(id % 2 != 0)]
}

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

impl Client {
    pub async fn connect(name: &str, stage: &Stage) -> Result<Self> {
        Ok(match name {
            OURS => Self::Ours(Ours::connect(stage).await?),
            SQLX => Self::Sqlx(Sqlx::connect(stage).await?),
            _ => Self::Asyncpg(Box::new(Asyncpg::start(stage).await?)),
        })
    }
}

fn options(stage: &Stage) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(stage.relay.port)
        .username("caller")
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
}

impl Ours {
    async fn connect(stage: &Stage) -> Result<Self> {
        let pooler = match &stage.pooler {
            None => Pooler::None,
            Some((_, PoolMode::Session)) => Pooler::Session,
            Some((_, PoolMode::Transaction)) => Pooler::Transaction,
        };
        let config = Config::from_options(options(stage))
            .pooler(pooler)
            .max_pool_size(CONNECTIONS)
            .acquire_timeout(LIMIT)
            .connect_timeout(LIMIT)
            .command_timeout(LIMIT);
        Ok(Self(Db::connect(&config).await?))
    }

    /// The id and the note that came back.
    pub async fn call(&self, id: i64) -> Result<(i64, String), Error> {
        let call = sqlx::query_as(call_of(id)).bind(id);
        Ok(call.fetch_one(&self.0).await?)
    }
}

impl Sqlx {
    async fn connect(stage: &Stage) -> Result<Self> {
        let limit = LIMIT.as_millis().to_string();
        let pool = PgPoolOptions::new()
            .max_connections(u32::try_from(CONNECTIONS)?)
            .acquire_timeout(LIMIT)
            .connect_with(options(stage).options([("statement_timeout", limit)]))
            .await?;
        Ok(Self(pool))
    }

    pub async fn call(&self, id: i64) -> Result<(i64, String), sqlx::Error> {
        let call = sqlx::query_as(call_of(id)).bind(id);
        call.fetch_one(&self.0).await
    }
}

impl Asyncpg {
    async fn start(stage: &Stage) -> Result<Self> {
        // As its documentation advises for such a pooler.
        let cache = match &stage.pooler {
            Some((_, PoolMode::Transaction)) => "0",
            _ => "100",
        };
        let packages = packages().await?;
        let mut child = Command::new("python3")
            .arg(project("xtask/src/reliability/peer.py"))
            .env("PYTHONPATH", packages)
            .args([stage.relay.port.to_string(), CONNECTIONS.to_string()])
            .args([
                super::load::WORKERS.to_string(),
                LIMIT.as_secs().to_string(),
            ])
            .arg(
                (super::BEFORE + super::UNDER + super::AFTER)
                    .as_secs_f64()
                    .to_string(),
            )
            .arg(cache)
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

/// A caller who leaves its session in a state in which other callers' rows go into another table.
pub async fn leave_state(client: &Arc<Client>) {
    const LEAVE: &str = "SET search_path = shadow, public";
    match &**client {
        Client::Ours(Ours(db)) => {
            let work = async |tx: &mut checked_pg::db::Tx| -> Result<(), Error> {
                tx.execute(LEAVE).await?;
                Ok(())
            };
            drop(db.transaction(work).await);
        }
        Client::Sqlx(Sqlx(pool)) => {
            if let Ok(mut conn) = pool.acquire().await {
                drop(conn.execute(LEAVE).await);
            }
        }
        Client::Asyncpg(_) => {}
    }
}

/// A runtime that makes and uses connections of the pool, and ends.
pub fn call_from_a_runtime_that_ends(client: &Arc<Client>) {
    static NEXT: AtomicI64 = AtomicI64::new(1_000_000_000);
    let client = Arc::clone(client);
    let caller = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else { return };
        let id = NEXT.fetch_add(1, Relaxed);
        runtime.block_on(async {
            match &*client {
                Client::Ours(ours) => drop(ours.call(id).await),
                Client::Sqlx(sqlx) => drop(sqlx.call(id).await),
                Client::Asyncpg(_) => {}
            }
        });
    });
    drop(tokio::task::block_in_place(|| caller.join()));
}
