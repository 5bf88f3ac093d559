//! A connection on loan, and how it comes back.

use super::{
    fault::leaves_connection_usable,
    patience::Patience,
    pool::{Conn, Slot},
    proof::{self, Broken, CLEAN, Cleaning, End, Ended},
    rounds::FORGET,
};
use crate::config::Pooler;
use sqlx::PgConnection;
use std::{borrow::Cow, time::Duration};
use tokio::{runtime::Handle, time::timeout};

/// A connection on loan. It goes straight back to the pool only by [`release`](Self::release), after the last answer of a statement
/// that leaves nothing behind. In all other cases nobody knows what is still under way on it or was left in its session: it must
/// [prove itself](proof::end) first, or it is closed. Dropped, it does so in the background. Its slot in the pool stays taken
/// meanwhile, so that the work of a cancelled caller still counts.
pub(super) struct Lease {
    held: Option<(Conn, Slot)>,
    on_drop: OnDrop,
    /// It must prove itself, whatever its last statement's outcome.
    doubt: bool,
    /// Something may have been left in the session that only a thorough look finds.
    suspect: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    Recover,
    Close,
}

impl Lease {
    pub(super) fn new(conn: Conn, slot: Slot) -> Self {
        let acts_unseen = conn.acts_unseen;
        Self {
            held: Some((conn, slot)),
            on_drop: OnDrop::Recover,
            doubt: acts_unseen,
            suspect: acts_unseen,
        }
    }

    /// The connection.
    #[expect(
        clippy::expect_used,
        reason = "release and drop alone take the connection, and nothing can be called after them"
    )]
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        let held = self.held.as_mut();
        &mut held.expect("a lease holds its connection to the end").0.pg
    }

    /// True if the pooler in between may hand the session on after each transaction.
    pub(super) fn is_in_rounds(&self) -> bool {
        let held = self.held.as_ref();
        held.is_some_and(|(_, slot)| slot.pool.config.pooler == Pooler::Transaction)
    }

    /// From now on it must prove itself before somebody else gets it.
    pub(super) fn doubt(&mut self) {
        self.doubt = true;
    }

    /// As [`doubt`](Self::doubt), and by a thorough look.
    pub(super) fn suspect(&mut self) {
        self.doubt = true;
        self.suspect = true;
    }

    /// Gives the connection back: its last answer was read, no transaction is open, and nothing is left in its session.
    pub(super) fn release(mut self) {
        if let Some((conn, slot)) = self.held.take() {
            let pool = slot.pool.clone();
            pool.put(conn, slot);
        }
    }

    /// Closes the connection.
    pub(super) fn discard(mut self) {
        self.on_drop = OnDrop::Close;
    }

    /// Closes the connection, which turned out to be broken.
    pub(super) fn discard_broken(self) {
        if let Some((_, slot)) = &self.held {
            slot.pool.suspect_all();
        }
        self.discard();
    }

    /// The connection's server takes no writes: it and its siblings are to be replaced, unless that was just done in vain.
    pub(super) fn retire_read_only(&self) -> bool {
        match &self.held {
            Some((conn, slot)) => slot.pool.retire_as_read_only(conn),
            None => false,
        }
    }

    /// Closes the connection, which knows statements that are out of date, and its siblings, which know them, too.
    pub(super) fn discard_out_of_date(self) {
        if let Some((conn, slot)) = &self.held {
            slot.pool.retire_as_out_of_date(conn);
        }
        self.discard();
    }

    /// After a statement by itself: gives the connection back if the statement was read to its end and leaves nothing behind,
    /// closes it if it broke, and else lets it prove itself in the background.
    pub(super) fn settle<T>(self, outcome: &Result<T, sqlx::Error>) {
        match outcome {
            Ok(_) if !self.doubt => self.release(),
            Err(error) if !leaves_connection_usable(error) => self.discard_broken(),
            _ => drop(self),
        }
    }

    /// Ends the transaction and gives the connection back, if it proves to be in step and clean; else closes it.
    /// The inner result is the server's.
    pub(super) async fn end(
        mut self,
        end: End,
        mut patience: Patience,
    ) -> Result<Result<(), sqlx::Error>, Broken> {
        let ended = match patience.wait(self.prove(end)).await {
            Ok(ended) => ended,
            Err(expired) => Err(Broken {
                error: expired.in_transaction(),
                was_sent: true,
            }),
        };
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
        let held = self.held.as_ref();
        let again = held.and_then(|(_, slot)| slot.pool.config.settings_again());
        let statements = match again {
            None => Cow::Borrowed(CLEAN),
            Some(again) if self.is_in_rounds() => Cow::Owned(format!("{CLEAN}; {FORGET}; {again}")),
            Some(again) => Cow::Owned(format!("{CLEAN}; {again}")),
        };
        let cleaning = Cleaning {
            statements: &statements,
            // In rounds, those are removed.
            look_for_prepared: self.suspect && !self.is_in_rounds(),
            forget_own: self.is_in_rounds(),
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
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some((conn, slot)) = self.held.take() else {
            return;
        };
        if self.on_drop == OnDrop::Recover
            && let Ok(runtime) = Handle::try_current()
        {
            let limit = slot.pool.config.drain;
            let lease = Self {
                held: Some((conn, slot)),
                // Not a second time: if the runtime ends before that is done, it is closed.
                on_drop: OnDrop::Close,
                doubt: true,
                suspect: self.suspect,
            };
            runtime.spawn(lease.recover(limit));
        } else {
            // The socket is closed before the slot is free: the server ends the session at its next read or check.
            drop(conn);
            drop(slot);
        }
    }
}
