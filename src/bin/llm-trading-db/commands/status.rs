//! `status`: what there is, and whether this program can work with it.

use anyhow::{Result, bail};
use llm_trading_db::{
    db::{Db, MigrationState, MigrationStatus, PoolStatus, ServerHealth, ServerRole},
    repo::{
        bars,
        rows::{Replay, readable},
    },
};
use serde::Serialize;

use crate::{
    connect::Session,
    output::{self, Format},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
}

/// The status as JSON.
#[derive(Serialize)]
struct Status<'a> {
    database: &'a str,
    server_version: &'a str,
    latency_ms: f64,
    role: ServerRole,
    read_only: bool,
    pool: PoolStatus,
    migrations: Vec<Migration<'a>>,
    /// Why the migrations must not be run as they are; none if nothing speaks against it.
    objection: Option<String>,
    /// How many symbols have bars; none if the tables are not all there.
    symbols: Option<usize>,
}

#[derive(Serialize)]
struct Migration<'a> {
    version: i64,
    description: Option<&'a str>,
    state: &'static str,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<()> {
    let db = &session.db;
    let health = db.health(&[&llm_trading_db::SCHEMA]).await;
    let Some(server) = health.server else {
        bail!("{}", health.findings.join("; "));
    };
    let migrations = db.migrations(&llm_trading_db::SCHEMA).await?;
    let objection = db.objection(&llm_trading_db::SCHEMA).await?;
    let status = Status {
        database: session.place(),
        server_version: &server.version,
        latency_ms: server.latency.as_secs_f64() * 1_000.0,
        role: server.role,
        read_only: server.read_only,
        pool: health.pool,
        migrations: migrations.iter().map(Migration::from).collect(),
        objection: objection.map(|objection| objection.to_string()),
        symbols: symbols(db, &server).await?,
    };
    if args.format.json {
        return output::json(&status);
    }
    output::text(&render(&status))
}

async fn symbols(db: &Db, server: &ServerHealth) -> Result<Option<usize>> {
    if !server.pending_migrations.is_empty() {
        return Ok(None);
    }
    let symbols = readable(db, |replay: Replay| bars::symbols(replay)).await?;
    // `doctor --rows` tells of the others.
    Ok(Some(symbols.rows.len() + symbols.misfits.len()))
}

fn render(status: &Status<'_>) -> String {
    let pool = status.pool;
    let mut lines = vec![
        format!("database    {}", status.database),
        format!(
            "server      PostgreSQL {}, {}, answers in {:.2} ms",
            status.server_version,
            role(status),
            status.latency_ms
        ),
        format!(
            "pool        {} of {} open, {} idle, {} waiting",
            pool.size, pool.max_size, pool.idle, pool.waiting
        ),
        format!("migrations  {}", advice(status)),
    ];
    if let Some(symbols) = status.symbols {
        lines.push(format!("symbols     {symbols} with bars"));
    }
    let mut table = output::table(&["migration", "state", "version"], 2);
    for migration in &status.migrations {
        let description = migration.description.unwrap_or("not known to this program");
        table.add_row([description, migration.state, &migration.version.to_string()]);
    }
    lines.push(table.to_string());
    lines.join("\n")
}

fn role(status: &Status<'_>) -> &'static str {
    match (status.role, status.read_only) {
        (ServerRole::Standby, _) => "a standby, which takes no writes",
        (_, true) => "which takes no writes",
        _ => "a primary",
    }
}

fn advice(status: &Status<'_>) -> String {
    let count = |state| {
        status
            .migrations
            .iter()
            .filter(|migration| migration.state == state)
            .count()
    };
    let (unknown, edited, pending) = (count("unknown"), count("edited"), count("pending"));
    let (half, compatible) = (count("half applied"), count("compatible"));
    if half > 0 {
        format!("{half} half applied: `llm-trading-db doctor` says what to do")
    } else if unknown > 0 {
        format!(
            "{unknown} not known to this program: run the version that applied them, or a later one"
        )
    } else if edited > 0 {
        format!("{edited} changed since they were applied: restore their files")
    } else if let Some(objection) = &status.objection {
        format!("none can be applied, {objection}")
    } else if pending > 0 {
        format!("{pending} to apply: run `llm-trading-db migrate`")
    } else if compatible > 0 {
        format!("{compatible} of a newer version, which this program goes with")
    } else {
        "up to date".to_owned()
    }
}

impl<'a> From<&'a MigrationStatus> for Migration<'a> {
    fn from(migration: &'a MigrationStatus) -> Self {
        Self {
            version: migration.version,
            description: migration.description.as_deref(),
            state: match migration.state {
                MigrationState::Applied => "applied",
                MigrationState::Pending => "pending",
                MigrationState::Edited => "edited",
                MigrationState::Compatible => "compatible",
                MigrationState::HalfApplied => "half applied",
                _ => "unknown",
            },
        }
    }
}
