use super::Invalid;
use sqlx::error::{BoxDynError, UnexpectedNullError};
use std::fmt;

/// A value of a row that does not fit the type that reads it: where it is and why, never the value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Misfit {
    /// The table; all tables of the statement if it reads several; `None` if the row did not come through
    /// [`Db`](crate::Db).
    pub table: Option<String>,
    /// What tells the row from others, such as `id=7` or `author=ada date=2026-01-07`: its `id`, or its leading columns.
    pub key: Option<String>,
    /// The column, or its number from 0 if its name is not known.
    pub column: String,
    /// The type or the field of the document that refused the value, such as `note_document.rank`.
    pub field: Option<String>,
    /// What does not fit.
    pub why: String,
}

impl Misfit {
    /// A misfit of which only the column is known.
    pub(crate) fn of_column(column: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            table: None,
            key: None,
            column: column.into(),
            field: None,
            why: why.into(),
        }
    }

    /// Takes the reason from the error of decoding.
    pub(crate) fn because(&mut self, source: &BoxDynError) {
        if let Some(invalid) = source.downcast_ref::<Invalid>() {
            self.field = Some(invalid.field.to_string());
            self.why = invalid.why.to_string();
        } else if source.is::<UnexpectedNullError>() {
            self.why = "it is NULL".to_owned();
        } else {
            // Not the source's own words: serde_json, for one, repeats the value.
            self.why = "the value does not fit its type".to_owned();
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.column)?;
        if let Some(table) = &self.table {
            write!(f, " of {table}")?;
        }
        if let Some(key) = &self.key {
            write!(f, " ({key})")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.why)
    }
}
