//! What `deadpool` asks of us: making, checking and forgetting connections. `deadpool` itself decides who waits.

use super::connect::connect;
use crate::{
    config::Config,
    error::{Error, Result},
};
use deadpool::managed::{self, Metrics, RecycleResult, WeakPool};
use sqlx::{Connection, PgConnection};
use std::{
    io::ErrorKind,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore, oneshot},
    time::{Instant, sleep_until, timeout},
};

/// A ping that takes longer is a dead connection.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection of the pool.
pub(super) struct Conn {
    pub(super) pg: PgConnection,
    /// The generation in which it was last known to be alive.
    verified: u64,
    /// When it was last given back; deadpool's own metrics know the last acquire, which a long transaction makes old.
    pub(super) last_used: Instant,
}

pub(super) struct Manager {
    pub(super) config: Config,
    /// Grows each time a connection breaks. One last verified in an older generation is pinged before use.
    generation: AtomicU64,
    /// Connections whose asker was cancelled while they were being made.
    spare: Arc<Mutex<Vec<Conn>>>,
    /// Bounds the connects under way, which a cancelled asker leaves behind. Closed with the pool.
    connecting: Arc<Semaphore>,
    /// Rings for `Db::close` when a connection has come back.
    pub(super) returned: Bell,
    /// True while a task waits to close idle connections.
    reaping: AtomicBool,
}

impl Manager {
    pub(super) fn new(config: Config) -> Self {
        Self {
            generation: AtomicU64::new(0),
            spare: Arc::default(),
            connecting: Arc::new(Semaphore::new(config.max_pool_size)),
            returned: Bell::default(),
            reaping: AtomicBool::new(false),
            config,
        }
    }

    /// A connection broke, and its siblings probably did too (restart, failover): each is pinged once before its next use, so
    /// that one caller sees the failure and not one caller per connection.
    pub(super) fn suspect_all(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes no more connections, and hands over those that nobody asked for.
    pub(super) fn close(&self) -> Vec<Conn> {
        self.connecting.close();
        std::mem::take(&mut *lock(&self.spare))
    }

    async fn check(&self, conn: &mut Conn) -> Result<(), sqlx::Error> {
        let generation = self.generation.load(Ordering::Relaxed);
        if conn.verified != generation || conn.last_used.elapsed() > self.config.ping_after {
            let answer = timeout(PING_TIMEOUT, conn.pg.ping()).await;
            answer.map_err(|_| sqlx::Error::Io(ErrorKind::TimedOut.into()))??;
            conn.verified = generation;
        }
        Ok(())
    }

    /// Drops idle connections that are too old, the oldest first; says when the next one is due.
    fn reap(pool: &managed::Pool<Self>) -> Option<Instant> {
        let manager = pool.manager();
        let lifetime = manager.config.max_inactive_lifetime;
        let now = Instant::now();
        let is_old = |conn: &Conn| now.duration_since(conn.last_used) >= lifetime;
        lock(&manager.spare).retain(|conn| !is_old(conn));

        let mut surplus = pool
            .status()
            .size
            .saturating_sub(manager.config.min_pool_size);
        let mut next = None;
        let closed = pool.retain(|conn, _| {
            if surplus == 0 {
                return true;
            }
            surplus -= 1;
            if is_old(conn) {
                return false;
            }
            let due = conn.last_used + lifetime;
            next = Some(next.map_or(due, |next: Instant| next.min(due)));
            true
        });
        if !closed.removed.is_empty() {
            tracing::debug!(count = closed.removed.len(), "closed idle connections");
        }
        next
    }

    /// Sees to it that idle connections are closed when their time comes. To be called when a connection has come back.
    pub(super) fn reap_later(pool: &managed::Pool<Self>) {
        let manager = pool.manager();
        let lifetime = manager.config.max_inactive_lifetime;
        if lifetime.is_zero() || manager.reaping.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(runtime) = Handle::try_current()
            && !manager.reaping.swap(true, Ordering::AcqRel)
        {
            runtime.spawn(reaper(pool.weak(), Instant::now() + lifetime));
        }
    }
}

/// Sleeps until the oldest idle connection is due, and ends when none is left to wait for.
async fn reaper(pool: WeakPool<Manager>, mut due: Instant) {
    loop {
        sleep_until(due).await;
        let Some(pool) = pool.upgrade() else { return };
        // First, so that a connection which comes back from now on starts a new task, and none is overlooked.
        let reaping = &pool.manager().reaping;
        reaping.store(false, Ordering::Release);
        match Manager::reap(&pool) {
            Some(next) if !reaping.swap(true, Ordering::AcqRel) => due = next,
            _ => return,
        }
    }
}

impl managed::Manager for Manager {
    type Type = Conn;
    type Error = Error;

    /// Connects in a task of its own, so that a caller with a short deadline does not throw a half-made connection away:
    /// else callers that all give up sooner than a connect takes would never get one.
    async fn create(&self) -> Result<Conn> {
        let turn = self.connecting.clone().acquire_owned().await;
        let turn = turn.map_err(|_| Error::PoolClosed)?;
        while let Some(mut conn) = self.take_spare() {
            if self.check(&mut conn).await.is_ok() {
                return Ok(conn);
            }
        }
        let (config, spare) = (self.config.clone(), self.spare.clone());
        let (connecting, verified) = (
            self.connecting.clone(),
            self.generation.load(Ordering::Relaxed),
        );
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let made = connect(&config, config.connect_options()).await;
            let made = made.map(|pg| Conn {
                pg,
                verified,
                last_used: Instant::now(),
            });
            if let Err(Ok(unwanted)) = tell.send(made) {
                let mut spare = lock(&spare);
                if !connecting.is_closed() {
                    spare.push(unwanted);
                }
            }
            drop(turn);
        });
        told.await
            .unwrap_or(Err(Error::Driver("a background task ended early")))
    }

    async fn recycle(&self, conn: &mut Conn, _: &Metrics) -> RecycleResult<Error> {
        Ok(self.check(conn).await.map_err(Error::from)?)
    }
}

impl Manager {
    fn take_spare(&self) -> Option<Conn> {
        lock(&self.spare).pop()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes those that wait for a condition when it may have changed.
#[derive(Default)]
pub(super) struct Bell(Notify);

impl Bell {
    pub(super) fn ring(&self) {
        self.0.notify_waiters();
    }

    pub(super) async fn wait_until(&self, condition: impl Fn() -> bool) {
        loop {
            let mut rung = pin!(self.0.notified());
            // Before the condition is read, so that a ring in between is not missed.
            rung.as_mut().enable();
            if condition() {
                return;
            }
            rung.await;
        }
    }
}
