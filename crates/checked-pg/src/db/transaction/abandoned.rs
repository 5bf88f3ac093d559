//! Savepoints whose work was dropped half-way: by a timeout around it, by a `select!`, by a panic that was caught.
//!
//! Nobody is left then to undo it, and the transaction may go on. So its savepoint is remembered, and before anything else runs in
//! the transaction, COMMIT included, it is gone back to.

use super::Tx;
use crate::{
    db::proof::{Stands, leave, nonce},
    error::{Error, Result},
};
use sqlx::{AssertSqlSafe, Executor};
use std::sync::{Arc, Mutex, PoisonError};

/// The outermost savepoint that was abandoned, if there is one.
pub(super) type Abandoned = Arc<Mutex<Option<Left>>>;

/// A savepoint that nobody will leave.
#[derive(Debug)]
pub(super) struct Left {
    depth: usize,
    /// `None` if it may be gone already.
    name: Option<String>,
}

/// A savepoint whose work is under way.
pub(super) struct Open {
    /// A name that nobody else knows.
    pub(super) name: String,
    depth: usize,
    /// It is being left.
    leaving: bool,
    closed: bool,
    abandoned: Abandoned,
}

impl Open {
    /// From now on it may be there no more.
    pub(super) fn leaving(&mut self) {
        self.leaving = true;
    }

    /// It was left.
    pub(super) fn close(mut self, tx: &mut Tx) {
        tx.depth = self.depth;
        self.closed = true;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        let mut abandoned = self
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if abandoned
            .as_ref()
            .is_none_or(|left| self.depth < left.depth)
        {
            let name = (!self.leaving).then(|| std::mem::take(&mut self.name));
            let depth = self.depth;
            *abandoned = Some(Left { depth, name });
        }
    }
}

impl Tx {
    /// Sets a savepoint.
    pub(super) async fn enter(&mut self) -> Result<Open> {
        self.quiet().await?;
        let open = Open {
            name: nonce(),
            depth: self.depth,
            leaving: false,
            closed: false,
            abandoned: self.abandoned.clone(),
        };
        let set = AssertSqlSafe(format!("SAVEPOINT {}", open.name));
        self.depth += 1;
        // Only a statement of the caller's own shows that a collision was dealt with.
        let again = self.seen.again.clone();
        match self.answer(async |conn| conn.execute(set).await).await {
            Ok(_) => {
                self.seen.again = again;
                Ok(open)
            }
            Err(error) => {
                open.close(self);
                Err(error.into())
            }
        }
    }

    /// Undoes what was abandoned, and sees whether the transaction is still there.
    pub(super) async fn undo_abandoned(&mut self) -> Result<()> {
        let left = {
            let mut abandoned = self
                .abandoned
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            abandoned.take()
        };
        let Some(Left { depth, name }) = left else {
            return Ok(());
        };
        self.depth = depth;
        // Unless it turns out otherwise, and also if this is dropped in turn.
        self.seen.broken = true;
        let Some(name) = name else {
            return self.refuse_if_over();
        };
        let mut patience = self.patience;
        match patience.wait(leave(self.lease.conn(), &name, true)).await {
            Ok(Ok(Stands::Open | Stands::Undone)) => self.seen.broken = false,
            Ok(Ok(Stands::Over)) => (self.seen.ended, self.seen.broken) = (true, false),
            Ok(Ok(Stands::OutOfStep)) => {}
            Ok(Err(broken)) => return Err(broken.error.into()),
            Err(expired) => return Err(Error::from(expired.in_transaction())),
        }
        self.refuse_if_over()
    }
}
