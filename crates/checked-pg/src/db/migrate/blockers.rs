//! Who holds what a migration waits for.

use crate::{
    config::{Config, Limits},
    db::connect::connect,
    error::Error,
};
use futures_util::future::{Either, select};
use sqlx::{
    Connection, PgConnection,
    types::chrono::{DateTime, Utc},
};
use std::{fmt, future::Future, pin::pin, time::Duration};
use tokio::time::sleep;

/// How long a statement may take before somebody looks what it waits for.
const FIRST_LOOK: Duration = Duration::from_millis(200);
const NEXT_LOOK: Duration = Duration::from_millis(500);

/// Another session.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blocker {
    pid: i32,
    application: String,
    user: String,
    state: String,
    since: Option<DateTime<Utc>>,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        let mut parts = Vec::new();
        if !self.application.is_empty() {
            parts.push(self.application.clone());
        }
        if !self.user.is_empty() {
            parts.push(format!("user {}", self.user));
        }
        if !self.state.is_empty() {
            parts.push(self.state.clone());
        }
        if let Some(since) = self.since {
            parts.push(format!("transaction since {}", since.format("%F %T UTC")));
        }
        match parts.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", parts.join(", ")),
        }
    }
}

/// A second session, which looks what the first one waits for.
#[derive(Debug)]
pub(super) struct Observer<'a> {
    config: &'a Config,
    /// The process of the first session.
    pid: i32,
    conn: Option<PgConnection>,
}

impl<'a> Observer<'a> {
    pub(super) fn new(config: &'a Config, pid: i32) -> Self {
        Self {
            config,
            pid,
            conn: None,
        }
    }

    /// Does the work, and says who holds it up; returns the last ones who did.
    pub(super) async fn watch<T>(
        &mut self,
        what: &str,
        work: impl Future<Output = T>,
    ) -> (T, Option<String>) {
        let mut last = None;
        let look = async {
            sleep(FIRST_LOOK).await;
            loop {
                let seen = self.blockers().await;
                if seen.is_some() && seen != last {
                    last = seen;
                    tracing::warn!("{what} waits for {}", last.as_deref().unwrap_or_default());
                }
                sleep(NEXT_LOOK).await;
            }
        };
        let done = match select(pin!(work), pin!(look)).await {
            Either::Left((done, _)) => done,
            Either::Right((never, _)) => never,
        };
        (done, last)
    }

    async fn blockers(&mut self) -> Option<String> {
        let seen = match self.look().await {
            Ok(seen) => seen,
            Err(error) => {
                // A look is not worth more than one try at a time; the migration goes on without.
                tracing::debug!(error = %error, "cannot see what a migration waits for");
                self.conn = None;
                return None;
            }
        };
        let seen: Vec<_> = seen.iter().map(Blocker::to_string).collect();
        (!seen.is_empty()).then(|| seen.join("; "))
    }

    async fn look(&mut self) -> Result<Vec<Blocker>, Error> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            none => none.insert(connect(self.config, Limits::Impatient).await?),
        };
        let seen = sqlx::query_as!(
            Blocker,
            r#"
            SELECT pid AS "pid!", coalesce(application_name, '') AS "application!", coalesce(usename, '') AS "user!",
                   coalesce(state, '') AS "state!", xact_start AS since
            FROM pg_stat_activity
            WHERE pid = ANY(pg_blocking_pids($1))
            ORDER BY xact_start, pid
            "#,
            self.pid
        );
        Ok(seen.fetch_all(conn).await?)
    }

    pub(super) async fn close(self) {
        if let Some(conn) = self.conn
            && let Err(error) = conn.close().await
        {
            tracing::debug!(error = %Error::from(error), "nothing is left to look at, the goodbye failed");
        }
    }
}
