use super::tx::Tx;
use crate::{
    db::proof::{Broken, Stands, leave},
    error::{DatabaseError, Error, Result, TimeoutKind},
};
use sqlx::PgConnection;

/// Lends the connection in a savepoint of its own name, which shows afterwards whether the transaction is still the same.
pub(super) async fn raw<T, E, F>(tx: &mut Tx, work: F) -> Result<T, E>
where
    F: AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    E: From<Error>,
{
    tx.refuse_if_over()?;
    tx.lease.suspect();
    let mut open = tx.enter().await?;

    let result = work(tx.lease.conn()).await;
    open.leaving();
    let mut patience = tx.patience;
    let left = leave(tx.lease.conn(), &open.name, result.is_err());
    let left = patience.wait(left).await;
    open.close(tx);
    let stands = match left {
        Ok(Ok(stands)) => stands,
        // The rest of a COPY TO is no answer that sqlx expects.
        Ok(Err(Broken {
            error: sqlx::Error::Protocol(_),
            ..
        })) => Stands::OutOfStep,
        other => {
            tx.seen.broken = true;
            let error = match other {
                Ok(Err(broken)) => broken.error,
                _ => crate::error::Error::Timeout(TimeoutKind::NoAnswer).into(),
            };
            return Err(result.err().unwrap_or_else(|| Error::from(error).into()));
        }
    };
    match (stands, result) {
        (Stands::Open, result) => result,
        (Stands::Undone, Err(error)) => Err(error),
        (Stands::Undone, Ok(_)) => Err(swallowed().into()),
        (Stands::Over, _) => {
            tx.seen.ended = true;
            Err(ended_early().into())
        }
        (Stands::OutOfStep, result) => {
            tx.seen.broken = true;
            let why = "the raw connection was left in the middle of something, such as a COPY that was neither finished \
                       nor aborted";
            let error = Error::Disconnected {
                why: why.to_owned(),
            };
            Err(result.err().unwrap_or_else(|| error.into()))
        }
    }
}

pub(super) fn swallowed() -> Error {
    Error::Database(DatabaseError::new(
        "25P02",
        "nothing was committed: a statement failed and its error was swallowed; \
         return it, or run that statement in a savepoint",
    ))
}

pub(super) fn ended_early() -> Error {
    Error::Database(DatabaseError::new(
        "25P01",
        "a COMMIT or ROLLBACK inside ended the transaction early: \
         what came before it may be committed, what came after it ran on its own",
    ))
}
