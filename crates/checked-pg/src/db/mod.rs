//! The pool of connections, transactions and migrations.
//!
//! [`Db`] is an `sqlx::Executor`, so `query_as!(…).fetch_one(&db)` works as with sqlx's own pool, but with one client flight per
//! statement where that one makes three, and a cancelled caller never leaves a stale transaction behind for the next one.

mod call;
mod connect;
mod executor;
mod fault;
mod health;
mod lease;
mod migrate;
mod patience;
mod place;
mod pool;
mod proof;
mod replay;
mod rounds;
mod row;
mod statement;
mod transaction;
mod verify;

pub use executor::Queryable;
pub use health::{Health, HealthStatus, ServerHealth, ServerRole};
pub use migrate::{MigrationState, MigrationStatus, Objection, script};
pub use replay::{Reader, Replay};
pub(crate) use row::placed;
pub use transaction::{
    EndedTransaction, Isolation, Rerun, TransactionOutcome, Tx, TxOptions, savepoint,
};
use transaction::{refuse_control, refuse_inside, refuse_to_listen};
pub(crate) use verify::OLDEST;
#[doc(hidden)]
pub use verify::SCHEMA_RULES;
pub use verify::{Finding, Right, Rights, StatementRights, Verification};
#[cfg(feature = "testing")]
pub(crate) use verify::{Listed, listed};

use crate::{config::Config, error::Result};
use futures_util::future::{join_all, try_join_all};
use lease::Lease;
use pool::Pool;
use sqlx::Connection;
use std::{cell::Cell, fmt, sync::Arc, time::Duration};
use tokio::{task::yield_now, time::timeout};

/// A pool of connections to one database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Arc<Pool>,
}

impl Db {
    /// Makes a pool and opens its first connections, so that a wrong setting shows at once.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the settings contradict each other; [`Error::Connect`](crate::Error::Connect) if the server cannot be reached or refuses us.
    pub async fn connect(config: &Config) -> Result<Self> {
        let db = Self::connect_lazy(config)?;
        let limit = config.acquire_timeout.max(config.connect_timeout);
        let first = (0..config.min_pool_size.max(1)).map(|_| db.acquire_within(limit));
        let leases = try_join_all(first).await?;
        leases.into_iter().for_each(Lease::release);
        Ok(db)
    }

    /// Makes a pool that connects on first use.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the settings contradict each other.
    pub fn connect_lazy(config: &Config) -> Result<Self> {
        config.check()?;
        Ok(Self {
            pool: Pool::new(config.clone()),
        })
    }

    /// The pool as it is now; needs no connection.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        PoolStatus {
            max_size: self.config().max_pool_size,
            size: self.pool.size(),
            idle: self.pool.idle(),
            waiting: self.pool.waiting(),
        }
    }

    /// Refuses new work, waits for the work under way, at most until the deadline, and says goodbye to the server.
    /// True if nothing is under way any more.
    pub async fn close(&self, deadline: Duration) -> bool {
        let idle = self.pool.close();
        let goodbye = async {
            // A courtesy: the socket closes in any case, so it does not matter whether the message arrives.
            join_all(idle.into_iter().map(|conn| conn.pg.close())).await;
            self.pool.wait_until_empty().await;
        };
        timeout(deadline, goodbye).await.is_ok() || self.pool.size() == 0
    }

    /// A connection for `used`, which an error names.
    async fn acquire(&self, limit: Duration, used: impl FnOnce() -> String) -> Result<Lease> {
        refuse_inside(self.id(), used)?;
        self.take_turns().await;
        self.acquire_within(limit).await
    }

    /// Lets the other tasks of this thread go first, now and then.
    ///
    /// The answer of a fast server is often there at the first look. A task that never has to wait would run statement after
    /// statement, until tokio stops it after a hundred or so, while the answers to the others lie about. A task alone gives way
    /// less often, but it does: docs/performance.md says what that brought.
    async fn take_turns(&self) {
        const AMONG_OTHERS: u32 = 2;
        const ALONE: u32 = 16;
        thread_local!(static STARTED: Cell<u32> = const { Cell::new(0) });
        let started = STARTED.get().wrapping_add(1);
        STARTED.set(started);
        let among_others = || self.pool.idle() < self.pool.size();
        if started.is_multiple_of(ALONE) || started.is_multiple_of(AMONG_OTHERS) && among_others() {
            yield_now().await;
        }
    }

    async fn acquire_within(&self, limit: Duration) -> Result<Lease> {
        let (conn, slot) = self.pool.acquire(limit).await?;
        Ok(Lease::new(conn, slot))
    }

    /// Tells this pool from others; the same for all clones.
    fn id(&self) -> usize {
        Arc::as_ptr(&self.pool) as usize
    }

    fn config(&self) -> &Config {
        &self.pool.config
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: the pool's own shows the options, and those the password.
        f.debug_struct("Db")
            .field("server", &self.config().road.server())
            .field("status", &self.status())
            .finish()
    }
}

/// A snapshot of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Most connections open at once.
    pub max_size: usize,
    /// Open connections.
    pub size: usize,
    /// Open connections that nobody uses.
    pub idle: usize,
    /// Callers that wait for a connection.
    pub waiting: usize,
}
