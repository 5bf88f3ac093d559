//! What every function over many rows shares.

use crate::{
    error::{Error, Result},
    types::{Invalid, Weeks},
};

pub use checked_pg::batch::Upserted;
pub(super) use checked_pg::{
    batch::{Pair, as_given, columns, sorted},
    text::{all_storable, storable},
};

/// The lookback is one parameter of a statement, not a column of its rows.
///
/// # Errors
/// [`Error::Invalid`] if the rows are of different lookbacks.
pub(super) fn one_lookback(mut of_rows: impl Iterator<Item = Option<Weeks>>) -> Result<()> {
    let first = of_rows.next();
    if of_rows.all(|lookback| Some(lookback) == first) {
        return Ok(());
    }
    let why = "must be the same for all rows of a call";
    Err(Invalid::new("weeks_lookback", why).into())
}

/// # Errors
/// [`Error::RowCount`] if not all rows were written: something in the database, such as a trigger, kept some back.
pub(super) fn all_of(sent: usize, written: u64) -> Result<()> {
    match sent as u64 {
        expected if expected == written => Ok(()),
        expected => Err(Error::RowCount {
            expected,
            actual: written,
        }),
    }
}
