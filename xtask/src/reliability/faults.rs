//! What breaks.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::sleep;

use super::{
    Stage,
    clients::{Client, abandon_copy},
    relay::Road,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    SilentNetwork,
    ClosingProxy,
    StoppedServer,
    KilledBackends,
    SynchronousStandbyGone,
    TypeChanges,
    ReadOnlyPrimary,
    ConnectionLimit,
    AbandonedCopy,
}

impl Fault {
    pub const ALL: [Self; 10] = [
        Self::Nothing,
        Self::SilentNetwork,
        Self::ClosingProxy,
        Self::StoppedServer,
        Self::KilledBackends,
        Self::SynchronousStandbyGone,
        Self::TypeChanges,
        Self::ReadOnlyPrimary,
        Self::ConnectionLimit,
        Self::AbandonedCopy,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::SilentNetwork => {
                "the network swallows all bytes; new connections work afterwards"
            }
            Self::ClosingProxy => "a proxy accepts and closes",
            Self::StoppedServer => "the server stops (SIGSTOP) and goes on",
            Self::KilledBackends => "all sessions are terminated, ten times a second",
            Self::SynchronousStandbyGone => "the synchronous standby is gone: COMMIT waits",
            Self::TypeChanges => "another program changes a column's type, five times a second",
            Self::ReadOnlyPrimary => {
                "the primary turns read-only; new connections lead to another server"
            }
            Self::ConnectionLimit => "the role may have two connections, the pool four",
            Self::AbandonedCopy => "a caller gives up a COPY half-way, again and again",
        }
    }

    /// asyncpg's load runs in a process of its own, which nothing disturbs from inside.
    pub fn is_for_everybody(self) -> bool {
        self != Self::AbandonedCopy
    }

    /// Breaks something for so long, and mends it.
    pub async fn happen(
        self,
        stage: &Stage,
        client: Option<&Arc<Client>>,
        time: Duration,
    ) -> Result<()> {
        let mut admin = PgConnection::connect_with(&stage.server.options()).await?;
        let until = Instant::now() + time;
        match self {
            Self::Nothing => sleep(time).await,
            Self::SilentNetwork | Self::ClosingProxy => {
                stage.relay.set(match self {
                    Self::SilentNetwork => Road::Silent,
                    _ => Road::Closed,
                });
                sleep(time).await;
                stage.relay.set(Road::Open);
            }
            Self::StoppedServer => {
                let sessions = processes(&mut admin).await?;
                signal("-STOP", &sessions)?;
                sleep(time).await;
                signal("-CONT", &sessions)?;
            }
            Self::KilledBackends => {
                while Instant::now() < until {
                    admin.execute(TERMINATE).await?;
                    sleep(Duration::from_millis(100)).await;
                }
            }
            Self::SynchronousStandbyGone => {
                set(&mut admin, "synchronous_standby_names = 'gone'").await?;
                sleep(time).await;
                set(&mut admin, "synchronous_standby_names = ''").await?;
            }
            Self::TypeChanges => {
                for length in 100.. {
                    if Instant::now() >= until {
                        break;
                    }
                    let change =
                        format!("ALTER TABLE calls ALTER COLUMN note TYPE varchar({length})");
                    admin.execute(AssertSqlSafe(change)).await?;
                    sleep(Duration::from_millis(200)).await;
                }
            }
            Self::ReadOnlyPrimary => {
                set(&mut admin, "default_transaction_read_only = on").await?;
                sleep(time).await;
                stage.relay.to(&stage.other);
            }
            Self::ConnectionLimit => {
                admin
                    .execute("ALTER ROLE caller CONNECTION LIMIT 2")
                    .await?;
                admin.execute(TERMINATE).await?;
                sleep(time).await;
                admin
                    .execute("ALTER ROLE caller CONNECTION LIMIT -1")
                    .await?;
            }
            Self::AbandonedCopy => {
                while Instant::now() < until {
                    if let Some(client) = client {
                        abandon_copy(client).await;
                    }
                    sleep(Duration::from_millis(5)).await;
                }
            }
        }
        admin.close().await?;
        Ok(())
    }
}

const TERMINATE: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'caller'";

async fn set(admin: &mut PgConnection, setting: &str) -> Result<()> {
    // The administrator's own session must not wait for the standby.
    admin.execute("SET synchronous_commit = off").await?;
    let alter = format!("ALTER SYSTEM SET {setting}");
    admin.execute(AssertSqlSafe(alter)).await?;
    admin.execute("SELECT pg_reload_conf()").await?;
    Ok(())
}

/// The postmaster and all sessions of the callers.
async fn processes(admin: &mut PgConnection) -> Result<Vec<String>> {
    let sessions: Vec<i32> =
        sqlx::query_scalar("SELECT pid FROM pg_stat_activity WHERE usename = 'caller'")
            .fetch_all(&mut *admin)
            .await?;
    let folder: String = sqlx::query_scalar("SHOW data_directory")
        .fetch_one(admin)
        .await?;
    let lock = std::fs::read_to_string(format!("{folder}/postmaster.pid"))?;
    let postmaster = lock.lines().next().context("postmaster.pid is empty")?;
    let mut all = vec![postmaster.to_owned()];
    all.extend(sessions.iter().map(ToString::to_string));
    Ok(all)
}

fn signal(signal: &str, processes: &[String]) -> Result<()> {
    let sent = Command::new("kill").arg(signal).args(processes).output()?;
    // A session may have ended meanwhile; the postmaster has not.
    ensure!(
        sent.status.success() || signal == "-CONT" || processes.len() > 1,
        "kill {signal} failed"
    );
    Ok(())
}
