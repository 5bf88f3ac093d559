//! The pool of connections, transactions and migrations.
//!
//! [`Db`] is an `sqlx::Executor`, so `query_as!(…).fetch_one(&db)` works as with sqlx's own pool, but with one client flight per
//! statement where that one makes three, and a cancelled caller never leaves a stale transaction behind for the next one.

mod connect;
mod executor;
mod fault;
mod health;
mod lease;
mod migrate;
mod place;
mod pool;
mod proof;
mod statement;
mod transaction;
mod verify;

pub use executor::Queryable;
pub use health::Health;
pub use migrate::{MigrationState, MigrationStatus, Objection};
pub use transaction::{Isolation, Rerun, Tx, TxOptions, savepoint};
use transaction::{refuse_control, refuse_inside};
#[doc(hidden)]
pub use verify::SCHEMA_RULES;
pub use verify::{Finding, Verification};

use crate::{
    config::Config,
    error::{Error, Result},
};
use deadpool::managed::{self, PoolError, QueueMode, Timeouts};
use futures_util::future::{join_all, try_join_all};
use lease::Lease;
use pool::Manager;
use sqlx::Connection;
use std::{cell::Cell, fmt, time::Duration};
use tokio::{
    task::yield_now,
    time::{Instant, timeout},
};

/// A pool of connections to one database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: managed::Pool<Manager>,
}

impl Db {
    /// Makes a pool and opens its first connections, so that a wrong setting shows at once.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the settings contradict each other; [`Error::Connect`] if the server cannot be reached or refuses us.
    pub async fn connect(config: &Config) -> Result<Self> {
        let db = Self::connect_lazy(config)?;
        let first =
            (0..config.min_pool_size.max(1)).map(|_| db.acquire(|| "Db::connect".to_owned()));
        let leases = try_join_all(first).await?;
        leases.into_iter().for_each(Lease::release);
        Ok(db)
    }

    /// Makes a pool that connects on first use.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the settings contradict each other.
    pub fn connect_lazy(config: &Config) -> Result<Self> {
        config.check()?;
        let timeouts = Timeouts {
            wait: Some(config.acquire_timeout),
            create: None,  // the manager's own, so that the error can say why
            recycle: None, // the manager's own, only where there is something to wait for
        };
        let pool = managed::Pool::builder(Manager::new(config.clone()))
            .max_size(config.max_pool_size)
            .timeouts(timeouts)
            // The one used last is used next: its caches are warm, and those not needed grow old and are closed.
            .queue_mode(QueueMode::Lifo)
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|_| Error::Driver("the pool could not be built"))?;
        Ok(Self { pool })
    }

    /// The pool as it is now; needs no connection.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            max_size: status.max_size,
            size: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Refuses new work, waits for the work under way, at most until the deadline, and says goodbye to the server.
    /// True if nothing is under way any more.
    pub async fn close(&self, deadline: Duration) -> bool {
        let manager = self.pool.manager();
        let mut idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        idle.extend(manager.close());
        let goodbye = async {
            // A courtesy: the socket closes in any case, so it does not matter whether the message arrives.
            join_all(idle.into_iter().map(|conn| conn.pg.close())).await;
            manager
                .returned
                .wait_until(|| self.pool.status().size == 0)
                .await;
        };
        timeout(deadline, goodbye).await.is_ok() || self.pool.status().size == 0
    }

    /// A connection for `used`, which an error names.
    async fn acquire(&self, used: impl FnOnce() -> String) -> Result<Lease> {
        refuse_inside(self.id(), used)?;
        self.take_turns().await;
        self.acquire_within(self.config().acquire_timeout).await
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
        let among_others = || {
            let status = self.pool.status();
            status.available < status.size
        };
        if started.is_multiple_of(ALONE) || started.is_multiple_of(AMONG_OTHERS) && among_others() {
            yield_now().await;
        }
    }

    async fn acquire_within(&self, limit: Duration) -> Result<Lease> {
        let start = Instant::now();
        let timeouts = Timeouts {
            wait: Some(limit),
            ..self.pool.timeouts()
        };
        let object = self
            .pool
            .timeout_get(&timeouts)
            .await
            .map_err(|error| match error {
                PoolError::Backend(error) => error,
                PoolError::Closed => Error::PoolClosed,
                PoolError::Timeout(_) => {
                    let status = self.status();
                    Error::PoolTimeout {
                        waited: start.elapsed(),
                        size: status.size,
                        idle: status.idle,
                        waiting: status.waiting + 1, // and this one, which has just left the queue
                    }
                }
                PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                    Error::Driver("the pool is not set up for this")
                }
            })?;
        let lease = Lease::new(object, self.clone());
        if self.pool.is_closed() {
            // Closed while this connection was being made.
            lease.discard();
            return Err(Error::PoolClosed);
        }
        Ok(lease)
    }

    /// Tells this pool from others; the same for all clones.
    fn id(&self) -> usize {
        std::ptr::from_ref(self.pool.manager()) as usize
    }

    fn config(&self) -> &Config {
        &self.pool.manager().config
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: the pool's own shows the options, and those the password.
        f.debug_struct("Db")
            .field("server", &self.config().server())
            .field("status", &self.status())
            .finish()
    }
}

/// A snapshot of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
