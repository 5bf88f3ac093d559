//! Making connections, for callers who take one that comes back meanwhile just as well.

use super::{Conn, Open, Pool, Slot, Waiting, lock, this_runtime};
use crate::{
    config::Limits,
    db::connect::{Facts, connect_and_tell},
    error::{Error, Result},
};
use sqlx::PgConnection;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    runtime,
    sync::oneshot,
    time::{Instant, timeout_at},
};

/// So much earlier than its caller gives up, a connect gives up and says why.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// A caller for whom a connection is being made.
pub(super) struct Hungry {
    pub(super) asker: u64,
    pub(super) runtime: Option<runtime::Id>,
    pub(super) dish: oneshot::Sender<Result<(Conn, Slot)>>,
}

impl Pool {
    /// Makes a connection in a task of its own, so that a caller with a short deadline does not throw a half-made one away: else
    /// callers that all give up sooner than a connect takes would never get one. What comes back meanwhile will do as well.
    pub(super) async fn make(
        self: &Arc<Self>,
        slot: Slot,
        start: Instant,
        deadline: Instant,
    ) -> Result<(Conn, Slot)> {
        let _waiting = Waiting::new(&self.waiting);
        let runtime = this_runtime();
        let (dish, served) = oneshot::channel();
        let mut served = Served {
            pool: self.clone(),
            receiver: served,
        };
        let asker = {
            let mut shelf = lock(&self.shelf);
            shelf.making += 1;
            shelf.next_asker += 1;
            let asker = shelf.next_asker;
            shelf.hungry.push_back(Hungry {
                asker,
                runtime,
                dish,
            });
            asker
        };
        let left = deadline.saturating_duration_since(Instant::now());
        tokio::spawn(self.clone().connect_for(asker, slot, left));
        match timeout_at(deadline, &mut served.receiver).await {
            Ok(Ok(served)) => served,
            Ok(Err(_)) => Err(Error::Driver("a background task ended early")),
            Err(_) => Err(Error::Connect {
                server: self.config.road.server(),
                why: format!("no connection was made in {:.1?}", start.elapsed()),
            }),
        }
    }

    async fn connect_for(self: Arc<Self>, asker: u64, slot: Slot, left: Duration) {
        const LEAST: Duration = Duration::from_secs(1);
        let mut config = self.config.clone();
        let patience = left.saturating_sub(LAST_WORDS).max(LEAST);
        config.connect_timeout = config.connect_timeout.min(patience);
        // If this task ends early, no caller must wait for it.
        let making = Making { pool: &self, asker };
        let made = loop {
            let (verified, era) = (self.generation.load(Relaxed), self.era.load(Relaxed));
            let made = connect_and_tell(&config, Limits::Usual).await;
            if era == self.era.load(Relaxed) {
                break made.map(|(pg, facts)| self.conn(pg, facts, verified, era));
            }
        };
        match made {
            Ok(conn) => making.served(conn, slot),
            Err(error) => {
                drop(slot);
                making.failed(error);
            }
        }
    }

    fn conn(self: &Arc<Self>, pg: PgConnection, facts: Facts, verified: u64, era: u64) -> Conn {
        self.open.fetch_add(1, Relaxed);
        let now = Instant::now();
        Conn {
            pg,
            acts_unseen: facts.acts_unseen,
            verified,
            era,
            last_used: now,
            expires: lifetime(self.config.max_lifetime).map(|life| now + life),
            runtime: this_runtime(),
            _open: Open(Arc::downgrade(self)),
        }
    }
}

/// What a hungry caller waits for. If the caller is cancelled when it was just served, the next one gets it.
struct Served {
    pool: Arc<Pool>,
    receiver: oneshot::Receiver<Result<(Conn, Slot)>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(Ok((conn, slot))) = self.receiver.try_recv() {
            self.pool.put(conn, slot);
        }
    }
}

/// A connection that is being made.
struct Making<'a> {
    pool: &'a Arc<Pool>,
    asker: u64,
}

impl Making<'_> {
    fn served(self, conn: Conn, slot: Slot) {
        self.pool.put(conn, slot);
    }

    fn failed(self, error: Error) {
        self.tell(error);
    }

    /// Tells the caller for whom it was made; if that one was served otherwise, one of those who now wait for nothing.
    fn tell(&self, error: Error) {
        let mut error = error;
        loop {
            let mut shelf = lock(&self.pool.shelf);
            let own = shelf.hungry.iter().position(|one| one.asker == self.asker);
            let at = own.or((shelf.hungry.len() >= shelf.making).then_some(0));
            let Some(hungry) = at.and_then(|at| shelf.hungry.remove(at)) else {
                return;
            };
            drop(shelf);
            match hungry.dish.send(Err(error)) {
                Err(Err(back)) if hungry.asker != self.asker => error = back, // that caller has gone
                _ => return,
            }
        }
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let early = {
            let mut shelf = lock(&self.pool.shelf);
            shelf.making -= 1;
            shelf.hungry.len() > shelf.making
        };
        if early {
            self.tell(Error::Driver("a background task ended early"));
        }
    }
}

/// Up to a tenth shorter, so that connections made together do not end together.
fn lifetime(limit: Duration) -> Option<Duration> {
    const STEPS: u64 = 1024;
    let random = RandomState::new().hash_one(limit) % STEPS;
    let tenth = limit / 10;
    (!limit.is_zero()).then(|| limit - tenth.mul_f64(random as f64 / STEPS as f64))
}
