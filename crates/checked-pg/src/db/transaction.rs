//! Transactions: commit on `Ok`, roll back on `Err`, drain or close the connection on a cancel or a panic.

mod abandoned;
mod active;
mod observe;
mod options;
mod raw;
mod savepoint;
mod tx;

pub(super) use active::{Began, refuse_inside};
pub use observe::{EndedTransaction, TransactionOutcome};
pub use options::{Isolation, TxOptions};
pub use savepoint::savepoint;
pub use tx::Tx;
pub(super) use tx::{refuse_control, refuse_to_listen};

use super::{
    Db,
    fault::{leaves_connection_usable, proves_statement_did_not_run},
    lease::Lease,
    patience::Patience,
    proof::{Broken, End},
};
use crate::error::{Error, Result};
use observe::Watch;
use raw::{ended_early, swallowed};
use sqlx::{Executor, SqlStr};
use std::{
    hash::{BuildHasher, RandomState},
    panic::Location,
    time::Duration,
};
use tokio::time::Instant;
use tracing::Instrument;
use tx::RunAgain;

/// How often a transaction runs on a new connection since the old one's server or statements were out of date.
const MOST_HEALED: u32 = 2;

/// A rollback that takes longer is left to the server, which does it when the connection is closed.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(1);

impl Db {
    /// Runs `work` in a transaction: commits if it returns `Ok`, rolls back if it returns `Err`.
    ///
    /// The [`Tx`] runs statements as `&mut *tx`, and is no connection: a transaction cannot be ended or begun by hand inside of
    /// another one. Using this `Db` itself inside of `work` is [`Error::InsideTransaction`], since it would run outside of the
    /// transaction.
    ///
    /// If PostgreSQL asks for it (a serialization failure or a deadlock), all of `work` is run again, up to
    /// [ten times](TxOptions::attempts) in all with growing, random pauses between. That is why it must be `Clone`, which also keeps it
    /// from capturing a `&mut`: what it changes outside of the database would be changed once per run. Return it instead.
    ///
    /// The error may be of any type that is made from [`Error`], and passes through unchanged: this crate's, your own, or
    /// `anyhow::Error`. It is the `Tx` that notices a collision, so the error need not show it.
    ///
    /// A future dropped half-way leaves nothing behind: the transaction is rolled back before the connection is used again. What the
    /// transaction leaves in its session (settings, advisory locks, temporary tables, channels, cursors) ends with it.
    ///
    /// ```no_run
    /// # use checked_pg::{db::{Db, Tx}, error::Error};
    /// # async fn debit(tx: &mut Tx, id: i64, amount: i64) -> Result<(), Error> { Ok(()) }
    /// # async fn credit(tx: &mut Tx, id: i64, amount: i64) -> Result<(), Error> { Ok(()) }
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
    /// Nor does a transaction begun or ended by hand:
    ///
    /// ```compile_fail,E0599
    /// # use checked_pg::{db::Db, error::Error};
    /// # async fn f(db: &Db) -> Result<(), Error> {
    /// use sqlx::Connection;
    /// db.transaction(async |tx| {
    ///     tx.begin().await?; // no method named `begin` found
    ///     Ok::<_, Error>(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// The error of `work`; no connection; what the server says to COMMIT, among it a swallowed error (25P02);
    /// [`Error::CommitUnknown`] if the connection broke during COMMIT.
    #[track_caller]
    pub fn transaction<T, E, F>(&self, work: F) -> impl Future<Output = Result<T, E>>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Rerun,
        E: From<Error>,
    {
        self.attempts(TxOptions::new(), Location::caller(), work)
    }

    /// As [`transaction`](Self::transaction), with a name, an isolation level, read-only, or another number of attempts.
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    #[track_caller]
    pub fn transaction_with<T, E, F>(
        &self,
        options: TxOptions,
        work: F,
    ) -> impl Future<Output = Result<T, E>>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Rerun,
        E: From<Error>,
    {
        self.attempts(options, Location::caller(), work)
    }

    /// As [`transaction`](Self::transaction), for work that cannot be run again, such as a stream that is read once: it may
    /// capture a `&mut`, and a collision is the caller's to handle.
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    #[track_caller]
    pub fn transaction_once<T, E, F>(&self, work: F) -> impl Future<Output = Result<T, E>>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T, E>,
        E: From<Error>,
    {
        let options = TxOptions::new();
        let began = options.began(Location::caller());
        async move {
            let mut watch = Watch::new(self.config().observer.as_ref(), began);
            watch.attempt();
            let attempt = self.attempt(&options, began, work);
            watch.ended(attempt.instrument(span(began, 1)).await.0)
        }
    }

    async fn attempts<T, E, F>(
        &self,
        options: TxOptions,
        place: &'static Location<'static>,
        work: F,
    ) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Rerun,
        E: From<Error>,
    {
        let began = options.began(place);
        let mut attempt = 1;
        let mut healed = 0;
        let mut watch = Watch::new(self.config().observer.as_ref(), began);
        loop {
            watch.attempt();
            let run = self.attempt(&options, began, work.clone());
            let (result, again) = run.instrument(span(began, attempt)).await;
            match again {
                None => return watch.ended(result),
                // Once by each, and not with a pause: nothing is in the way any more.
                Some(why @ (RunAgain::OnAnotherServer | RunAgain::PreparedAnew)) => {
                    if healed >= MOST_HEALED {
                        return watch.ended(result);
                    }
                    healed += 1;
                    tracing::debug!(?why, "the transaction runs again on a new connection");
                }
                Some(RunAgain::Collision(collision)) => {
                    let code = collision.code();
                    if attempt >= options.attempts {
                        tracing::warn!(attempt, code, "the transaction collided, giving up");
                        return watch.ended(result);
                    }
                    let pause = pause_after(attempt);
                    tracing::debug!(attempt, code, ?pause, "the transaction collided, once more");
                    tokio::time::sleep(pause).await;
                    attempt += 1;
                }
            }
        }
    }

    /// Runs `work` once; says, too, if it may be run again.
    async fn attempt<T, E, F>(
        &self,
        options: &TxOptions,
        began: Began,
        work: F,
    ) -> (Result<T, E>, Option<RunAgain>)
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T, E>,
        E: From<Error>,
    {
        let used = || format!("another {began}");
        let limit = self.config().acquire_timeout;
        let mut patience = self.patience();
        let mut tx = match self
            .begin(options.begin(), limit, &mut patience, used)
            .await
        {
            Ok(lease) => Tx::new(lease, self.patience()),
            Err(error) => return (Err(error.into()), None),
        };
        let result = active::inside(self.id(), began, work(&mut tx)).await;
        if let Err(error) = tx.undo_abandoned().await {
            tracing::debug!(%error, "what was abandoned could not be undone");
        }
        let Tx {
            lease, mut seen, ..
        } = tx;
        if seen.ended {
            return (Err(ended_early().into()), None);
        }
        match result {
            Ok(value) if !seen.broken => match commit(lease, self.patience()).await {
                Ok(()) => (Ok(value), None),
                Err(error) => {
                    let again = match &error {
                        Error::Retryable(collision) => Some(RunAgain::Collision(collision.clone())),
                        _ => None,
                    };
                    (Err(error.into()), again)
                }
            },
            Ok(_) => {
                lease.discard_broken();
                let why = "a statement of the transaction failed, and its error was swallowed";
                let error = Error::Disconnected { why: why.into() };
                (Err(error.into()), None)
            }
            Err(error) => {
                let again = seen.again.take().filter(|again| match again {
                    RunAgain::OnAnotherServer => {
                        !options.is_read_only() && lease.retire_read_only()
                    }
                    _ => true,
                });
                end_failed(lease, seen.broken, again.as_ref()).await;
                (Err(error), again)
            }
        }
    }

    /// A dead connection shows here, before any work, so another one is tried.
    pub(super) async fn begin(
        &self,
        begin: SqlStr,
        mut limit: Duration,
        patience: &mut Patience,
        used: impl Fn() -> String,
    ) -> Result<Lease> {
        let begin = self.first_flight(begin);
        let mut retried = false;
        loop {
            let start = Instant::now();
            let mut lease = self.acquire(limit, &used).await?;
            limit = limit.saturating_sub(start.elapsed());
            let begun = patience.wait(lease.conn().execute(begin.clone())).await;
            match begun.unwrap_or_else(|expired| Err(expired.in_transaction())) {
                Ok(_) => return Ok(lease),
                Err(error) if leaves_connection_usable(&error) => return Err(error.into()),
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

fn span(began: Began, attempt: u32) -> tracing::Span {
    let name = began.name;
    tracing::info_span!("db.transaction", name, place = %began.place, attempt)
}

/// The transaction is over in any case: by ROLLBACK, or since its connection is closed.
async fn end_failed(lease: Lease, broken: bool, again: Option<&RunAgain>) {
    match again {
        _ if broken => lease.discard_broken(),
        Some(RunAgain::OnAnotherServer) => lease.discard(),
        Some(RunAgain::PreparedAnew) => lease.discard_out_of_date(),
        _ => lease.recover(ROLLBACK_LIMIT).await,
    }
}

async fn commit(lease: Lease, patience: Patience) -> Result<()> {
    match lease.end(End::Commit, patience).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(refused(error)),
        Err(Broken {
            error,
            was_sent: false,
        }) => Err(error.into()),
        Err(Broken { error, .. }) => Err(Error::CommitUnknown {
            why: Error::from(error).to_string(),
        }),
    }
}

/// Two refusals are the caller's mistake, and the server's words do not say which.
fn refused(error: sqlx::Error) -> Error {
    match Error::from(error) {
        Error::Database(error) if error.code() == "25P02" => swallowed(),
        Error::Database(error) if error.code() == "25P01" => ended_early(),
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
