use crate::error::{DatabaseError, Error};
use std::error::Error as StdError;

/// An error that a transaction may return: made from [`Error`], and able to show its sources, among which the retry looks for a
/// serialization failure or a deadlock.
///
/// There is nothing to implement. It holds for
///
/// * [`Error`] itself, and every type that implements `std::error::Error` and `From<Error>`, such as a `thiserror` enum. Keep the
///   source (`#[from]` or `#[source]` does), since a collision that was turned into text is not seen and not retried;
/// * `anyhow::Error`, `eyre::Report`, `Box<dyn std::error::Error + Send + Sync>`, and your own wrapper around one of them with
///   `AsRef<dyn std::error::Error + Send + Sync>`.
///
/// ```no_run
/// # use checked_pg::{db::Db, error::Error};
/// # use sqlx::PgConnection;
/// #[derive(Debug, thiserror::Error)]
/// enum OrderError {
///     #[error("the desk is closed")]
///     Closed,
///     #[error(transparent)]
///     Db(#[from] Error),
/// }
///
/// # async fn is_open(tx: &mut PgConnection) -> Result<bool, Error> { Ok(true) }
/// async fn order(db: &Db) -> Result<(), OrderError> {
///     db.transaction(async |tx| {
///         if !is_open(tx).await? {
///             return Err(OrderError::Closed);
///         }
///         Ok(())
///     })
///     .await
/// }
///
/// async fn report(db: &Db) -> anyhow::Result<()> {
///     db.transaction(async |tx| {
///         anyhow::ensure!(is_open(tx).await?, "the desk is closed");
///         Ok(())
///     })
///     .await
/// }
/// ```
///
/// `Via` only keeps the two families apart for the compiler, which always finds it by itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a transaction",
    label = "neither `std::error::Error` nor a wrapper like `anyhow::Error`, or not made from the crate's `Error`",
    note = "it needs `From<checked_pg::error::Error>`, and either `std::error::Error` or `AsRef<dyn std::error::Error + Send + Sync>`"
)]
pub trait TransactionError<Via>: From<Error> {
    /// This error, the first in the chain of its sources.
    #[doc(hidden)]
    fn chain(&self) -> &(dyn StdError + 'static);
}

/// [`TransactionError`] of types that are errors.
#[derive(Debug)]
pub enum ViaError {}

#[diagnostic::do_not_recommend]
impl<E> TransactionError<ViaError> for E
where
    E: From<Error> + StdError + 'static,
{
    fn chain(&self) -> &(dyn StdError + 'static) {
        self
    }
}

/// [`TransactionError`] of types that hold an error.
#[derive(Debug)]
pub enum ViaAsRef {}

#[diagnostic::do_not_recommend]
impl<E> TransactionError<ViaAsRef> for E
where
    E: From<Error> + AsRef<dyn StdError + Send + Sync + 'static>,
{
    fn chain(&self) -> &(dyn StdError + 'static) {
        self.as_ref()
    }
}

/// The SQLSTATE, if somewhere in this chain PostgreSQL asks for the whole transaction to be run again.
pub(super) fn collision(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let code = if let Some(error) = error.downcast_ref::<DatabaseError>() {
            Some(error.code().to_owned())
        } else if let Some(sqlx::Error::Database(error)) = error.downcast_ref() {
            error.code().map(|code| code.into_owned())
        } else if let Some(error) = error.downcast_ref::<Box<dyn sqlx::error::DatabaseError>>() {
            error.code().map(|code| code.into_owned())
        } else {
            None
        };
        if let Some("40001" | "40P01") = code.as_deref() {
            return code;
        }
        next = error.source();
    }
    None
}
