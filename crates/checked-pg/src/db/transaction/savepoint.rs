use super::{Tx, abandoned::Open};
use crate::error::{Error, Result};
use sqlx::{AssertSqlSafe, Executor};

/// Runs `work` in a savepoint of the transaction `tx`: if it returns `Err`, its effects are undone and `tx` can go on.
///
/// This is what a nested transaction is, and savepoints nest in turn. A `work` that is dropped half-way, by a timeout around this call,
/// say, is undone as well, before anything else runs in the transaction.
///
/// ```no_run
/// # use checked_pg::{db::{self, Db, Tx}, error::Error};
/// # async fn archive(tx: &mut Tx, id: i64) -> Result<(), Error> { Ok(()) }
/// # async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> { Ok(()) }
/// # async fn f(db: &Db, id: i64) -> Result<(), Error> {
/// db.transaction(async |tx| {
///     match db::savepoint(&mut *tx, async |tx| archive(tx, id).await).await {
///         Err(Error::Conflict { .. }) => {} // archived before
///         other => other?,
///     }
///     delete(tx, id).await
/// })
/// .await
/// # }
/// ```
///
/// # Errors
/// The error of `work`; else that of the savepoint, also if `work` swallowed an error (25P02).
pub async fn savepoint<T, E, F>(tx: &mut Tx, work: F) -> Result<T, E>
where
    F: AsyncFnOnce(&mut Tx) -> Result<T, E>,
    E: From<Error>,
{
    let mut open = tx.enter().await?;
    let name = open.name.clone();
    let result = match work(&mut *tx).await {
        Ok(value) => {
            let released = tx.control(format!("RELEASE SAVEPOINT {name}"), &mut open);
            match released.await {
                Ok(()) => {
                    open.close(tx);
                    return Ok(value);
                }
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error),
    };
    if !tx.seen.broken {
        let undo = format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}");
        if let Err(error) = tx.control(undo, &mut open).await {
            // The first error says more, and this transaction can no longer be committed.
            tracing::debug!(%error, "a savepoint could not be undone");
        }
    }
    open.close(tx);
    result
}

impl Tx {
    /// Leaves a savepoint, after what was abandoned before.
    async fn control(&mut self, statements: String, open: &mut Open) -> Result<()> {
        self.quiet().await?;
        open.leaving();
        let again = self.seen.again.clone();
        let statements = AssertSqlSafe(statements);
        self.answer(async |conn| conn.execute(statements).await)
            .await?;
        // Only a statement of the caller's own shows that a collision was dealt with.
        self.seen.again = again;
        Ok(())
    }
}
