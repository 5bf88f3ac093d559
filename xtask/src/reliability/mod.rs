//! `docs/reliability.md`: what callers see while something breaks, and how soon it is over. The same load and the same faults for
//! `Db`, for sqlx's own pool and for asyncpg, in one run.

mod clients;
mod faults;
mod load;
mod relay;
mod report;

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use checked_pg_server::{EmbeddedServer, ServerSettings};
use sqlx::{Connection, Executor, PgConnection};

use crate::project;
use clients::{Asyncpg, Client, Ours, Sqlx};
use faults::Fault;
use load::Outcome;
use relay::Relay;

/// Longest run of a statement, and longest wait for a connection, for every client that has such a limit.
const LIMIT: Duration = Duration::from_secs(1);
/// Load before the fault, under it, and after it.
const BEFORE: Duration = Duration::from_millis(500);
const UNDER: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_secs(5);

/// What a fault has to play with: a server, another one, and the road that the clients take.
struct Stage {
    server: EmbeddedServer,
    other: EmbeddedServer,
    relay: Relay,
}

impl Stage {
    async fn new() -> Result<Self> {
        let settings = || ServerSettings::default().max_connections(60);
        let stage = Self {
            server: EmbeddedServer::temporary_with(settings())?,
            other: EmbeddedServer::temporary_with(settings())?,
            relay: Relay::start().await?,
        };
        for server in [&stage.server, &stage.other] {
            let mut admin = PgConnection::connect_with(&server.options()).await?;
            let tables = "CREATE TABLE calls (id bigint PRIMARY KEY, note text NOT NULL); \
                          CREATE ROLE caller LOGIN; ALTER ROLE caller SET synchronous_commit = on; GRANT SELECT, INSERT ON calls TO caller; \
                          CREATE TABLE copied (t text); GRANT INSERT ON copied TO caller";
            admin.execute(tables).await?;
            admin.close().await?;
        }
        stage.relay.to(&stage.server);
        Ok(stage)
    }

    /// Of the ids that were acknowledged, how many are in no table.
    async fn lost(&self, acknowledged: &[i64]) -> Result<usize> {
        let mut there = std::collections::HashSet::new();
        for server in [&self.server, &self.other] {
            let mut admin = PgConnection::connect_with(&server.options()).await?;
            let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM calls")
                .fetch_all(&mut admin)
                .await?;
            there.extend(ids);
            admin.close().await?;
        }
        Ok(acknowledged.iter().filter(|id| !there.contains(id)).count())
    }
}

/// One line of the page.
struct Row {
    fault: Fault,
    client: &'static str,
    outcome: Outcome,
    lost: usize,
}

/// Runs every fault against every client, writes the page, and fails if `Db` broke a promise.
pub async fn run() -> Result<()> {
    let mut rows = Vec::new();
    for fault in Fault::ALL {
        for name in clients::NAMES {
            if name == clients::ASYNCPG && !fault.is_for_everybody() {
                continue;
            }
            let stage = Stage::new().await?;
            let client: Client = match name {
                clients::OURS => Client::Ours(Ours::connect(&stage.relay).await?),
                clients::SQLX => Client::Sqlx(Sqlx::connect(&stage.relay).await?),
                _ => Client::Asyncpg(Box::new(Asyncpg::start(&stage.relay).await?)),
            };
            let outcome = load::under(fault, &stage, client)
                .await
                .with_context(|| format!("{name}: {}", fault.name()))?;
            let lost = stage.lost(&outcome.acknowledged).await?;
            let row = Row {
                fault,
                client: name,
                outcome,
                lost,
            };
            eprintln!("{}", report::line(&row));
            rows.push(row);
        }
    }
    let page = project("docs/reliability.md");
    let text = fs::read_to_string(&page).context("docs/reliability.md")?;
    fs::write(&page, report::renew(&text, &rows)?)?;
    let broken: Vec<String> = rows.iter().filter_map(report::broken).collect();
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}
