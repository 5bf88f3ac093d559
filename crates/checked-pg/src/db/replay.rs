//! An executor that asks no server: it keeps the statement that it is given, or hands out a row that is already there.

use super::{Db, Tx, executor::Statement};
use crate::error::Error;
use futures_util::{
    FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream, stream::BoxStream,
};
use sqlx::{
    Either, Execute, Executor, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the function under [`readable`](crate::rows::readable) runs its statement on: an executor, as `&Db` is one.
#[derive(Clone)]
pub struct Replay(Arc<Mutex<Part>>);

enum Part {
    /// To keep the statement.
    Keep(Option<Statement>),
    /// To hand out a row.
    Play(Option<PgRow>),
}

type Step = Either<PgQueryResult, PgRow>;

/// What [`readable`](crate::rows::readable) runs the statement of a list on: `&Db`, or `&mut Tx`.
pub trait Reader: sealed::Sealed + Send {}

impl Reader for &Db {}
impl Reader for &mut Tx {}

/// A statement that was kept.
pub struct Kept(Statement);

mod sealed {
    use super::{Db, Kept, Step, Tx};
    use futures_util::stream::BoxStream;

    pub trait Sealed {
        /// The steps of a statement. Not watched: a time that no calendar holds is the fault of its row alone.
        fn unwatched<'e>(self, statement: Kept) -> BoxStream<'e, Result<Step, sqlx::Error>>
        where
            Self: 'e;
    }

    impl Sealed for &Db {
        fn unwatched<'e>(self, statement: Kept) -> BoxStream<'e, Result<Step, sqlx::Error>>
        where
            Self: 'e,
        {
            self.steps(Ok(statement.0), None)
        }
    }

    impl Sealed for &mut Tx {
        fn unwatched<'e>(self, statement: Kept) -> BoxStream<'e, Result<Step, sqlx::Error>>
        where
            Self: 'e,
        {
            self.steps(Ok(statement.0), None)
        }
    }
}

impl Replay {
    /// One that keeps the statement, and has no rows.
    pub(crate) fn keep() -> Self {
        Self(Arc::new(Mutex::new(Part::Keep(None))))
    }

    /// One whose only row is this.
    pub(crate) fn play(row: PgRow) -> Self {
        Self(Arc::new(Mutex::new(Part::Play(Some(row)))))
    }

    /// The rows of the statement that was kept; none if there was no statement.
    pub(crate) async fn rows(self, db: impl Reader) -> Result<Vec<PgRow>, Error> {
        let kept = match &mut *self.part() {
            Part::Keep(kept) => kept.take(),
            Part::Play(_) => None,
        };
        let Some(statement) = kept else {
            return Ok(Vec::new());
        };
        let steps = db.unwatched(Kept(statement));
        let rows = steps.try_filter_map(async |step| Ok(step.right()));
        Ok(rows.try_collect().await?)
    }

    fn part(&self) -> MutexGuard<'_, Part> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, given: Result<Statement, sqlx::Error>) -> Result<Option<PgRow>, sqlx::Error> {
        let given = given?;
        match &mut *self.part() {
            Part::Keep(Some(_)) => Err(several().into()),
            Part::Keep(kept) => {
                *kept = Some(given);
                Ok(None)
            }
            Part::Play(row) => given
                .watch()
                .noted(Ok(Some(row.take().ok_or_else(several)?))),
        }
    }
}

fn several() -> Error {
    Error::Driver("a list whose rows are read one by one is of one statement")
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replay")
    }
}

impl<'r> Executor<'r> for Replay {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, sqlx::Error>>
    where
        'r: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let next = self.next(Statement::take_apart(query));
        stream::iter(next.map(|row| row.map(Either::Right)).transpose()).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'r: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = Statement::take_apart(query);
        async move { self.next(statement) }.boxed()
    }

    fn prepare_with<'e>(
        self,
        _: SqlStr,
        _: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'r: 'e,
    {
        async { Err(several().into()) }.boxed()
    }

    // Hidden in sqlx's documentation; the trait has it because sqlx's feature `macros` switches its feature `offline` on.
    fn describe<'e>(self, _: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, sqlx::Error>>
    where
        'r: 'e,
    {
        async { Err(several().into()) }.boxed()
    }
}
