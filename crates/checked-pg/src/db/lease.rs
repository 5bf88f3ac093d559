//! A connection on loan, and how it comes back.

use super::{
    Db,
    fault::leaves_connection_usable,
    pool::{Conn, Manager},
    proof::{self, Broken, CLEAN, Cleaning, End, Ended},
};
use deadpool::managed::Object;
use sqlx::PgConnection;
use std::time::Duration;
use tokio::{
    runtime::Handle,
    time::{Instant, timeout},
};

/// A connection on loan. It goes straight back to the pool only by [`release`](Self::release), after the last answer of a statement
/// that leaves nothing behind. In all other cases nobody knows what is still under way on it or was left in its session: it must
/// [prove itself](proof::end) first, or it is closed. Dropped, it does so in the background. Its slot in the pool stays taken
/// meanwhile, so that the work of a cancelled caller still counts.
pub(super) struct Lease {
    object: Option<Object<Manager>>,
    db: Db,
    on_drop: OnDrop,
    /// Something may have been left in the session that only a thorough look finds.
    suspect: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    Recover,
    Close,
}

impl Lease {
    pub(super) fn new(object: Object<Manager>, db: Db) -> Self {
        Self {
            object: Some(object),
            db,
            on_drop: OnDrop::Recover,
            suspect: false,
        }
    }

    /// The connection.
    #[expect(
        clippy::expect_used,
        reason = "release and drop alone take the object, and nothing can be called after them"
    )]
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        let object = self.object.as_mut();
        &mut object.expect("a lease holds its connection to the end").pg
    }

    /// From now on a thorough look is needed before somebody else gets the connection.
    pub(super) fn suspect(&mut self) {
        self.suspect = true;
    }

    /// Gives the connection back: its last answer was read, no transaction is open, and nothing is left in its session.
    pub(super) fn release(mut self) {
        if let Some(mut object) = self.object.take() {
            object.last_used = Instant::now();
            drop(object);
            Manager::reap_later(&self.db.pool);
            self.came_back();
        }
    }

    /// Closes the connection.
    pub(super) fn discard(mut self) {
        self.on_drop = OnDrop::Close;
    }

    /// Closes the connection, which turned out to be broken.
    pub(super) fn discard_broken(self) {
        self.db.pool.manager().suspect_all();
        self.discard();
    }

    /// After a statement by itself: gives the connection back if the statement was read to its end and leaves nothing behind,
    /// closes it if it broke, and else lets it prove itself in the background.
    pub(super) fn settle<T>(self, outcome: &Result<T, sqlx::Error>) {
        match outcome {
            Ok(_) if !self.suspect => self.release(),
            Err(error) if !leaves_connection_usable(error) => self.discard_broken(),
            _ => drop(self),
        }
    }

    /// Ends the transaction and gives the connection back, if it proves to be in step and clean; else closes it.
    /// The inner result is the server's.
    pub(super) async fn end(mut self, end: End) -> Result<Result<(), sqlx::Error>, Broken> {
        let ended = self.prove(end).await;
        self.after_proof(ended)
    }

    /// Lets an abandoned statement end, rolls back, and gives the connection back; or runs out of time and closes it.
    pub(super) async fn recover(mut self, limit: Duration) {
        match timeout(limit, self.prove(End::Rollback)).await {
            Ok(ended) => {
                if let Err(broken) = self.after_proof(ended) {
                    let error = crate::Error::from(broken.error);
                    tracing::debug!(%error, "an abandoned connection is closed");
                }
            }
            Err(_) => self.discard(),
        }
    }

    async fn prove(&mut self, end: End) -> Result<Ended, Broken> {
        let cleaning = Cleaning {
            statements: CLEAN,
            look_for_prepared: self.suspect,
        };
        proof::end(self.conn(), end, cleaning).await
    }

    fn after_proof(self, ended: Result<Ended, Broken>) -> Result<Result<(), sqlx::Error>, Broken> {
        match ended {
            Ok(Ended { outcome, sound }) => {
                match sound {
                    true => self.release(),
                    false => self.discard(),
                }
                Ok(outcome)
            }
            Err(broken) => {
                match broken.error {
                    sqlx::Error::Protocol(_) => self.discard(),
                    _ => self.discard_broken(),
                }
                Err(broken)
            }
        }
    }

    fn came_back(&self) {
        if self.db.pool.is_closed() {
            self.db.pool.manager().returned.ring();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        if self.on_drop == OnDrop::Recover
            && let Ok(runtime) = Handle::try_current()
        {
            let lease = Self {
                object: Some(object),
                db: self.db.clone(),
                // Not a second time: if the runtime ends before that is done, it is closed.
                on_drop: OnDrop::Close,
                suspect: self.suspect,
            };
            runtime.spawn(lease.recover(self.db.config().drain));
        } else {
            // Out of the pool, and the socket is closed: the server ends the session at its next read or check.
            drop::<Conn>(Object::take(object));
            self.came_back();
        }
    }
}
