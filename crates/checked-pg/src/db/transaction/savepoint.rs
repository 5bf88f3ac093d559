use super::Tx;
use crate::error::{Error, Result};
use sqlx::Executor;

/// Runs `work` in a savepoint of the transaction `tx`: if it returns `Err`, its effects are undone and `tx` can go on.
///
/// This is what a nested transaction is, and savepoints nest in turn.
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
    // One name is enough: nested savepoints of a name shadow one another.
    tx.control("SAVEPOINT nested").await?;
    let result = match work(&mut *tx).await {
        Ok(value) => match tx.control("RELEASE SAVEPOINT nested").await {
            Ok(()) => return Ok(value),
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error),
    };
    if tx.seen.broken {
        return result;
    }
    let undo = "ROLLBACK TO SAVEPOINT nested; RELEASE SAVEPOINT nested";
    if let Err(error) = tx.control(undo).await {
        // The first error says more, and this transaction can no longer be committed.
        tracing::debug!(%error, "a savepoint could not be undone");
    }
    result
}

impl Tx {
    /// Runs statements that control the transaction, after what was abandoned before.
    pub(super) async fn control(&mut self, statements: &'static str) -> Result<()> {
        self.quiet().await?;
        let again = self.seen.again.clone();
        self.answer(async |conn| conn.execute(statements).await)
            .await?;
        // Only a statement of the caller's own shows that a collision was dealt with.
        self.seen.again = again;
        Ok(())
    }
}
