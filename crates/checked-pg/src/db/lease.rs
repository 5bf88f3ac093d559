//! A connection on loan, and how it comes back.

use super::{
    Db,
    fault::leaves_connection_usable,
    pool::{Conn, Manager},
};
use deadpool::managed::Object;
use sqlx::{Connection, Executor, PgConnection};
use std::time::Duration;
use tokio::{
    runtime::Handle,
    time::{Instant, timeout},
};

/// A connection on loan. It goes back to the pool only through [`release`](Self::release), after the server's last answer was
/// read. Dropped in any other way (a cancelled future, a panic, an early return) nobody knows what is still under way on it, so it
/// is drained in the background for a moment and, failing that, closed. Its slot in the pool stays taken meanwhile, so that the work
/// of a cancelled caller still counts.
pub(super) struct Lease {
    object: Option<Object<Manager>>,
    db: Db,
    on_drop: OnDrop,
    /// Set while a transaction may be open: draining then ends with a ROLLBACK.
    in_transaction: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    Drain,
    Close,
}

impl Lease {
    pub(super) fn new(object: Object<Manager>, db: Db) -> Self {
        Self {
            object: Some(object),
            db,
            on_drop: OnDrop::Drain,
            in_transaction: false,
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

    /// The connection, on which a transaction may be open from now on.
    pub(super) fn conn_in_transaction(&mut self) -> &mut PgConnection {
        self.in_transaction = true;
        self.conn()
    }

    /// Gives the connection back: no statement is under way and no transaction is open.
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

    /// Gives the connection back if the statement's outcome shows that it is sound, else closes it.
    pub(super) fn settle<T>(self, outcome: &Result<T, sqlx::Error>) {
        match outcome {
            Err(error) if !leaves_connection_usable(error) => self.discard_broken(),
            _ => self.release(),
        }
    }

    /// Lets an abandoned statement end, rolls back, and gives the connection back; or runs out of time and closes it.
    pub(super) async fn drain(mut self, limit: Duration) {
        let in_transaction = self.in_transaction;
        let quiet = timeout(limit, quiesce(self.conn(), in_transaction)).await;
        match quiet {
            Ok(outcome) => self.settle(&outcome),
            Err(_) => self.discard(),
        }
    }

    fn came_back(&self) {
        if self.db.pool.is_closed() {
            self.db.pool.manager().returned.ring();
        }
    }
}

/// Reads all the server still owes and ends the transaction, if there may be one.
///
/// sqlx counts the answers it expects and reads them before it sends anything, so an error that leaves the connection usable is
/// the abandoned statement's own: the next round is one answer further on.
async fn quiesce(conn: &mut PgConnection, in_transaction: bool) -> Result<(), sqlx::Error> {
    loop {
        let answer = match in_transaction {
            true => conn.execute("ROLLBACK").await.map(drop),
            false => conn.ping().await,
        };
        match answer {
            Err(error) if leaves_connection_usable(&error) => {}
            answer => return answer,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        if self.on_drop == OnDrop::Drain
            && let Ok(runtime) = Handle::try_current()
        {
            let lease = Self {
                object: Some(object),
                db: self.db.clone(),
                // Not a second time: if the runtime ends before the draining does, it closes.
                on_drop: OnDrop::Close,
                in_transaction: self.in_transaction,
            };
            runtime.spawn(lease.drain(self.db.config().drain));
        } else {
            // Out of the pool, and the socket is closed: the server ends the session at its next read or check.
            drop::<Conn>(Object::take(object));
            self.came_back();
        }
    }
}
