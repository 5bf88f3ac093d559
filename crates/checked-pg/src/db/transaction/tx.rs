use super::abandoned::Abandoned;
use crate::{
    db::{
        executor::{Statement, first_row, next_step},
        fault::{is_out_of_date, is_read_only, leaves_connection_usable},
        lease::Lease,
        patience::Patience,
        proof::settle_what_is_owed,
        row::Watch,
        statement::Traits,
    },
    error::{DatabaseError, Error, Result},
};
use async_stream::try_stream;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Connection, Either, Execute, Executor, PgConnection, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use std::fmt;

/// A transaction, handed to the closure of [`Db::transaction`](crate::db::Db::transaction).
///
/// `&mut Tx` is what runs a statement in it: `query_as!(…).fetch_one(&mut *tx)`. It is no connection: BEGIN, COMMIT and SAVEPOINT
/// are not to be had from it, neither as methods nor as statements. [`savepoint`](crate::db::savepoint) divides it, and
/// [`raw`](Self::raw) gives the connection itself for what needs one.
///
/// A function that must not run outside of a transaction takes `tx: &mut Tx`: without one it does not compile.
///
/// ```compile_fail,E0308
/// # use checked_pg::{db::{Db, Tx}, error::Error};
/// async fn close_account(tx: &mut Tx, id: i64) -> Result<(), Error> { Ok(()) }
///
/// async fn f(db: &Db) -> Result<(), Error> {
///     close_account(db, 1).await // expected `&mut Tx`, found `&Db`
/// }
/// ```
pub struct Tx {
    pub(super) lease: Lease,
    pub(super) seen: Seen,
    /// For the answers to one statement.
    pub(super) patience: Patience,
    /// How many savepoints are open.
    pub(super) depth: usize,
    pub(super) abandoned: Abandoned,
    /// Something temporary was made, and statements prepared before may read what has the same name.
    shadowed: bool,
}

/// What the statements of a transaction came across.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The last error is one after which all of it may be run again.
    pub(super) again: Option<RunAgain>,
    /// A COMMIT or ROLLBACK on the raw connection ended the transaction.
    pub(super) ended: bool,
    /// The connection is broken or out of step: nothing more can run on it.
    pub(super) broken: bool,
}

/// Why a transaction is run again.
#[derive(Debug, Clone)]
pub(super) enum RunAgain {
    /// PostgreSQL asks for it.
    Collision(DatabaseError),
    /// The server takes no writes.
    OnAnotherServer,
    /// What the connection knew of a statement was out of date.
    PreparedAnew,
}

impl Tx {
    pub(super) fn new(lease: Lease, patience: Patience) -> Self {
        Self {
            lease,
            seen: Seen::default(),
            patience,
            depth: 0,
            abandoned: Abandoned::default(),
            shadowed: false,
        }
    }

    /// Runs `work` on the connection itself, in a savepoint: for COPY, LISTEN and extensions that ask for a `PgConnection`.
    ///
    /// If `work` returns `Err`, what it did is undone, and the transaction can go on. Whatever it leaves in the session (a setting,
    /// a temporary table, a channel) lasts until the transaction ends, and is cleaned up then. If it is dropped half-way, what it did is
    /// undone before the next statement of the transaction.
    ///
    /// ```no_run
    /// # use checked_pg::{db::Db, error::Error};
    /// # async fn f(db: &Db, lines: &[u8]) -> Result<(), Error> {
    /// db.transaction(async |tx| {
    ///     tx.raw(async |conn| -> Result<u64, Error> {
    ///         let mut copy = conn.copy_in_raw("COPY notes FROM STDIN").await?;
    ///         copy.send(lines).await?;
    ///         Ok(copy.finish().await?)
    ///     })
    ///     .await
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The error of `work`. SQLSTATE 25P01 if `work` ended the transaction: what came before may be committed.
    /// [`Error::Disconnected`] if it left the connection in the middle of something, such as a COPY that was neither finished nor
    /// aborted: the transaction is rolled back.
    pub async fn raw<T, E, F>(&mut self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
        E: From<Error>,
    {
        super::raw::raw(self, work).await
    }

    /// Refuses a statement that would end the transaction, and remembers what may leave something in the session.
    pub(super) async fn admit(&mut self, sql: &str) -> Result<()> {
        self.refuse_if_over()?;
        self.undo_abandoned().await?;
        if self.shadowed {
            self.forget_prepared().await?;
        }
        let traits = Traits::of(sql);
        if traits.controls_transaction {
            return Err(refuse_control());
        }
        if traits.listens && self.lease.is_in_rounds() {
            return Err(refuse_to_listen());
        }
        if traits.may_change_session {
            self.lease.suspect();
        }
        self.shadowed = traits.makes_temporary;
        Ok(())
    }

    /// PostgreSQL keeps a plan for the table that it was made for, though a temporary one has its name now.
    async fn forget_prepared(&mut self) -> Result<()> {
        self.quiet().await?;
        let again = self.seen.again.clone();
        self.answer(async |conn| conn.clear_cached_statements().await)
            .await?;
        self.seen.again = again;
        self.shadowed = false;
        Ok(())
    }

    /// Nothing runs in a transaction that is no more.
    pub(super) fn refuse_if_over(&self) -> Result<()> {
        match &self.seen {
            Seen { ended: true, .. } => Err(super::raw::ended_early()),
            Seen { broken: true, .. } => Err(Error::Disconnected {
                why: "an earlier statement of this transaction left it unusable".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Asks one question, within its time, and remembers what the answer says of the transaction.
    pub(super) async fn answer<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let mut patience = self.patience;
        let answer = patience.wait(ask(self.lease.conn())).await;
        let outcome = answer.unwrap_or_else(|expired| Err(expired.in_transaction()));
        self.seen.note(&outcome);
        outcome
    }

    /// The connection, with nothing under way on it.
    pub(super) async fn quiet(&mut self) -> Result<&mut PgConnection> {
        self.undo_abandoned().await?;
        let mut patience = self.patience;
        let error = match patience.wait(settle_what_is_owed(self.lease.conn())).await {
            Ok(Ok(_)) => return Ok(self.lease.conn()),
            Ok(Err(broken)) => broken.error,
            Err(expired) => expired.in_transaction(),
        };
        self.seen.broken = true;
        Err(error.into())
    }
}

pub(in crate::db) fn refuse_control() -> Error {
    Error::invalid(
        "statement",
        "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are not for statements: use Db::transaction, \
         whose closure commits by Ok and rolls back by Err, and db::savepoint",
    )
}

/// What it would hear would come to whoever has the session then.
pub(in crate::db) fn refuse_to_listen() -> Error {
    Error::invalid(
        "statement",
        "LISTEN needs a session that stays, which a pooler in transaction mode does not give: listen on a connection to the \
         server's own address",
    )
}

impl Seen {
    pub(super) fn note<T>(&mut self, outcome: &Result<T, sqlx::Error>) {
        match outcome {
            // Only after a rollback to a savepoint: the collision was dealt with.
            Ok(_) => self.again = None,
            Err(error) => {
                if let Some(again) = may_run_again(error) {
                    self.again = Some(again);
                }
                self.broken |= !leaves_connection_usable(error);
            }
        }
    }
}

/// True if all of a transaction may run again after this error of a statement.
pub(super) fn may_run_again(error: &sqlx::Error) -> Option<RunAgain> {
    let sqlx::Error::Database(database) = error else {
        return None;
    };
    let database = database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    match database.code() {
        "40001" | "40P01" => Some(RunAgain::Collision(DatabaseError::from(database))),
        _ if is_read_only(error) => Some(RunAgain::OnAnotherServer),
        _ if is_out_of_date(error) => Some(RunAgain::PreparedAnew),
        _ => None,
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("seen", &self.seen).finish()
    }
}

type Step = Either<PgQueryResult, PgRow>;

impl Tx {
    /// The steps of a statement, each row noted by the watch if there is one.
    pub(in crate::db) fn steps<'e>(
        &'e mut self,
        statement: Result<Statement, sqlx::Error>,
        mut watch: Option<Watch>,
    ) -> BoxStream<'e, Result<Step, sqlx::Error>> {
        try_stream! {
            let statement = statement?;
            self.admit(statement.text()).await?;
            let mut patience = self.patience;
            let outcome = {
                let mut steps = self.lease.conn().fetch_many(statement);
                loop {
                    match next_step(&mut steps, &mut patience).await {
                        Ok(Ok(Some(step))) => {
                            if let (Either::Right(row), Some(watch)) = (&step, &mut watch) {
                                watch.note(row)?;
                            }
                            yield step;
                        }
                        Ok(Ok(None)) => break Ok(()),
                        Ok(Err(error)) => break Err(error),
                        Err(expired) => break Err(expired.in_transaction()),
                    }
                }
            };
            if watch.is_some() {
                Watch::forget();
            }
            self.seen.note(&outcome);
            outcome?;
        }
        .boxed()
    }
}

impl<'t> Executor<'t> for &'t mut Tx {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, sqlx::Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = Statement::take_apart(query);
        let watch = statement.as_ref().map(Statement::watch).ok();
        self.steps(statement, watch)
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = Statement::take_apart(query);
        async move {
            let statement = statement?;
            self.admit(statement.text()).await?;
            let mut watch = statement.watch();
            let row = self
                .answer(async |conn| first_row(conn, statement).await)
                .await;
            watch.noted(row)
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        't: 'e,
    {
        async move {
            self.admit(sql.as_str()).await?;
            self.answer(async |conn| conn.prepare_with(sql, parameters).await)
                .await
        }
        .boxed()
    }

    // Hidden in sqlx's documentation; the trait has it because sqlx's feature `macros` switches its feature `offline` on.
    fn describe<'e>(
        self,
        sql: SqlStr,
    ) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, sqlx::Error>>
    where
        't: 'e,
    {
        async move {
            self.admit(sql.as_str()).await?;
            self.answer(async |conn| conn.describe(sql).await).await
        }
        .boxed()
    }
}
