//! Closes connections whose time is over.

use super::{Conn, Pool, lock};
use std::sync::{Arc, Weak};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};

/// Sees to it that idle connections are closed when their time comes. To be called when one has come back.
pub(super) fn reap_later(pool: &Arc<Pool>) {
    let mut reaper = lock(&pool.reaper);
    // A task is finished, too, if its runtime has ended.
    if reaper.as_ref().is_some_and(|task| !task.is_finished()) {
        return;
    }
    let lifetimes = [pool.config.max_inactive_lifetime, pool.config.max_lifetime];
    let Some(first) = lifetimes.into_iter().filter(|life| !life.is_zero()).min() else {
        return;
    };
    if let Ok(runtime) = Handle::try_current() {
        let task = runtime.spawn(reap(Arc::downgrade(pool), Instant::now() + first));
        *reaper = Some(task.abort_handle());
    }
}

/// Sleeps until the first idle connection is due, and ends when none is left to wait for.
async fn reap(pool: Weak<Pool>, mut due: Instant) {
    loop {
        sleep_until(due).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut reaper = lock(&pool.reaper);
        match close_old(&pool) {
            Some(next) => due = next,
            None => {
                // Under the lock, so that a connection that comes back from now on starts a new task, and none is overlooked.
                *reaper = None;
                return;
            }
        }
    }
}

/// Closes idle connections that are too old, the oldest first; says when the next one is due.
fn close_old(pool: &Pool) -> Option<Instant> {
    let idle_for = pool.config.max_inactive_lifetime;
    let now = Instant::now();
    let is_old =
        |conn: &Conn| !idle_for.is_zero() && now.duration_since(conn.last_used) >= idle_for;
    let mut shelf = lock(&pool.shelf);
    let mut surplus = pool.size().saturating_sub(pool.config.min_pool_size);
    let mut closed = Vec::new();
    let mut next: Option<Instant> = None;
    for conn in std::mem::take(&mut shelf.idle) {
        if conn.is_expired() || (surplus > 0 && is_old(&conn)) {
            surplus = surplus.saturating_sub(1);
            closed.push(conn);
            continue;
        }
        let idle_due = (surplus > 0 && !idle_for.is_zero()).then(|| conn.last_used + idle_for);
        surplus = surplus.saturating_sub(1);
        next = [next, idle_due, conn.expires].into_iter().flatten().min();
        shelf.idle.push(conn);
    }
    drop(shelf);
    if !closed.is_empty() {
        tracing::debug!(count = closed.len(), "closed idle connections");
    }
    next
}
