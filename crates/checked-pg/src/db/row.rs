//! What is known of the row that is about to be decoded: so that an error can name it, and so that a time that no calendar holds
//! is an error and not a panic of sqlx.
//!
//! sqlx decodes a row in the same poll in which its executor returns it, on the same thread, and tells of a failure only the
//! number of the column. So each executor of this crate notes the row, and the conversion of the error looks at the note.

use super::statement::tables;
use crate::{
    error::{Error, Misfit},
    time::{BEYOND, date_of, instant_of},
};
use sqlx::{
    Column, Row, SqlStr, TypeInfo, ValueRef,
    postgres::{PgColumn, PgRow, PgValueFormat, PgValueRef},
};
use std::{cell::RefCell, sync::Arc};
use uuid::Uuid;

/// More columns make no better name of a row.
const MOST_KEYS: usize = 3;

thread_local!(static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) });

/// The columns of a statement.
struct Shape {
    sql: SqlStr,
    columns: Vec<PgColumn>,
    /// Those that tell a row from others.
    keys: Vec<usize>,
    dates: Vec<usize>,
    instants: Vec<usize>,
}

/// The row that was last handed out on this thread.
struct Noted {
    shape: Arc<Shape>,
    /// The bytes of the keys, one after another.
    bytes: Vec<u8>,
    /// Where each ends, or that it is NULL or no binary value.
    ends: [Option<usize>; MOST_KEYS],
}

/// Notes the rows of one statement.
pub(super) struct Watch {
    sql: SqlStr,
    shape: Option<Arc<Shape>>,
}

impl Watch {
    pub(super) fn new(sql: SqlStr) -> Self {
        Self { sql, shape: None }
    }

    /// Notes a row that is handed out next.
    ///
    /// # Errors
    /// [`Error::Decode`] if a date or an instant of it is infinite or beyond the calendar.
    pub(super) fn note(&mut self, row: &PgRow) -> Result<(), sqlx::Error> {
        let shape = self
            .shape
            .get_or_insert_with(|| Arc::new(Shape::of(self.sql.clone(), row)));
        NOTED.with_borrow_mut(|noted| match noted {
            Some(noted) if Arc::ptr_eq(&noted.shape, shape) => noted.fill(row),
            noted => {
                let mut new = Noted {
                    shape: Arc::clone(shape),
                    bytes: Vec::new(),
                    ends: [None; MOST_KEYS],
                };
                new.fill(row);
                *noted = Some(new);
            }
        });
        match shape.beyond_the_calendar(row)? {
            None => Ok(()),
            Some(index) => {
                let misfit = Misfit::of_column(index.to_string(), BEYOND);
                Err(Error::Decode(Box::new(placed(misfit))).into())
            }
        }
    }

    /// Notes the row of a statement that has one at most.
    pub(super) fn noted(
        &mut self,
        outcome: Result<Option<PgRow>, sqlx::Error>,
    ) -> Result<Option<PgRow>, sqlx::Error> {
        let row = outcome?;
        match &row {
            Some(row) => self.note(row)?,
            None => Self::forget(),
        }
        Ok(row)
    }

    /// The statement has no more rows.
    pub(super) fn forget() {
        NOTED.with_borrow_mut(|noted| *noted = None);
    }
}

impl Shape {
    fn of(sql: SqlStr, row: &PgRow) -> Self {
        let columns = row.columns().to_vec();
        let of_type = |name: &str| {
            let all = columns.iter().enumerate();
            all.filter(|(_, column)| column.type_info().name() == name)
                .map(|(index, _)| index)
                .collect()
        };
        Self {
            keys: keys(&columns),
            dates: of_type("DATE"),
            instants: of_type("TIMESTAMPTZ"),
            sql,
            columns,
        }
    }

    /// The first column that holds a time no calendar of this program has.
    fn beyond_the_calendar(&self, row: &PgRow) -> Result<Option<usize>, sqlx::Error> {
        for &index in &self.dates {
            let days = binary(&row.try_get_raw(index)?).map(i32::from_be_bytes);
            if days.is_some_and(|days| date_of(days).is_none()) {
                return Ok(Some(index));
            }
        }
        for &index in &self.instants {
            let micros = binary(&row.try_get_raw(index)?).map(i64::from_be_bytes);
            if micros.is_some_and(|micros| instant_of(micros).is_none()) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

/// The column `id`, or else the leading columns of the types that keys have.
fn keys(columns: &[PgColumn]) -> Vec<usize> {
    const OF_KEYS: &[&str] = &[
        "UUID",
        "TEXT",
        "DATE",
        "TIMESTAMPTZ",
        "INT2",
        "INT4",
        "INT8",
    ];
    if let Some(id) = columns.iter().position(|column| column.name() == "id") {
        return vec![id];
    }
    let leading = columns
        .iter()
        .take(MOST_KEYS)
        .take_while(|column| OF_KEYS.contains(&column.type_info().name()));
    (0..leading.count()).collect()
}

/// The bytes of a binary value of this length.
fn binary<const N: usize>(value: &PgValueRef<'_>) -> Option<[u8; N]> {
    if value.is_null() || value.format() != PgValueFormat::Binary {
        return None;
    }
    value.as_bytes().ok()?.try_into().ok()
}

impl Noted {
    fn fill(&mut self, row: &PgRow) {
        self.bytes.clear();
        self.ends = [None; MOST_KEYS];
        for (end, &index) in self.ends.iter_mut().zip(&self.shape.keys) {
            let Ok(value) = row.try_get_raw(index) else {
                continue;
            };
            if value.is_null() || value.format() != PgValueFormat::Binary {
                continue;
            }
            if let Ok(bytes) = value.as_bytes() {
                self.bytes.extend_from_slice(bytes);
                *end = Some(self.bytes.len());
            }
        }
    }

    /// The keys and their values, such as `author=ada date=2026-01-07`; no text of the column that `failed`.
    fn key(&self, failed: &str) -> Option<String> {
        let mut start = 0;
        let mut parts = Vec::new();
        for (end, &index) in self.ends.iter().zip(&self.shape.keys) {
            let Some(end) = *end else { continue };
            let bytes = self.bytes.get(start..end)?;
            start = end;
            let column = &self.shape.columns[index];
            let value = match column.type_info().name() {
                "TEXT" if column.name() == failed => None,
                "TEXT" => text(bytes, column.relation_attribute_no() == Some(1)),
                of_type => shown(of_type, bytes),
            };
            parts.extend(value.map(|value| format!("{}={value}", bare(column))));
        }
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// The name of a column, without what the macros of sqlx write behind it.
fn bare(column: &PgColumn) -> &str {
    let name = column.name();
    name.split(['!', '?', ':']).next().unwrap_or(name)
}

/// A text that is a key: a plain word in the first column of its table, or a short code in capitals. Others may be anything, and are
/// left out.
fn text(bytes: &[u8], is_first: bool) -> Option<String> {
    let (longest, plain): (_, fn(u8) -> bool) = match is_first {
        true => (60, |byte| {
            byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte)
        }),
        false => (10, |byte| byte.is_ascii_uppercase() || byte == b'_'),
    };
    let text = str::from_utf8(bytes).ok()?;
    let is_key = (1..=longest).contains(&text.len()) && text.bytes().all(plain);
    is_key.then(|| text.to_owned())
}

/// A key that is no text.
fn shown(of_type: &str, bytes: &[u8]) -> Option<String> {
    Some(match of_type {
        "UUID" => Uuid::from_slice(bytes).ok()?.to_string(),
        "INT2" => i16::from_be_bytes(bytes.try_into().ok()?).to_string(),
        "INT4" => i32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        "INT8" => i64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        "DATE" => match i32::from_be_bytes(bytes.try_into().ok()?) {
            i32::MAX => "infinity".to_owned(),
            i32::MIN => "-infinity".to_owned(),
            days => date_of(days)?.to_string(),
        },
        "TIMESTAMPTZ" => match i64::from_be_bytes(bytes.try_into().ok()?) {
            i64::MAX => "infinity".to_owned(),
            i64::MIN => "-infinity".to_owned(),
            micros => instant_of(micros)?.to_rfc3339(),
        },
        _ => return None,
    })
}

/// The misfit with what the note of this thread knows of its place. The column is a number, or a name in quotes.
pub(crate) fn placed(mut misfit: Misfit) -> Misfit {
    NOTED.with_borrow_mut(|noted| {
        let named = misfit.column.trim_matches('"').to_owned();
        if let Some(noted) = noted.take() {
            let columns = &noted.shape.columns;
            let column = match named.parse::<usize>() {
                Ok(index) => columns.get(index),
                Err(_) => columns.iter().find(|column| column.name() == named),
            };
            // Otherwise the row is another one, decoded later than it was handed out.
            if let Some(column) = column {
                misfit.column = bare(column).to_owned();
                misfit.table = tables(noted.shape.sql.as_str());
                misfit.key = noted.key(column.name());
                return;
            }
        }
        misfit.column = named;
    });
    misfit
}
