//! What every function over many rows shares: one array per column, sorted by key, no key twice.

use std::{collections::HashMap, fmt::Display, hash::Hash};

use crate::error::{Error, Invalid, Result};

/// What a batch did to its table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Rows that were new.
    pub inserted: u64,
    /// Rows that were there with other values.
    pub updated: u64,
    /// Rows that were there with the same values; they were not rewritten.
    pub unchanged: u64,
}

impl Upserted {
    /// From the counts of the statement and the number of rows sent.
    ///
    /// # Errors
    /// [`Error::RowCount`] if the statement reports more changes than rows were sent.
    pub fn of(sent: usize, inserted: i64, updated: i64) -> Result<Self> {
        let (sent, inserted, updated) =
            (sent as u64, inserted.unsigned_abs(), updated.unsigned_abs());
        let unchanged = sent
            .checked_sub(inserted + updated)
            .ok_or(Error::RowCount {
                expected: sent,
                actual: inserted + updated,
            })?;
        Ok(Self {
            inserted,
            updated,
            unchanged,
        })
    }
}

impl std::ops::AddAssign for Upserted {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

/// The rows sorted by key, so that batches over the same keys lock them in one order and cannot deadlock.
///
/// # Errors
/// [`Error::Invalid`] that lists the keys that occur twice: two rows of one key in a statement are SQLSTATE 21000 for the
/// whole batch, and which of them should win is not ours to say.
pub fn sorted<'r, R, K: Ord + Display>(
    what: &'static str,
    rows: &'r [R],
    key: impl Fn(&'r R) -> K,
) -> Result<Vec<&'r R>> {
    const SHOWN: usize = 5;
    let mut rows: Vec<&R> = rows.iter().collect();
    // Most callers have them in order.
    if rows.is_sorted_by(|a, b| key(a) < key(b)) {
        return Ok(rows);
    }
    rows.sort_by_cached_key(|row| key(row));
    let mut twice: Vec<K> = rows
        .windows(2)
        .filter(|pair| key(pair[0]) == key(pair[1]))
        .map(|pair| key(pair[0]))
        .collect();
    twice.dedup();
    if twice.is_empty() {
        return Ok(rows);
    }
    let shown: Vec<String> = twice.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = match twice.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let why = format!(
        "more than one row for {}{more}; give each key once",
        shown.join(", ")
    );
    Err(Invalid::new(what, why).into())
}

/// The ids of saved rows in the order in which the rows were given.
///
/// # Errors
/// [`Error::RowCount`] if a row has no id.
pub fn as_given<R, K: Eq + Hash, I: Copy>(
    given: &[R],
    ids: &HashMap<K, I>,
    key: impl Fn(&R) -> K,
) -> Result<Vec<I>> {
    given
        .iter()
        .map(|row| ids.get(&key(row)).copied())
        .collect::<Option<_>>()
        .ok_or(Error::RowCount {
            expected: given.len() as u64,
            actual: ids.len() as u64,
        })
}

/// A key of two parts, for messages.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair<A, B>(pub A, pub B);

impl<A: Display, B: Display> Display for Pair<A, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

/// `columns!(rows => author, date)` makes `author` and `date` the columns of those fields, for `UNNEST`.
#[macro_export]
macro_rules! columns {
    ($rows:expr => $($field:ident),+ $(,)?) => {
        $(let $field: Vec<_> = $rows.iter().map(|row| row.$field.to_owned()).collect();)+
    };
}
pub use crate::columns;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_by_key() {
        let rows = sorted("rows", &[3, 1, 2], |n| *n).unwrap();
        assert_eq!(rows, [&1, &2, &3]);
    }

    #[test]
    fn keys_that_occur_twice_are_listed_once_each() {
        let error = sorted("rows", &[3, 1, 3, 1, 3, 2], |n| *n).unwrap_err();
        assert!(
            error.to_string().contains("more than one row for 1, 3;"),
            "{error}"
        );
    }

    #[test]
    fn ids_come_as_the_rows_were_given_or_one_is_missing() {
        let mut ids = HashMap::from([(1, 'a'), (2, 'b'), (3, 'c')]);
        assert_eq!(as_given(&[3, 1, 2], &ids, |n| *n).unwrap(), ['c', 'a', 'b']);
        ids.remove(&2);
        let missing = as_given(&[3, 1, 2], &ids, |n| *n);
        assert!(matches!(
            missing,
            Err(Error::RowCount {
                expected: 3,
                actual: 2
            })
        ));
    }

    #[test]
    fn more_changes_than_rows_is_an_error() {
        assert!(Upserted::of(1, 1, 1).is_err());
        let counts = Upserted::of(5, 1, 2).unwrap();
        assert_eq!(
            (counts.inserted, counts.updated, counts.unchanged),
            (1, 2, 2)
        );
    }
}
