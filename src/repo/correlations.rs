//! Correlations of seven-bar returns of every ordered pair of symbols (table `correlation_matrix`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`upsert_many`], [`insert_many`], [`delete_dates`] | 1 | primary key |
//! | [`matrix`], [`latest_matrix`] | 1 | primary key |
//! | [`coverage`] | 1 | whole table |
//! | [`lock`] | 1 | – |

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::{
    Upserted,
    batch::{Pair, columns, sorted},
};
use crate::{
    db::Tx,
    error::{Error, Result},
    types::{Symbol, exact},
};

/// One cell of the matrix of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Correlation {
    /// First ticker of the pair.
    pub symbol_1: Symbol,
    /// Second ticker of the pair.
    pub symbol_2: Symbol,
    /// Last day of the window.
    pub date: NaiveDate,
    /// Coefficient in -1 to 1, eight decimals; `None` for a constant series or fewer than two common observations.
    #[serde(with = "exact::option")]
    pub correlation: Option<Decimal>,
    /// Length of the window in rows.
    pub window_rows: i32,
}

impl Correlation {
    const fn symbols(&self) -> [Symbol; 2] {
        [self.symbol_1, self.symbol_2]
    }
}

/// The correlations of a date.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Matrix {
    /// Last day of the window.
    pub date: NaiveDate,
    /// The symbols, in order: rows and columns of the matrix.
    pub symbols: Vec<Symbol>,
    /// All stored cells, by first, then by second symbol.
    pub cells: Vec<Correlation>,
}

impl Matrix {
    /// The correlation of a pair; `None` also if the pair is not in the matrix.
    #[must_use]
    pub fn get(&self, a: Symbol, b: Symbol) -> Option<Decimal> {
        let at = self
            .cells
            .binary_search_by_key(&(a, b), |cell| (cell.symbol_1, cell.symbol_2));
        self.cells[at.ok()?].correlation
    }

    fn from_cells(cells: Vec<Correlation>) -> Option<Self> {
        let date = cells.first()?.date;
        let mut symbols: Vec<Symbol> = cells.iter().map(|cell| cell.symbol_1).collect();
        symbols.dedup();
        Some(Self {
            date,
            symbols,
            cells,
        })
    }
}

/// What is stored for a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    /// Last day of the window.
    pub date: NaiveDate,
    /// Number of cells.
    pub cells: i64,
    /// Shortest window of the cells.
    pub min_window: i32,
    /// Longest window of the cells.
    pub max_window: i32,
}

/// Stores correlations, or replaces those of the same pair and date: one statement, all or nothing. Cells that are there
/// with the same value are not rewritten.
///
/// # Errors
/// [`Error::Invalid`] lists a pair and date given twice;
/// [`Error::Conflict`] if a value is outside -1 to 1.
#[tracing::instrument(name = "db.correlations.upsert_many", skip_all, fields(rows = correlations.len()), err(level = "debug"))]
pub async fn upsert_many(
    db: impl PgExecutor<'_>,
    correlations: &[Correlation],
) -> Result<Upserted> {
    if correlations.is_empty() {
        return Ok(Upserted::default());
    }
    let rows = by_key(correlations)?;
    columns!(rows => symbol_1, symbol_2, date, correlation, window_rows);
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO correlation_matrix AS old (symbol_1, symbol_2, date, correlation, window_rows)
            SELECT * FROM UNNEST($1::symbol[], $2::symbol[], $3::date[], $4::correlation[], $5::integer[])
            ON CONFLICT (date, symbol_1, symbol_2) DO UPDATE
            SET correlation = EXCLUDED.correlation,
                window_rows = EXCLUDED.window_rows,
                created_at = now()
            WHERE (old.correlation, old.window_rows) IS DISTINCT FROM (EXCLUDED.correlation, EXCLUDED.window_rows)
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        &symbol_1[..],
        &symbol_2[..],
        &date[..],
        &correlation[..],
        &window_rows[..],
    )
    .fetch_one(db)
    .await?;
    Upserted::of(correlations.len(), counts.inserted, counts.updated)
}

/// Stores correlations that are not there yet: one statement, all or nothing. Faster than [`upsert_many`], because the server
/// does not look for what is there before it writes.
///
/// # Errors
/// [`Error::Conflict`] on `correlation_matrix_pkey` if a pair has a value of that date, which
/// nobody else can bring about while the table is [locked](lock); else as [`upsert_many`].
#[tracing::instrument(name = "db.correlations.insert_many", skip_all, fields(rows = correlations.len()), err(level = "debug"))]
pub async fn insert_many(db: impl PgExecutor<'_>, correlations: &[Correlation]) -> Result<()> {
    if correlations.is_empty() {
        return Ok(());
    }
    let rows = by_key(correlations)?;
    // The server checks each symbol that it is sent, so it gets each one once.
    let symbols: BTreeSet<Symbol> = rows.iter().flat_map(|cell| cell.symbols()).collect();
    let places: HashMap<Symbol, i32> = symbols.iter().copied().zip(1..).collect();
    let symbols: Vec<Symbol> = symbols.into_iter().collect();
    let [first, second] = [0, 1].map(|side| -> Vec<i32> {
        rows.iter()
            .map(|cell| places[&cell.symbols()[side]])
            .collect()
    });
    columns!(rows => date, correlation, window_rows);
    let inserted = sqlx::query!(
        r#"
        WITH sent AS MATERIALIZED (SELECT $1::symbol[] AS symbols)
        INSERT INTO correlation_matrix (symbol_1, symbol_2, date, correlation, window_rows)
        -- Subqueries, so that the symbols are checked once and not for each row.
        SELECT ((SELECT symbols FROM sent))[new.first],
               ((SELECT symbols FROM sent))[new.second],
               new.date,
               new.correlation,
               new.window_rows
        FROM UNNEST($2::integer[], $3::integer[], $4::date[], $5::correlation[], $6::integer[])
            AS new (first, second, date, correlation, window_rows)
        "#,
        &symbols[..],
        &first[..],
        &second[..],
        &date[..],
        &correlation[..],
        &window_rows[..],
    )
    .execute(db)
    .await?;
    match inserted.rows_affected() {
        inserted if inserted == rows.len() as u64 => Ok(()),
        inserted => Err(Error::RowCount {
            expected: rows.len() as u64,
            actual: inserted,
        }),
    }
}

/// Lets nobody else write correlations until the end of the transaction; reading goes on. To be called first, so that the
/// transaction then sees what those before it have written, at any isolation level.
///
/// # Errors
/// Those of the database.
#[tracing::instrument(name = "db.correlations.lock", skip_all, err(level = "debug"))]
pub async fn lock(tx: &mut Tx) -> Result<()> {
    sqlx::query!("LOCK TABLE correlation_matrix IN SHARE ROW EXCLUSIVE MODE")
        .execute(tx)
        .await?;
    Ok(())
}

/// Neighbours in a batch are neighbours in the index, and locked in one order.
fn by_key(correlations: &[Correlation]) -> Result<Vec<&Correlation>> {
    sorted("correlations", correlations, |cell| {
        Pair(cell.date, Pair(cell.symbol_1, cell.symbol_2))
    })
}

/// Removes the matrices of these dates, and says how many cells there were.
///
/// # Errors
/// Those of the database.
#[tracing::instrument(name = "db.correlations.delete_dates", skip_all, fields(dates = dates.len()), err(level = "debug"))]
pub async fn delete_dates(db: impl PgExecutor<'_>, dates: &[NaiveDate]) -> Result<u64> {
    let deleted = sqlx::query!(
        "DELETE FROM correlation_matrix WHERE date = ANY($1::date[])",
        dates
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// The matrix of a date, if there is one.
///
/// # Errors
/// Those of the database.
#[tracing::instrument(name = "db.correlations.matrix", skip_all, fields(%date), err(level = "debug"))]
pub async fn matrix(db: impl PgExecutor<'_>, date: NaiveDate) -> Result<Option<Matrix>> {
    let cells = sqlx::query_as!(
        Correlation,
        r#"
        SELECT symbol_1, symbol_2, date, correlation, window_rows
        FROM correlation_matrix
        WHERE date = $1
        ORDER BY symbol_1, symbol_2
        "#,
        date,
    )
    .fetch_all(db)
    .await?;
    Ok(Matrix::from_cells(cells))
}

/// The newest matrix, if there is one.
///
/// # Errors
/// Those of the database.
#[tracing::instrument(name = "db.correlations.latest_matrix", skip_all, err(level = "debug"))]
pub async fn latest_matrix(db: impl PgExecutor<'_>) -> Result<Option<Matrix>> {
    let cells = sqlx::query_as!(
        Correlation,
        r#"
        SELECT symbol_1, symbol_2, date, correlation, window_rows
        FROM correlation_matrix
        WHERE date = (SELECT max(date) FROM correlation_matrix)
        ORDER BY symbol_1, symbol_2
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(Matrix::from_cells(cells))
}

/// What is stored for each date, by date.
///
/// # Errors
/// Those of the database.
#[tracing::instrument(name = "db.correlations.coverage", skip_all, err(level = "debug"))]
pub async fn coverage(db: impl PgExecutor<'_>) -> Result<Vec<Coverage>> {
    let coverage = sqlx::query_as!(
        Coverage,
        r#"
        SELECT date,
               count(*) AS "cells!",
               min(window_rows) AS "min_window!",
               max(window_rows) AS "max_window!"
        FROM correlation_matrix
        GROUP BY date
        ORDER BY date
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(coverage)
}
