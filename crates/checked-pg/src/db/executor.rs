//! `impl Executor for &Db`: one statement, one connection, one flight.

use super::{
    Db, Tx,
    call::{Call, Next},
    patience::{Expired, Patience},
    row::Watch,
};
use async_stream::try_stream;
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Either, Error, Execute, Executor, PgConnection, PgExecutor, PgPool, Postgres, SqlStr,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};

/// What can run one statement after another: `&Db`, `&mut Tx`, `&PgPool`, `&mut PgConnection`. For functions that most often need
/// one statement, and now and then a second; each is one of its own unless the caller has opened a transaction.
pub trait Queryable: Send {
    /// What runs the next statement.
    fn executor(&mut self) -> impl PgExecutor<'_>;
}

impl Queryable for &Db {
    fn executor(&mut self) -> impl PgExecutor<'_> {
        *self
    }
}

impl Queryable for &mut Tx {
    fn executor(&mut self) -> impl PgExecutor<'_> {
        &mut **self
    }
}

impl Queryable for &PgPool {
    fn executor(&mut self) -> impl PgExecutor<'_> {
        *self
    }
}

impl Queryable for &mut PgConnection {
    fn executor(&mut self) -> impl PgExecutor<'_> {
        &mut **self
    }
}

type Step = Either<PgQueryResult, PgRow>;

impl Db {
    /// The steps of a statement, each row noted by the watch if there is one.
    pub(super) fn steps<'e>(
        &'e self,
        statement: Result<Statement, Error>,
        mut watch: Option<Watch>,
    ) -> BoxStream<'e, Result<Step, Error>> {
        try_stream! {
            let mut call = Call::new(self, statement?)?;
            loop {
                let (mut lease, statement) = call.lease().await?;
                let outcome = {
                    let mut steps = lease.conn().fetch_many(statement);
                    loop {
                        match next_step(&mut steps, &mut call.patience).await {
                            Ok(Ok(Some(step))) => {
                                call.delivered = true;
                                if let (Either::Right(row), Some(watch)) = (&step, &mut watch) {
                                    watch.note(row)?;
                                }
                                yield step;
                            }
                            Ok(Ok(None)) => break Ok(()),
                            Ok(Err(error)) => break Err(error),
                            Err(expired) => break Err(expired.alone(call.traits)),
                        }
                    }
                };
                if watch.is_some() {
                    Watch::forget();
                }
                match call.settle(lease, outcome).await {
                    Next::Return(outcome) => return outcome?,
                    Next::OnceMore => {}
                }
            }
        }
        .boxed()
    }
}

impl<'p> Executor<'p> for &'p Db {
    type Database = Postgres;

    /// Runs the statement again if it provably did not run, or only reads. A stream that is dropped before its end leaves its
    /// connection to be put in order in the background.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = Statement::take_apart(query);
        let watch = statement.as_ref().map(Statement::watch).ok();
        self.steps(statement, watch)
    }

    /// As `fetch_many`, without its stream, which most statements can do without.
    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = Statement::take_apart(query);
        async move {
            let statement = statement?;
            let mut watch = statement.watch();
            let mut call = Call::new(self, statement)?;
            loop {
                let (mut lease, statement) = call.lease().await?;
                let row = first_row(lease.conn(), statement);
                let outcome = match call.patience.wait(row).await {
                    Ok(outcome) => outcome,
                    Err(expired) => Err(expired.alone(call.traits)),
                };
                match call.settle(lease, outcome).await {
                    Next::Return(outcome) => return watch.noted(outcome),
                    Next::OnceMore => {}
                }
            }
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        async move {
            let mut call = Call::new(self, Statement::of(sql.clone()))?;
            let (mut lease, _) = call.lease().await?;
            let answer = lease.conn().prepare_with(sql, parameters);
            let outcome = call.patience.wait(answer).await;
            let outcome = outcome.unwrap_or_else(|expired| Err(expired.in_transaction()));
            lease.settle(&outcome);
            outcome
        }
        .boxed()
    }

    // Hidden in sqlx's documentation; the trait has it because sqlx's feature `macros` switches its feature `offline` on.
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        async move {
            let mut call = Call::new(self, Statement::of(sql.clone()))?;
            let (mut lease, _) = call.lease().await?;
            let outcome = call.patience.wait(lease.conn().describe(sql)).await;
            let outcome = outcome.unwrap_or_else(|expired| Err(expired.in_transaction()));
            lease.settle(&outcome);
            outcome
        }
        .boxed()
    }
}

/// The next step of a stream. One that is there already costs no look at the clock.
pub(super) async fn next_step(
    steps: &mut BoxStream<'_, Result<Step, Error>>,
    patience: &mut Patience,
) -> Result<Result<Option<Step>, Error>, Expired> {
    match steps.try_next().now_or_never() {
        Some(step) => Ok(step),
        None => patience.wait(steps.try_next()).await,
    }
}

/// The first row, if there is one. It reads to the end: a deferred constraint may still fail, and only then is the connection free.
pub(super) async fn first_row(
    conn: &mut PgConnection,
    statement: Statement,
) -> Result<Option<PgRow>, Error> {
    let mut steps = conn.fetch_many(statement);
    let mut first = None;
    while let Some(step) = steps.try_next().await? {
        if let (Either::Right(row), None) = (step, &first) {
            first = Some(row);
        }
    }
    Ok(first)
}

/// A query in its parts, so that it can be sent a second time.
#[derive(Clone)]
pub(super) struct Statement {
    sql: SqlStr,
    arguments: Option<PgArguments>,
    persistent: bool,
}

impl Statement {
    /// A text alone, to be prepared.
    fn of(sql: SqlStr) -> Self {
        Self {
            sql,
            arguments: None,
            persistent: true,
        }
    }

    /// What notes the rows of this statement.
    pub(super) fn watch(&self) -> Watch {
        Watch::new(self.sql.clone())
    }

    pub(super) fn text(&self) -> &str {
        self.sql.as_str()
    }

    pub(super) fn take_apart<'q>(mut query: impl Execute<'q, Postgres>) -> Result<Self, Error> {
        #[cfg_attr(not(feature = "testing"), expect(unused_mut))]
        let mut statement = Self {
            arguments: query.take_arguments().map_err(Error::Encode)?,
            persistent: query.persistent(),
            sql: query.sql(), // consumes the query, so last
        };
        #[cfg(feature = "testing")]
        {
            crate::testing::record(statement.text());
            if let Some(mistaken) = crate::testing::mutated(statement.text()) {
                statement.sql = mistaken;
            }
        }
        Ok(statement)
    }
}

impl Execute<'_, Postgres> for Statement {
    fn sql(self) -> SqlStr {
        self.sql
    }

    /// What another connection once learned of its columns may be out of date on this one, and nothing would tell.
    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, sqlx::error::BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}
