//! A statement by itself: on which connection it runs, and whether it may run once more.

use super::{
    Db,
    executor::Statement,
    fault::{Again, again},
    lease::Lease,
    patience::Patience,
    place,
    proof::{Broken, End},
    refuse_control, refuse_to_listen,
    statement::{Traits, outline},
};
use sqlx::{Connection, Error, Executor, PgConnection, Row, SqlStr};
use std::time::Duration;
use tokio::time::Instant;

/// A statement is run so often at most: a connection may be dead, the next one's plan out of date, its server read-only.
const MOST_RUNS: u32 = 4;

/// A call of one statement, with one budget: so long for a connection, and so long for the answers.
pub(super) struct Call<'d> {
    db: &'d Db,
    statement: Statement,
    pub(super) traits: Traits,
    pub(super) patience: Patience,
    for_connection: Duration,
    runs: u32,
    /// Runs the statement once more.
    kept: Option<Lease>,
    /// The error of a read, which stands if running it again may do something.
    broke: Option<Error>,
    /// Something came back to the caller.
    pub(super) delivered: bool,
}

/// What follows a run.
pub(super) enum Next<T> {
    Return(Result<T, Error>),
    OnceMore,
}

impl<'d> Call<'d> {
    pub(super) fn new(db: &'d Db, statement: Statement) -> Result<Self, Error> {
        let traits = Traits::of(statement.text());
        let in_rounds = db.is_in_rounds();
        if traits.controls_transaction && (in_rounds || !traits.several) {
            return Err(refuse_control().into());
        }
        if traits.listens && in_rounds {
            return Err(refuse_to_listen().into());
        }
        Ok(Self {
            db,
            statement,
            traits,
            patience: db.patience(),
            for_connection: db.config().acquire_timeout,
            runs: 0,
            kept: None,
            broke: None,
            delivered: false,
        })
    }

    /// A connection for the next run, and the statement.
    pub(super) async fn lease(&mut self) -> Result<(Lease, Statement), Error> {
        self.runs += 1;
        let mut lease = match self.kept.take() {
            Some(lease) => lease,
            None => self.acquire().await?,
        };
        if let Some(error) = self.broke.take() {
            match self.patience.wait(reading_may_write(lease.conn())).await {
                Ok(Ok(false)) => {
                    tracing::debug!("the connection broke: the read runs again on another one")
                }
                _ => return Err(error),
            }
        }
        if self.traits.may_change_session {
            lease.suspect();
        }
        Ok((lease, self.statement.clone()))
    }

    async fn acquire(&mut self) -> Result<Lease, Error> {
        let start = Instant::now();
        let sql = self.statement.text();
        let used = || format!("the statement `{}`{}", outline(sql), place::of_caller());
        let limit = self.for_connection;
        let lease = match self.db.is_in_rounds() {
            true => {
                let begin = SqlStr::from_static("BEGIN");
                let patience = &mut self.patience;
                let mut lease = self.db.begin(begin, limit, patience, used).await?;
                lease.doubt();
                lease
            }
            false => self.db.acquire(limit, used).await?,
        };
        self.for_connection = limit.saturating_sub(start.elapsed());
        Ok(lease)
    }

    /// Gives the connection back after a run, and says what follows.
    pub(super) async fn settle<T>(
        &mut self,
        mut lease: Lease,
        outcome: Result<T, Error>,
    ) -> Next<T> {
        let in_rounds = self.db.is_in_rounds();
        let outcome = match outcome {
            Ok(_) if in_rounds => match self.commit(lease).await {
                Ok(()) => return Next::Return(outcome),
                // The connection is taken care of.
                Err(error) => return self.after_commit(error),
            },
            outcome => outcome,
        };
        let again = self.again(&outcome);
        match again {
            Again::Never => {
                lease.settle(&outcome);
                return Next::Return(outcome);
            }
            Again::Elsewhere => {
                tracing::debug!("the connection was dead: the statement runs on another one");
                lease.settle(&outcome);
            }
            Again::IfItReads => {
                lease.settle(&outcome);
                self.broke = outcome.err();
            }
            Again::OnAnotherServer => {
                if !lease.retire_read_only() {
                    lease.settle(&outcome);
                    return Next::Return(outcome);
                }
                tracing::debug!(
                    "the server takes no writes: the statement runs on a new connection"
                );
                lease.discard();
            }
            Again::PreparedAnew if in_rounds => lease.settle(&outcome),
            Again::PreparedAnew => {
                tracing::debug!("the statement is prepared anew, and runs once more");
                let cleared = self.patience.wait(lease.conn().clear_cached_statements());
                match cleared.await {
                    Ok(Ok(())) => {
                        lease.doubt();
                        self.kept = Some(lease);
                    }
                    _ => lease.discard_broken(),
                }
            }
        }
        Next::OnceMore
    }

    fn again<T>(&self, outcome: &Result<T, Error>) -> Again {
        match outcome {
            Err(error) if self.runs < MOST_RUNS && !self.delivered => again(error, self.traits),
            _ => Again::Never,
        }
    }

    /// Ends the transaction that the statement had to itself.
    async fn commit(&self, lease: Lease) -> Result<(), Error> {
        match lease.end(End::Commit, self.patience).await {
            Ok(outcome) => outcome,
            Err(Broken { error, was_sent }) if was_sent && !self.traits.only_reads => {
                let why = crate::Error::from(error).to_string();
                Err(crate::Error::OutcomeUnknown { why }.into())
            }
            Err(Broken { error, .. }) => Err(error),
        }
    }

    fn after_commit<T>(&mut self, error: Error) -> Next<T> {
        let outcome: Result<T, Error> = Err(error);
        match self.again(&outcome) {
            Again::Elsewhere => Next::OnceMore,
            Again::IfItReads => {
                self.broke = outcome.err();
                Next::OnceMore
            }
            _ => Next::Return(outcome),
        }
    }
}

/// True if a text that only reads may do more in this database: some view or policy calls a function that may write, or such a function
/// is called without being named (as an operator, a cast, a column of a row), or has the name of one of PostgreSQL's.
async fn reading_may_write(conn: &mut PgConnection) -> Result<bool, Error> {
    // What a view does is told by its tree alone: PostgreSQL does not list a view's dependencies on functions of its own.
    const HIDDEN: &str = "
        SELECT EXISTS (
            SELECT FROM (
                SELECT ev_action::text AS tree, ev_class AS relation FROM pg_catalog.pg_rewrite
                UNION ALL
                SELECT polqual::text, polrelid FROM pg_catalog.pg_policy
            ) AS hidden
            JOIN pg_catalog.pg_class ON pg_class.oid = hidden.relation
            CROSS JOIN LATERAL pg_catalog.regexp_matches(hidden.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS called (id)
            JOIN pg_catalog.pg_proc ON pg_proc.oid = called.id[1]::pg_catalog.oid
            WHERE pg_class.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
              AND pg_proc.provolatile = 'v'
        ) OR EXISTS (
            SELECT FROM pg_catalog.pg_proc
            WHERE pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
              AND provolatile = 'v' AND prorettype <> 'pg_catalog.trigger'::regtype
              AND (
                  oid IN (SELECT oprcode FROM pg_catalog.pg_operator)
                  OR oid IN (SELECT castfunc FROM pg_catalog.pg_cast)
                  OR pronargs = 1 AND proargtypes[0] IN (SELECT reltype FROM pg_catalog.pg_class)
                  OR proname IN (SELECT proname FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace)
              )
        )";
    conn.fetch_one(HIDDEN).await?.try_get_unchecked(0)
}
