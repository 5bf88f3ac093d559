//! Rows that their types cannot read: older ones, and those that other programs wrote.
//!
//! A list fails with the first such row, and [`Error::Decode`] names it. [`readable`] reads the rows beside it,
//! [`Types::misfits`] lists all such rows of a database.

mod catalog;
mod scan;

use sqlx::{Decode, Postgres, Type, error::BoxDynError, postgres::PgValueRef};
use std::collections::{BTreeMap, BTreeSet};

pub use crate::error::Misfit;
pub use scan::Scanned;

use crate::{
    db::{Db, Reader, Replay},
    document::{Content, Document},
    error::{Error, Result},
    key::Key,
};

/// The rows of a list that can be read, and where the others do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable<T> {
    /// Those that can be read, in the order of the list.
    pub rows: Vec<T>,
    /// The others: the first value of each that does not fit.
    pub misfits: Vec<Misfit>,
}

impl<T> From<Vec<T>> for Readable<T> {
    /// A list that could be read as it is.
    fn from(rows: Vec<T>) -> Self {
        let misfits = Vec::new();
        Self { rows, misfits }
    }
}

/// Reads a list so that a row that cannot be read does not hide the others. `list` is the function of the list, run on the
/// executor that it is given; it must run one statement and return an item for each of its rows. `db` is a `&Db`, or a `&mut Tx`,
/// which stays as good as it was.
///
/// The whole list is held in memory, and each row is read as a list of its own: for operators, not for the road that is fast.
///
/// ```
/// # use checked_pg::{db::Db, error::Result, rows::readable, sqlx::PgExecutor};
/// # async fn notes(db: impl PgExecutor<'_>) -> Result<Vec<i64>> { Ok(Vec::new()) }
/// # async fn f(db: &Db) -> Result<()> {
/// let list = readable(db, |replay| notes(replay)).await?;
/// for misfit in &list.misfits {
///     eprintln!("left out: {misfit}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of `list`, but for [`Error::Decode`]; [`Error::Driver`] if it runs a second statement.
pub async fn readable<T, F>(db: impl Reader, list: impl Fn(Replay) -> F) -> Result<Readable<T>>
where
    F: Future<Output = Result<Vec<T>>> + Send,
{
    let keep = Replay::keep();
    list(keep.clone()).await?;
    let mut readable = Readable {
        rows: Vec::new(),
        misfits: Vec::new(),
    };
    for row in keep.rows(db).await? {
        match list(Replay::play(row)).await {
            Ok(read) => readable.rows.extend(read),
            Err(Error::Decode(misfit)) => readable.misfits.push(*misfit),
            Err(error) => return Err(error),
        }
    }
    Ok(readable)
}

/// Reads a value and forgets it.
type Read = fn(PgValueRef<'_>) -> Result<(), BoxDynError>;

/// How the values of a database are read: the type of each domain. Dates, instants and numbers of no domain are known.
#[derive(Debug, Clone, Default)]
pub struct Types {
    domains: BTreeMap<&'static str, Read>,
}

impl Types {
    /// No domains yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The domain of a type made by one of the macros of [`key`](crate::key).
    #[must_use]
    pub fn key<T>(self) -> Self
    where
        T: Key + Type<Postgres> + for<'r> Decode<'r, Postgres>,
    {
        self.domain(T::DOMAIN, |value| T::decode(value).map(drop))
    }

    /// The domain of a document.
    #[must_use]
    pub fn document<C: Content>(self) -> Self {
        self.domain(C::DOMAIN, |value| Document::<C>::decode(value).map(drop))
    }

    /// The domains that are known.
    #[must_use]
    pub fn domains(&self) -> BTreeSet<&'static str> {
        self.domains.keys().copied().collect()
    }

    fn domain(mut self, domain: &'static str, read: Read) -> Self {
        self.domains.insert(domain, read);
        self
    }

    /// How a column is read, if that may fail. `Err` has the domain that is not known.
    fn reader<'c>(&self, column: &'c catalog::Column) -> Result<Option<Read>, &'c str> {
        if let Some(domain) = &column.domain {
            return match self.domains.get(domain.as_str()) {
                Some(read) => Ok(Some(*read)),
                None => Err(domain),
            };
        }
        Ok(match column.base.as_str() {
            "date" => Some(|value| crate::time::decode_date(value).map(drop)),
            "timestamp with time zone" => {
                Some(|value| crate::time::decode_instant(value).map(drop))
            }
            "numeric" => Some(|value| crate::numeric::decode(value).map(drop)),
            _ => None,
        })
    }

    /// Lists the values of all tables of the schema that their types cannot read, each by the `report` that it is given to. It
    /// reads every row, in one snapshot, on a connection of its own; memory does not grow with the table.
    ///
    /// # Errors
    /// No connection, or it broke; a table that may not be read.
    pub async fn misfits(&self, db: &Db, report: impl FnMut(Misfit)) -> Result<Scanned> {
        scan::misfits(self, db, report).await
    }
}
