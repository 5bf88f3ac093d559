use crate::error::{Error, Result};
use sqlx::{Executor, PgConnection};

/// Runs `work` in a savepoint of the transaction `tx`: if it returns `Err`, its effects are undone and `tx` can go on.
///
/// This is what a nested transaction is, and savepoints nest in turn. Never begin one with sqlx's own `begin`: inside of
/// [`Db::transaction`](super::Db::transaction) it would commit the outer work.
///
/// ```no_run
/// # use checked_pg::{db::{self, Db}, error::Error};
/// # use sqlx::PgConnection;
/// # async fn archive(tx: &mut PgConnection, id: i64) -> Result<(), Error> { Ok(()) }
/// # async fn delete(tx: &mut PgConnection, id: i64) -> Result<(), Error> { Ok(()) }
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
pub async fn savepoint<T, E, F>(tx: &mut PgConnection, work: F) -> Result<T, E>
where
    F: AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    E: From<Error>,
{
    // One name is enough: nested savepoints of a name shadow one another.
    tx.execute("SAVEPOINT nested").await.map_err(Error::from)?;
    let result = match work(&mut *tx).await {
        Ok(value) => match tx.execute("RELEASE SAVEPOINT nested").await {
            Ok(_) => return Ok(value),
            Err(error) => Err(Error::from(error).into()),
        },
        Err(error) => Err(error),
    };
    let undo = "ROLLBACK TO SAVEPOINT nested; RELEASE SAVEPOINT nested";
    if let Err(error) = tx.execute(undo).await {
        // The first error says more, and this transaction can no longer be committed.
        tracing::debug!(error = %Error::from(error), "a savepoint could not be undone");
    }
    result
}
