//! Text that PostgreSQL can hold, which is any but what has a U+0000 in it. The types of keys and documents refuse it themselves; these
//! are for text that has no type of its own, so that a message names the field before anything is sent.

use crate::error::{Error, Result};

/// Refuses a text that PostgreSQL cannot hold.
///
/// # Errors
/// [`Error::Invalid`] names the field.
pub fn storable<'t>(field: &'static str, text: impl Into<Option<&'t str>>) -> Result<()> {
    match text.into() {
        Some(text) if has_nul(text) => Err(Error::invalid(field, WHY)),
        _ => Ok(()),
    }
}

/// As [`storable`], for the texts of a batch in the order of its rows.
///
/// # Errors
/// [`Error::Invalid`] names the field with its row, as in `entries[2].message`. The first row is 0.
pub fn all_storable<'t>(
    rows: &str,
    field: &str,
    texts: impl IntoIterator<Item = Option<&'t str>>,
) -> Result<()> {
    let mut texts = texts.into_iter();
    match texts.position(|text| text.is_some_and(has_nul)) {
        None => Ok(()),
        Some(row) => Err(Error::invalid(format!("{rows}[{row}].{field}"), WHY)),
    }
}

fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

const WHY: &str = "must not contain U+0000, which PostgreSQL cannot hold";
