//! `impl Executor for &Db`: one statement, one connection, one flight.

use super::{
    Db, Tx,
    fault::proves_statement_did_not_run,
    lease::Lease,
    place, refuse_control,
    statement::{Traits, outline},
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

impl<'p> Executor<'p> for &'p Db {
    type Database = Postgres;

    /// Runs the statement again, once, if it provably did not run the first time. A stream that is dropped before its end drains
    /// or closes its connection.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = Statement::take_apart(query);
        try_stream! {
            let statement = statement?;
            let mut retried = false;
            loop {
                let mut lease = self.lease_for(statement.text()).await?;
                let mut heard_back = false;
                let outcome = {
                    let mut steps = lease.conn().fetch_many(statement.clone());
                    loop {
                        match steps.try_next().await {
                            Ok(Some(step)) => {
                                heard_back = true;
                                yield step;
                            }
                            Ok(None) => break Ok(()),
                            Err(error) => break Err(error),
                        }
                    }
                };
                lease.settle(&outcome);
                match outcome {
                    Err(error) if !heard_back && !retried && proves_statement_did_not_run(&error) => {
                        tracing::debug!("the connection was dead: the statement runs on another one");
                        retried = true;
                    }
                    other => return other?,
                }
            }
        }
        .boxed()
    }

    /// As `fetch_many`, without its stream, which most of the statements of a desk can do without.
    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = Statement::take_apart(query);
        async move {
            let statement = statement?;
            let mut retried = false;
            loop {
                let mut lease = self.lease_for(statement.text()).await?;
                let mut heard_back = false;
                let outcome = first_row(lease.conn(), statement.clone(), &mut heard_back).await;
                lease.settle(&outcome);
                match outcome {
                    Err(error)
                        if !heard_back && !retried && proves_statement_did_not_run(&error) =>
                    {
                        tracing::debug!(
                            "the connection was dead: the statement runs on another one"
                        );
                        retried = true;
                    }
                    other => return other,
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
            let mut lease = self.lease_for(sql.as_str()).await?;
            let outcome = lease.conn().prepare_with(sql, parameters).await;
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
            let mut lease = self.lease_for(sql.as_str()).await?;
            let outcome = lease.conn().describe(sql).await;
            lease.settle(&outcome);
            outcome
        }
        .boxed()
    }
}

impl Db {
    /// A connection for one statement by itself.
    async fn lease_for(&self, sql: &str) -> Result<Lease, Error> {
        let traits = Traits::of(sql);
        if traits.controls_transaction && !traits.several {
            return Err(refuse_control().into());
        }
        let mut lease = self
            .acquire(|| format!("the statement `{}`{}", outline(sql), place::of_caller()))
            .await?;
        if traits.may_change_session {
            lease.suspect();
        }
        Ok(lease)
    }
}

/// The first row, if there is one. It reads to the end: a deferred constraint may still fail, and only then is the connection free.
pub(super) async fn first_row(
    conn: &mut PgConnection,
    statement: Statement,
    heard_back: &mut bool,
) -> Result<Option<PgRow>, Error> {
    let mut steps = conn.fetch_many(statement);
    let mut first = None;
    while let Some(step) = steps.try_next().await? {
        *heard_back = true;
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
    prepared: Option<PgStatement>,
    persistent: bool,
}

impl Statement {
    pub(super) fn text(&self) -> &str {
        self.sql.as_str()
    }

    pub(super) fn take_apart<'q>(mut query: impl Execute<'q, Postgres>) -> Result<Self, Error> {
        Ok(Self {
            arguments: query.take_arguments().map_err(Error::Encode)?,
            prepared: query.statement().cloned(),
            persistent: query.persistent(),
            sql: query.sql(), // consumes the query, so last
        })
    }
}

impl Execute<'_, Postgres> for Statement {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.prepared.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, sqlx::error::BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}
