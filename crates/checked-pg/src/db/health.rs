//! Is the database there, and is it the one this program expects?

use super::{
    Db, PoolStatus,
    lease::Lease,
    migrate::{self, MigrationState},
};
use crate::{
    Schema,
    config::TargetSessionAttrs,
    error::{Error, Result},
};
use serde::{Serialize, Serializer};
use sqlx::PgConnection;
use std::{collections::BTreeMap, fmt, time::Duration};
use tokio::time::{Instant, timeout};

/// Longest wait for a connection, and again for the answers on it.
const LIMIT: Duration = Duration::from_secs(2);

/// What a health check found. As JSON, it is an answer for whoever watches the program.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// What it comes to.
    pub status: HealthStatus,
    /// Why it is not healthy, in a line each. No password is in it.
    pub findings: Vec<String>,
    /// The pool; while this check held one of its connections, if it got one.
    pub pool: PoolStatus,
    /// The server, if it answered.
    pub server: Option<ServerHealth>,
}

/// What a health check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// Some of the work may fail: the server takes no writes, all connections are in use, or the database has other migrations
    /// than this program.
    Degraded,
    /// The server does not answer, or lets nobody in.
    Unavailable,
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unavailable => "unavailable",
        })
    }
}

/// What a server said about itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServerHealth {
    /// Its version, such as `15.8`.
    pub version: String,
    /// One round trip to it; in seconds as JSON.
    #[serde(serialize_with = "seconds")]
    pub latency: Duration,
    /// Whether it follows another one.
    pub role: ServerRole,
    /// True if sessions of this program may not write.
    pub read_only: bool,
    /// The migrations that the database lacks, by the table that lists those of their schema.
    pub pending_migrations: BTreeMap<String, Vec<i64>>,
}

/// What a server is among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ServerRole {
    /// It follows no other one.
    Primary,
    /// It repeats what its primary does, and takes no writes.
    Standby,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Db {
    /// Asks the server for a sign of life, what it is, and which migrations of `schemas` its database has. It answers within
    /// seconds, also when every connection is taken or the server says nothing.
    ///
    /// A server that takes no writes is a degraded one, unless the [target](crate::Config::target_session_attrs) is a server for
    /// reading.
    pub async fn health(&self, schemas: &[&Schema]) -> Health {
        let limit = LIMIT.min(self.config().acquire_timeout);
        let (status, why) = match timeout(limit + LIMIT, self.look(schemas, limit)).await {
            Ok(Ok(health)) => return health,
            Ok(Err(error @ Error::PoolTimeout { .. })) => (HealthStatus::Degraded, error),
            Ok(Err(error)) => (HealthStatus::Unavailable, error),
            Err(_) => {
                let silent = Error::Connect {
                    server: self.config().road.server(),
                    why: format!("no answer in {:?}", limit + LIMIT),
                };
                (HealthStatus::Unavailable, silent)
            }
        };
        Health {
            status,
            findings: vec![why.to_string()],
            pool: self.status(),
            server: None,
        }
    }

    async fn look(&self, schemas: &[&Schema], limit: Duration) -> Result<Health> {
        let used = || "Db::health".to_owned();
        let mut lease = match self.is_in_rounds() {
            true => self.lease_for_a_look(limit, used).await?,
            false => self.acquire_within(limit).await?,
        };
        let pool = self.status();
        let start = Instant::now();
        let writes = Writes::ask(lease.conn()).await?;
        let mut server = ServerHealth {
            latency: start.elapsed(),
            version: version(lease.conn().server_version_num()),
            role: match writes.standby {
                true => ServerRole::Standby,
                false => ServerRole::Primary,
            },
            read_only: writes.read_only,
            pending_migrations: BTreeMap::new(),
        };
        let wants_writes = match self.config().road.target {
            TargetSessionAttrs::ReadOnly
            | TargetSessionAttrs::Standby
            | TargetSessionAttrs::PreferStandby => false,
            TargetSessionAttrs::Any
            | TargetSessionAttrs::ReadWrite
            | TargetSessionAttrs::Primary => true,
        };
        let mut findings = Vec::new();
        findings.extend(writes.refused().filter(|_| wants_writes).map(str::to_owned));
        for schema in schemas {
            let (pending, more) = migrations(&mut lease, schema).await?;
            findings.extend(more);
            if !pending.is_empty() {
                let table = schema.migrator.table_name.clone().into_owned();
                server.pending_migrations.insert(table, pending);
            }
        }
        lease.settle(&Ok(()));
        let status = match findings.is_empty() {
            true => HealthStatus::Healthy,
            false => HealthStatus::Degraded,
        };
        Ok(Health {
            status,
            findings,
            pool,
            server: Some(server),
        })
    }
}

/// The missing migrations of a schema, and what is to be said about its migrations.
async fn migrations(lease: &mut Lease, schema: &Schema) -> Result<(Vec<i64>, Vec<String>)> {
    let table = &schema.migrator.table_name;
    let applied = match migrate::applied(lease.conn(), &schema.migrator).await {
        Err(Error::Database(error)) => {
            return Ok((Vec::new(), vec![format!("cannot read {table}: {error}")]));
        }
        applied => applied?,
    };
    let list = migrate::compare(&schema.migrator, &applied);
    let pending = list
        .iter()
        .filter(|migration| migration.state == MigrationState::Pending)
        .map(|migration| migration.version);
    let pending: Vec<i64> = pending.collect();
    let mut findings = Vec::new();
    if !pending.is_empty() {
        let numbers: Vec<String> = pending.iter().map(i64::to_string).collect();
        findings.push(format!(
            "the database lacks migrations ({}) of {table}: run `migrate`",
            numbers.join(", ")
        ));
    }
    let refused = list.iter().find_map(|migration| migration.check().err());
    findings.extend(refused.map(|error| error.to_string()));
    Ok((pending, findings))
}

/// Whether a session may write.
pub(super) struct Writes {
    standby: bool,
    read_only: bool,
}

impl Writes {
    pub(super) async fn ask(conn: &mut PgConnection) -> Result<Self> {
        let writes = sqlx::query_as!(
            Self,
            r#"
        SELECT pg_is_in_recovery() AS "standby!", current_setting('transaction_read_only')::bool AS "read_only!"
        "#
        );
        Ok(writes.fetch_one(conn).await?)
    }

    /// Why it may not, and what to do.
    pub(super) fn refused(&self) -> Option<&'static str> {
        match (self.standby, self.read_only) {
            (true, _) => Some("the server is a standby: connect to the primary"),
            (_, true) => Some(
                "default_transaction_read_only is on: set it off where it was set (ALTER DATABASE, ALTER ROLE or postgresql.conf)",
            ),
            _ => None,
        }
    }
}

/// 150008 is 15.8.
pub(super) fn version(number: Option<u32>) -> String {
    match number {
        Some(number) => format!("{}.{}", number / 10_000, number % 10_000),
        None => "unknown".to_owned(),
    }
}
