//! Transactions: commit on `Ok`, roll back on `Err`, drain or close the connection on a cancel or a panic.

mod error;
mod options;
mod savepoint;

pub use error::TransactionError;
pub use options::{Isolation, TxOptions};
pub use savepoint::savepoint;

use super::{
    Db,
    fault::{leaves_connection_usable, proves_statement_did_not_run},
    lease::Lease,
};
use crate::error::{DatabaseError, Error, Result};
use error::collision;
use futures_util::TryStreamExt;
use sqlx::{Executor, PgConnection, SqlStr};
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// A rollback that takes longer is left to the server, which does it when the connection is closed.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(1);

/// One flight. SAVEPOINT fails if the transaction is aborted (25P02: an error was swallowed; a bare COMMIT would answer ROLLBACK,
/// which sqlx takes for success) or over (25P01: something inside ended it), and the server then skips COMMIT.
const COMMIT: &str = "SAVEPOINT commit_check; COMMIT";

impl Db {
    /// Runs `work` in a transaction: commits if it returns `Ok`, rolls back if it returns `Err`.
    ///
    /// If PostgreSQL asks for it (a serialization failure or a deadlock), all of `work` is run again, up to
    /// [ten times](TxOptions::attempts) in all with growing, random pauses between. That is why it must be `Clone`, which also keeps it
    /// from capturing a `&mut`: what it changes outside of the database would be changed once per run. Return it instead.
    ///
    /// The error may be of any type that is made from [`Error`] and shows its sources, and passes through unchanged: this crate's,
    /// your own, or `anyhow::Error` (see [`TransactionError`]).
    ///
    /// A future dropped half-way leaves nothing behind: the transaction is rolled back before the connection is used again.
    ///
    /// ```no_run
    /// # use checked_pg::{db::Db, error::Error};
    /// # use sqlx::PgConnection;
    /// # async fn debit(tx: &mut PgConnection, id: i64, amount: i64) -> Result<(), Error> { Ok(()) }
    /// # async fn credit(tx: &mut PgConnection, id: i64, amount: i64) -> Result<(), Error> { Ok(()) }
    /// async fn transfer(db: &Db, from: i64, to: i64, amount: i64) -> Result<(), Error> {
    ///     db.transaction(async |tx| {
    ///         debit(&mut *tx, from, amount).await?;
    ///         credit(&mut *tx, to, amount).await
    ///     })
    ///     .await
    /// }
    /// ```
    ///
    /// A captured `&mut` does not compile:
    ///
    /// ```compile_fail,E0277
    /// # use checked_pg::{db::Db, error::Error};
    /// # async fn f(db: &Db) -> Result<(), Error> {
    /// let mut count = 0;
    /// db.transaction(async |tx| {
    ///     count += 1; // would count the runs, not the transactions
    ///     Ok::<_, Error>(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// The error of `work`; no connection; what the server says to COMMIT, among it a swallowed error (25P02);
    /// [`Error::CommitUnknown`] if the connection broke during COMMIT.
    pub async fn transaction<T, E, F, Via>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, E> + Rerun,
        E: TransactionError<Via>,
    {
        self.transaction_with(TxOptions::new(), work).await
    }

    /// As [`transaction`](Self::transaction), with an isolation level, read-only, or with another number of attempts.
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    pub async fn transaction_with<T, E, F, Via>(&self, options: TxOptions, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, E> + Rerun,
        E: TransactionError<Via>,
    {
        let mut attempt = 1;
        loop {
            let error = match self.attempt(&options, work.clone()).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let Some(code) = collision(error.chain()) else {
                return Err(error);
            };
            if attempt >= options.attempts {
                tracing::warn!(attempt, code, "the transaction collided, giving up");
                return Err(error);
            }
            let pause = pause_after(attempt);
            tracing::debug!(attempt, code, ?pause, "the transaction collided, once more");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// As [`transaction`](Self::transaction), for work that cannot be run again, such as a stream that is read once: it may
    /// capture a `&mut`, and a collision is the caller's to handle.
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    pub async fn transaction_once<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
        E: From<Error>,
    {
        self.attempt(&TxOptions::new(), work).await
    }

    async fn attempt<T, E, F>(&self, options: &TxOptions, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
        E: From<Error>,
    {
        let mut tx = self.begin(options.begin()).await?;
        match work(tx.conn()).await {
            Ok(value) => {
                commit(tx).await?;
                Ok(value)
            }
            Err(error) => {
                tx.drain(ROLLBACK_LIMIT).await;
                Err(error)
            }
        }
    }

    /// A dead connection shows here, before any work, so another one is tried.
    async fn begin(&self, begin: SqlStr) -> Result<Lease> {
        let mut retried = false;
        loop {
            let mut lease = self.acquire().await?;
            match lease.conn_in_transaction().execute(begin.clone()).await {
                Ok(_) => return Ok(lease),
                Err(error) if leaves_connection_usable(&error) => {
                    lease.drain(ROLLBACK_LIMIT).await;
                    return Err(error.into());
                }
                Err(error) => {
                    lease.discard_broken();
                    if retried || !proves_statement_did_not_run(&error) {
                        return Err(error.into());
                    }
                    tracing::debug!(
                        "the connection was dead: the transaction begins on another one"
                    );
                    retried = true;
                }
            }
        }
    }
}

async fn commit(mut tx: Lease) -> Result<()> {
    let mut heard_back = false;
    let outcome = {
        let mut steps = tx.conn().execute_many(COMMIT);
        loop {
            match steps.try_next().await {
                Ok(Some(_)) => heard_back = true,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        }
    };
    match outcome {
        Ok(()) => {
            tx.release();
            Ok(())
        }
        Err(error) if leaves_connection_usable(&error) => {
            tx.drain(ROLLBACK_LIMIT).await;
            Err(refused(error))
        }
        Err(error) => {
            tx.discard_broken();
            if !heard_back && proves_statement_did_not_run(&error) {
                return Err(error.into());
            }
            let why = Error::from(error).to_string();
            Err(Error::CommitUnknown { why })
        }
    }
}

/// Two refusals are the caller's mistake, and the server's words do not say which.
fn refused(error: sqlx::Error) -> Error {
    match Error::from(error) {
        Error::Database(error) if error.code() == "25P02" => Error::Database(DatabaseError::new(
            "25P02",
            "nothing was committed: a statement failed and its error was swallowed; \
             return it, or run that statement in a savepoint",
        )),
        Error::Database(error) if error.code() == "25P01" => Error::Database(DatabaseError::new(
            "25P01",
            "a COMMIT or ROLLBACK inside ended the transaction early: \
             what came before it may be committed, what came after it ran on its own",
        )),
        error => error,
    }
}

/// 2 to 4 ms, doubling up to 64 to 128 ms: chance keeps two transactions from meeting again.
fn pause_after(attempt: u32) -> Duration {
    let base = 2_000_u64 << attempt.saturating_sub(1).min(5);
    let random = RandomState::new().hash_one(attempt);
    Duration::from_micros(base + random % base)
}

/// Work that can be run again: anything that is `Clone`, so no closure that captures a `&mut`.
#[diagnostic::on_unimplemented(
    message = "a transaction may be run again, and this closure cannot be",
    label = "needs a closure that is `Clone`",
    note = "PostgreSQL may ask for the whole transaction once more (a serialization failure or a deadlock), so its closure must be `Clone`",
    note = "a closure that captures a `&mut`, or changes a variable outside of it, is not: it would change it once per run",
    note = "return the value from the closure instead, or clone what it captures"
)]
pub trait Rerun: Clone {}

#[diagnostic::do_not_recommend]
impl<F: Clone> Rerun for F {}
