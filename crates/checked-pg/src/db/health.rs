//! Is the database there, and is it the one this program expects?

use super::{
    Db, PoolStatus,
    migrate::{self, MigrationState},
};
use crate::{
    Schema,
    error::{Error, Result},
};
use sqlx::Connection;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Longest wait for a connection, and again for the answers on it.
const LIMIT: Duration = Duration::from_secs(2);

/// What a health check found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The server's version, such as `15.8`.
    pub server_version: String,
    /// One round trip to the server.
    pub latency: Duration,
    /// The pool, while this check held one of its connections.
    pub pool: PoolStatus,
    /// Migrations of the schema that the database lacks.
    pub pending_migrations: Vec<i64>,
}

impl Db {
    /// Asks the server for a sign of life. It answers within seconds, also when every connection is taken.
    ///
    /// # Errors
    /// [`Error::PoolTimeout`] if no connection gets free in two seconds (or the acquire timeout, if that is shorter);
    /// [`Error::Connect`] if the server does not answer in as much again.
    pub async fn health(&self, schema: &Schema) -> Result<Health> {
        let limit = LIMIT.min(self.config().acquire_timeout);
        match timeout(limit + LIMIT, self.look(schema, limit)).await {
            Ok(health) => health,
            Err(_) => Err(Error::Connect {
                server: self.config().road.server(),
                why: format!("no answer in {:?}", limit + LIMIT),
            }),
        }
    }

    async fn look(&self, schema: &Schema, limit: Duration) -> Result<Health> {
        let used = || "Db::health".to_owned();
        let mut lease = match self.is_in_rounds() {
            true => self.lease_for_a_look(limit, used).await?,
            false => self.acquire_within(limit).await?,
        };
        let conn = lease.conn();
        let start = Instant::now();
        conn.ping().await?;
        let latency = start.elapsed();
        let server_version = version(conn.server_version_num());
        let applied = migrate::applied(conn, &schema.migrator).await?;
        let pool = self.status();
        lease.settle(&Ok(()));
        let pending = migrate::compare(&schema.migrator, &applied)
            .into_iter()
            .filter(|migration| migration.state == MigrationState::Pending);
        Ok(Health {
            server_version,
            latency,
            pool,
            pending_migrations: pending.map(|migration| migration.version).collect(),
        })
    }
}

/// 150008 is 15.8.
pub(super) fn version(number: Option<u32>) -> String {
    match number {
        Some(number) => format!("{}.{}", number / 10_000, number % 10_000),
        None => "unknown".to_owned(),
    }
}
