//! What breaks.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use test_servers::PoolMode;
use tokio::{task::block_in_place, time::sleep};

use super::{
    clients::{Client, abandon_copy, call_from_a_runtime_that_ends, leave_state},
    relay::Road,
    stage::Stage,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    SilentNetwork,
    ForgottenFlows,
    ClosingProxy,
    StoppedServer,
    TerminatedSessions,
    KilledBackend,
    KilledServer,
    KilledPrimary,
    ReadOnlyPrimary,
    SynchronousStandbyGone,
    DiskFull,
    TypeChanges,
    ConnectionLimit,
    SessionPooler,
    TransactionPooler,
    AbandonedCopy,
    SessionState,
    DeadRuntimes,
}

impl Fault {
    pub const ALL: [Self; 19] = [
        Self::Nothing,
        Self::SilentNetwork,
        Self::ForgottenFlows,
        Self::ClosingProxy,
        Self::StoppedServer,
        Self::TerminatedSessions,
        Self::KilledBackend,
        Self::KilledServer,
        Self::KilledPrimary,
        Self::ReadOnlyPrimary,
        Self::SynchronousStandbyGone,
        Self::DiskFull,
        Self::TypeChanges,
        Self::ConnectionLimit,
        Self::SessionPooler,
        Self::TransactionPooler,
        Self::AbandonedCopy,
        Self::SessionState,
        Self::DeadRuntimes,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::SilentNetwork => {
                "the network swallows all bytes; new connections work afterwards"
            }
            Self::ForgottenFlows => {
                "a firewall forgets all flows, twice a second; new connections work"
            }
            Self::ClosingProxy => "a proxy accepts and closes",
            Self::StoppedServer => "the server stops (SIGSTOP) and goes on",
            Self::TerminatedSessions => "all sessions are terminated, ten times a second",
            Self::KilledBackend => "a session's process is killed (SIGKILL), once a second",
            Self::KilledServer => "the server is killed (SIGKILL) and starts again",
            Self::KilledPrimary => "the primary is killed, and its standby promoted",
            Self::ReadOnlyPrimary => "the primary turns read-only, and its standby is promoted",
            Self::SynchronousStandbyGone => "the synchronous standby is gone: COMMIT waits",
            Self::DiskFull => "the disk is full",
            Self::TypeChanges => "another program changes a column's type, five times a second",
            Self::ConnectionLimit => "the role may have two connections, the pool four",
            Self::SessionPooler => "pgbouncer in session mode, declared",
            Self::TransactionPooler => "pgbouncer in transaction mode, declared",
            Self::AbandonedCopy => "a caller gives up a COPY half-way, again and again",
            Self::SessionState => "a caller leaves settings in its session, again and again",
            Self::DeadRuntimes => "runtimes that use the pool end, again and again",
        }
    }

    /// asyncpg's load runs in a process of its own, which nothing disturbs from inside.
    pub fn is_for_everybody(self) -> bool {
        !matches!(
            self,
            Self::AbandonedCopy | Self::SessionState | Self::DeadRuntimes
        )
    }

    pub fn needs_standby(self) -> bool {
        matches!(self, Self::KilledPrimary | Self::ReadOnlyPrimary)
    }

    pub fn pooler(self) -> Option<PoolMode> {
        match self {
            Self::SessionPooler => Some(PoolMode::Session),
            Self::TransactionPooler => Some(PoolMode::Transaction),
            _ => None,
        }
    }

    /// Breaks something for so long, and mends it.
    pub async fn happen(
        self,
        stage: &Stage,
        client: Option<&Arc<Client>>,
        time: Duration,
    ) -> Result<()> {
        match self {
            Self::Nothing | Self::SessionPooler | Self::TransactionPooler => sleep(time).await,
            Self::SilentNetwork => on_the_road(stage, Road::Silent, time).await,
            Self::ClosingProxy => on_the_road(stage, Road::Closed, time).await,
            Self::ForgottenFlows => {
                each(time, Duration::from_millis(500), async || {
                    stage.relay.forget()
                })
                .await
            }
            Self::StoppedServer => {
                block_in_place(|| stage.server().pause());
                sleep(time).await;
                block_in_place(|| stage.server().resume());
            }
            Self::TerminatedSessions => {
                each(time, Duration::from_millis(100), async || {
                    drop(stage.psql(TERMINATE))
                })
                .await;
            }
            Self::KilledBackend => {
                let kill = async || {
                    // While the server recovers there is none, and nobody to ask.
                    if let Ok(session) = stage.session() {
                        drop(Command::new("kill").args(["-9", &session]).status());
                    }
                };
                each(time, Duration::from_secs(1), kill).await;
            }
            Self::KilledServer => {
                block_in_place(|| stage.server().kill());
                sleep(time).await;
                block_in_place(|| stage.server().restart());
            }
            Self::KilledPrimary => {
                block_in_place(|| stage.server().kill());
                sleep(time).await;
                promote(stage)?;
            }
            Self::ReadOnlyPrimary => {
                set(stage, "default_transaction_read_only = on");
                sleep(time).await;
                promote(stage)?;
            }
            Self::SynchronousStandbyGone => {
                set(stage, "synchronous_standby_names = 'gone'");
                sleep(time).await;
                set(stage, "synchronous_standby_names = ''");
            }
            Self::DiskFull => {
                let disk = stage.disk.as_ref().context("there is no small disk")?;
                disk.fill()?;
                sleep(time).await;
                disk.free()?;
            }
            Self::TypeChanges => {
                let mut length = 100;
                let change = async || {
                    length += 1;
                    stage.psql(&format!(
                        "ALTER TABLE calls ALTER COLUMN note TYPE varchar({length})"
                    ));
                };
                each(time, Duration::from_millis(200), change).await;
            }
            Self::ConnectionLimit => {
                stage.psql("ALTER ROLE caller CONNECTION LIMIT 2");
                stage.psql(TERMINATE);
                sleep(time).await;
                stage.psql("ALTER ROLE caller CONNECTION LIMIT -1");
            }
            Self::AbandonedCopy | Self::SessionState | Self::DeadRuntimes => {
                let client = client.context("nobody to disturb from inside")?;
                let disturb = async || match self {
                    Self::AbandonedCopy => abandon_copy(client).await,
                    Self::SessionState => leave_state(client).await,
                    _ => call_from_a_runtime_that_ends(client),
                };
                each(time, Duration::from_millis(5), disturb).await;
            }
        }
        Ok(())
    }
}

const TERMINATE: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'caller'";

/// Again and again, with a pause between.
async fn each(time: Duration, pause: Duration, mut what: impl AsyncFnMut()) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        what().await;
        sleep(pause).await;
    }
}

async fn on_the_road(stage: &Stage, road: Road, time: Duration) {
    stage.relay.set(road);
    sleep(time).await;
    stage.relay.set(Road::Open);
}

fn set(stage: &Stage, setting: &str) {
    stage.psql(&format!("ALTER SYSTEM SET {setting}"));
    stage.psql("SELECT pg_reload_conf()");
}

fn promote(stage: &Stage) -> Result<()> {
    let standby = stage.standby.as_ref().context("there is no standby")?;
    block_in_place(|| standby.promote());
    stage.relay.to(standby.port());
    Ok(())
}

impl Stage {
    /// The process of a caller's session.
    fn session(&self) -> Result<String> {
        let server = self.server();
        let output = block_in_place(|| {
            Command::new(test_servers::binaries().join("psql"))
                .args([
                    "-XqAt",
                    "-U",
                    "postgres",
                    "-d",
                    "postgres",
                    "-p",
                    &server.port().to_string(),
                    "-h",
                ])
                .arg(server.socket())
                .args([
                    "-c",
                    "SELECT pid FROM pg_stat_activity WHERE usename = 'caller' LIMIT 1",
                ])
                .output()
        })?;
        let pid = String::from_utf8(output.stdout)?.trim().to_owned();
        ensure!(
            output.status.success() && !pid.is_empty(),
            "there is no session"
        );
        Ok(pid)
    }
}
