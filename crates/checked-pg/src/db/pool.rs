//! The connections: who gets one, who makes one, and when one is thrown away.
//!
//! There are as many slots as connections may be open. Whoever has or makes a connection holds a slot, so that what a cancelled caller
//! left behind still counts. A caller who finds no idle connection makes one, but takes one that comes back meanwhile: so
//! callers share the connections that there are while the server lets no more in.

mod bell;
mod making;
mod reaper;

use crate::{
    config::Config,
    error::{Error, Result},
};
use bell::Bell;
use making::Hungry;
use sqlx::{Connection, PgConnection};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    runtime::{self, Handle},
    sync::{Semaphore, TryAcquireError},
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};

/// A ping that takes longer is a dead connection.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A pool that was emptied because its server takes no writes is not emptied again so soon.
const RETIRED_FOR: Duration = Duration::from_millis(500);

/// A connection of the pool.
pub(super) struct Conn {
    pub(super) pg: PgConnection,
    /// Statements may change its session though their text does not say so.
    pub(super) acts_unseen: bool,
    /// The generation in which it was last known to be alive.
    verified: u64,
    /// The era in which it was made.
    era: u64,
    /// When it was last given back.
    last_used: Instant,
    expires: Option<Instant>,
    /// Its socket is of use in this runtime only.
    runtime: Option<runtime::Id>,
    _open: Open,
}

/// Counts a connection for as long as it is open. An idle one is the pool's own, so it must not keep the pool alive.
struct Open(Weak<Pool>);

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.open.fetch_sub(1, Relaxed);
            pool.returned.ring();
        }
    }
}

/// The right to have a connection open.
pub(super) struct Slot {
    pub(super) pool: Arc<Pool>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.slots.add_permits(1);
    }
}

pub(super) struct Pool {
    pub(super) config: Config,
    slots: Semaphore,
    shelf: Mutex<Shelf>,
    open: AtomicUsize,
    waiting: AtomicUsize,
    /// Grows each time a connection breaks. One last verified in an older generation is pinged before use.
    generation: AtomicU64,
    /// Connections of an older era are closed.
    era: AtomicU64,
    /// Rings when a connection is closed.
    returned: Bell,
    /// The task that waits to close idle connections.
    reaper: Mutex<Option<AbortHandle>>,
}

#[derive(Default)]
struct Shelf {
    /// The one used last is at the end.
    idle: Vec<Conn>,
    /// Callers for whom a connection is being made, the first come first.
    hungry: VecDeque<Hungry>,
    next_asker: u64,
    /// Connections that are being made: at least as many as there are hungry callers.
    making: usize,
    retired: Option<Instant>,
}

/// Counts a caller for as long as it waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Pool {
    pub(super) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            slots: Semaphore::new(config.max_pool_size),
            shelf: Mutex::default(),
            open: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            era: AtomicU64::new(0),
            returned: Bell::default(),
            reaper: Mutex::default(),
            config,
        })
    }

    pub(super) fn size(&self) -> usize {
        self.open.load(Relaxed)
    }

    pub(super) fn idle(&self) -> usize {
        lock(&self.shelf).idle.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.slots.is_closed()
    }

    /// A connection that is fit for use, within the limit.
    pub(super) async fn acquire(self: &Arc<Self>, limit: Duration) -> Result<(Conn, Slot)> {
        let start = Instant::now();
        let deadline = start + limit;
        let mut slot = self.slot(start, deadline).await?;
        loop {
            let mut conn = match self.take_idle() {
                Some(conn) => conn,
                None => {
                    let (conn, its_slot) = self.make(slot, start, deadline).await?;
                    slot = its_slot;
                    conn
                }
            };
            if self.is_closed() {
                return Err(Error::PoolClosed);
            }
            if self.check(&mut conn, limit, deadline).await {
                return Ok((conn, slot));
            }
        }
    }

    async fn slot(self: &Arc<Self>, start: Instant, deadline: Instant) -> Result<Slot> {
        let permit = match self.slots.try_acquire() {
            Ok(permit) => Ok(permit),
            Err(TryAcquireError::Closed) => return Err(Error::PoolClosed),
            Err(TryAcquireError::NoPermits) => {
                let _waiting = Waiting::new(&self.waiting);
                timeout_at(deadline, self.slots.acquire())
                    .await
                    .map_err(|_| self.timed_out(start))?
            }
        };
        permit.map_err(|_| Error::PoolClosed)?.forget();
        Ok(Slot { pool: self.clone() })
    }

    fn timed_out(&self, start: Instant) -> Error {
        Error::PoolTimeout {
            waited: start.elapsed(),
            size: self.size(),
            idle: self.idle(),
            waiting: self.waiting(),
        }
    }

    /// The idle connection that was used last. Its caches are warm, and those not needed grow old and are closed.
    fn take_idle(&self) -> Option<Conn> {
        let here = this_runtime();
        let mut replaced = None;
        let mut shelf = lock(&self.shelf);
        let found = shelf.idle.iter().rposition(|conn| conn.runtime == here);
        let taken = match found {
            Some(at) => Some(shelf.idle.remove(at)),
            None => {
                // Room for the one that will be made.
                if !shelf.idle.is_empty() {
                    replaced = Some(shelf.idle.remove(0));
                }
                None
            }
        };
        drop(shelf);
        if replaced.is_some() {
            tracing::debug!("a connection that belongs to another runtime is replaced");
        }
        taken
    }

    /// Gives a connection to whoever waits for one, or puts it on the shelf.
    pub(super) fn put(self: &Arc<Self>, mut conn: Conn, mut slot: Slot) {
        conn.last_used = Instant::now();
        let mut shelf = lock(&self.shelf);
        if self.is_closed() || !self.is_of_this_era(&conn) || conn.is_expired() {
            drop(shelf);
            return;
        }
        while let Some(at) = shelf
            .hungry
            .iter()
            .position(|one| one.runtime == conn.runtime)
        {
            let Some(hungry) = shelf.hungry.remove(at) else {
                break;
            };
            match hungry.dish.send(Ok((conn, slot))) {
                Ok(()) => return,
                Err(Ok((conn_back, slot_back))) => (conn, slot) = (conn_back, slot_back),
                Err(Err(_)) => return,
            }
        }
        shelf.idle.push(conn);
        drop(shelf);
        drop(slot);
        reaper::reap_later(self);
    }

    /// Sees that the connection is there, if there is a doubt. If it is not, it is told what that says about the others.
    async fn check(&self, conn: &mut Conn, limit: Duration, deadline: Instant) -> bool {
        let generation = self.generation.load(Relaxed);
        if conn.is_expired() || !self.is_of_this_era(conn) {
            return false;
        }
        if conn.verified == generation && conn.last_used.elapsed() <= self.config.ping_after {
            return true;
        }
        let asked = Instant::now();
        let most = PING_TIMEOUT.min(limit / 4);
        let most = most.min(deadline.saturating_duration_since(asked));
        match timeout(most, conn.pg.ping()).await {
            Ok(Ok(())) => {
                conn.verified = generation;
                true
            }
            Ok(Err(_)) => {
                self.suspect_all();
                false
            }
            Err(_) => {
                // Silence: whatever swallowed this one's answer has most likely swallowed the others'. To ask them one by one would
                // take as long for each.
                tracing::debug!(
                    "an idle connection does not answer: all that are idle are replaced"
                );
                self.drop_idle(|conn| conn.last_used < asked);
                false
            }
        }
    }

    /// A connection broke, and its siblings probably did too (restart, failover): each is pinged once before its next use, so
    /// that one caller sees the failure and not one caller per connection.
    pub(super) fn suspect_all(&self) {
        self.generation.fetch_add(1, Relaxed);
    }

    /// The server of this connection takes no writes any more: all connections are replaced, the idle ones now and the others when
    /// they come back. False if that was just done, and there is no server that takes writes.
    pub(super) fn retire_as_read_only(&self, conn: &Conn) -> bool {
        if !self.is_of_this_era(conn) {
            return true;
        }
        let now = Instant::now();
        let mut shelf = lock(&self.shelf);
        if shelf.retired.is_some_and(|at| now < at + RETIRED_FOR) {
            return false;
        }
        shelf.retired = Some(now);
        drop(shelf);
        self.retire_all();
        true
    }

    /// This connection knows statements that are out of date, and the others most likely do, too.
    pub(super) fn retire_as_out_of_date(&self, conn: &Conn) {
        if self.is_of_this_era(conn) {
            self.retire_all();
        }
    }

    fn retire_all(&self) {
        self.era.fetch_add(1, Relaxed);
        self.drop_idle(|_| true);
    }

    fn is_of_this_era(&self, conn: &Conn) -> bool {
        conn.era == self.era.load(Relaxed)
    }

    /// Closes the idle connections that are of this kind.
    pub(super) fn drop_idle(&self, is_of_the_kind: impl Fn(&Conn) -> bool) {
        let mut shelf = lock(&self.shelf);
        let (closed, kept) = std::mem::take(&mut shelf.idle)
            .into_iter()
            .partition::<Vec<_>, _>(is_of_the_kind);
        shelf.idle = kept;
        drop(shelf);
        drop(closed);
    }

    /// Refuses callers from now on, and hands over the idle connections.
    pub(super) fn close(&self) -> Vec<Conn> {
        self.slots.close();
        let mut shelf = lock(&self.shelf);
        let hungry = std::mem::take(&mut shelf.hungry);
        let idle = std::mem::take(&mut shelf.idle);
        drop(shelf);
        for Hungry { dish, .. } in hungry {
            dish.send(Err(Error::PoolClosed)).unwrap_or_default();
        }
        idle
    }

    pub(super) async fn wait_until_empty(&self) {
        self.returned.wait_until(|| self.size() == 0).await;
    }
}

impl Conn {
    fn is_expired(&self) -> bool {
        self.expires
            .is_some_and(|expires| expires <= Instant::now())
    }
}

fn this_runtime() -> Option<runtime::Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
