//! Correlations of seven-bar returns of every ordered pair of symbols (table `correlation_matrix`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`upsert_many`], [`delete_dates`] | 1 | primary key |
//! | [`upsert_block`], [`insert_block`], [`keep_symbols`] | 1 | primary key |
//! | [`matrix`], [`latest_matrix`], [`dates_between`], [`extent`] | 1 | primary key |
//! | [`lock`] | 1 | – |

use checked_pg::time::bounded_date;
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
    types::{Invalid, Symbol, exact},
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

    /// The matrix of these cells, which are of one date, by first, then by second symbol; none if there are none.
    #[must_use]
    pub fn from_cells(cells: Vec<Correlation>) -> Option<Self> {
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
    // Neighbours in a batch are neighbours in the index, and locked in one order.
    let rows = sorted("correlations", correlations, |cell| {
        Pair(cell.date, Pair(cell.symbol_1, cell.symbol_2))
    })?;
    columns!(rows => symbol_1, symbol_2, date, correlation, window_rows);
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO correlation_matrix AS old (symbol_1, symbol_2, date, correlation, window_rows)
            SELECT * FROM UNNEST($1::symbol[], $2::symbol[], $3::date[], $4::correlation[], $5::integer[])
            ON CONFLICT (date, symbol_1, symbol_2) DO UPDATE
            SET correlation = EXCLUDED.correlation,
                window_rows = EXCLUDED.window_rows,
                created_at = DEFAULT
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

/// Lets nobody else write correlations until the end of the transaction; reading goes on. To be called first, so that the
/// transaction then sees what those before it have written, at any isolation level.
#[tracing::instrument(name = "db.correlations.lock", skip_all, err(level = "debug"))]
pub async fn lock(tx: &mut Tx) -> Result<()> {
    sqlx::query!("LOCK TABLE correlation_matrix IN SHARE ROW EXCLUSIVE MODE")
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes the matrices of these dates, and says how many cells there were.
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
#[tracing::instrument(name = "db.correlations.latest_matrix", skip_all, err(level = "debug"))]
pub async fn latest_matrix(db: impl PgExecutor<'_>) -> Result<Option<Matrix>> {
    let cells = sqlx::query_as!(
        Correlation,
        r#"
        SELECT symbol_1, symbol_2, date, correlation, window_rows
        FROM correlation_matrix
        WHERE date = (SELECT max(date) FROM correlation_matrix WHERE date <= DATE '9999-12-31')
        ORDER BY symbol_1, symbol_2
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(Matrix::from_cells(cells))
}

/// Matrices as the metrics job makes them: of the same symbols on several dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<'a> {
    /// The symbols, in order: rows and columns of each matrix.
    pub symbols: &'a [Symbol],
    /// The dates.
    pub dates: &'a [NaiveDate],
    /// Length of the window in rows.
    pub window_rows: i32,
    /// How many cells are before the first one of `cells`, over all dates, matrix by matrix and row by row.
    pub first: u64,
    /// Coefficients in units of the eighth decimal; [`Block::UNKNOWN`] is NULL.
    pub cells: &'a [i64],
}

impl Block<'_> {
    /// No coefficient: a constant series, or fewer than two common observations.
    pub const UNKNOWN: i64 = i64::MAX;

    fn place(&self) -> Result<i64> {
        i64::try_from(self.first).map_err(|_| Invalid::new("first", "is too large").into())
    }

    fn size(&self) -> Result<i64> {
        i64::try_from(self.symbols.len())
            .map_err(|_| Invalid::new("symbols", "are too many").into())
    }
}

/// Stores cells of dates that have none yet: one statement, all or nothing. The server gets each symbol and each date once.
///
/// # Errors
/// [`Error::Conflict`] on `correlation_matrix_pkey` if a pair has a value of that date, which nobody else can bring about while the
/// table is [locked](lock), or on the range of a coefficient; [`Error::RowCount`] if the cells are not those of the dates.
#[tracing::instrument(name = "db.correlations.insert_block", skip_all, fields(cells = block.cells.len()), err(level = "debug"))]
pub async fn insert_block(db: impl PgExecutor<'_>, block: &Block<'_>) -> Result<()> {
    let inserted = sqlx::query!(
        r#"
        WITH sent AS MATERIALIZED (SELECT $1::symbol[] AS symbols, $2::date[] AS dates)
        INSERT INTO correlation_matrix (symbol_1, symbol_2, date, correlation, window_rows)
        -- Subqueries, so that the symbols are checked once and not for each row.
        SELECT ((SELECT symbols FROM sent))[1 + (cell.place / $3) % $3],
               ((SELECT symbols FROM sent))[1 + cell.place % $3],
               ((SELECT dates FROM sent))[1 + cell.place / ($3 * $3)],
               NULLIF(cell.units, 9223372036854775807) * 0.00000001,
               $4
        FROM (
            SELECT units, $5 + number - 1 AS place
            FROM UNNEST($6::bigint[]) WITH ORDINALITY AS given (units, number)
        ) AS cell
        "#,
        block.symbols,
        block.dates,
        block.size()?,
        block.window_rows,
        block.place()?,
        block.cells,
    )
    .execute(db)
    .await?;
    match inserted.rows_affected() {
        inserted if inserted == block.cells.len() as u64 => Ok(()),
        inserted => Err(Error::RowCount {
            expected: block.cells.len() as u64,
            actual: inserted,
        }),
    }
}

/// Stores cells, or replaces those of the same pair and date; cells that are there with the same value are not rewritten. Else as
/// [`insert_block`].
///
/// # Errors
/// As [`insert_block`].
#[tracing::instrument(name = "db.correlations.upsert_block", skip_all, fields(cells = block.cells.len()), err(level = "debug"))]
pub async fn upsert_block(db: impl PgExecutor<'_>, block: &Block<'_>) -> Result<Upserted> {
    let counts = sqlx::query!(
        r#"
        WITH sent AS MATERIALIZED (SELECT $1::symbol[] AS symbols, $2::date[] AS dates), written AS (
            INSERT INTO correlation_matrix AS old (symbol_1, symbol_2, date, correlation, window_rows)
            SELECT ((SELECT symbols FROM sent))[1 + (cell.place / $3) % $3],
                   ((SELECT symbols FROM sent))[1 + cell.place % $3],
                   ((SELECT dates FROM sent))[1 + cell.place / ($3 * $3)],
                   NULLIF(cell.units, 9223372036854775807) * 0.00000001,
                   $4
            FROM (
                SELECT units, $5 + number - 1 AS place
                FROM UNNEST($6::bigint[]) WITH ORDINALITY AS given (units, number)
            ) AS cell
            ON CONFLICT (date, symbol_1, symbol_2) DO UPDATE
            SET correlation = EXCLUDED.correlation,
                window_rows = EXCLUDED.window_rows,
                created_at = DEFAULT
            WHERE (old.correlation, old.window_rows) IS DISTINCT FROM (EXCLUDED.correlation, EXCLUDED.window_rows)
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        block.symbols,
        block.dates,
        block.size()?,
        block.window_rows,
        block.place()?,
        block.cells,
    )
    .fetch_one(db)
    .await?;
    Upserted::of(block.cells.len(), counts.inserted, counts.updated)
}

/// Removes the cells of these dates that are of other symbols, and says how many there were.
#[tracing::instrument(name = "db.correlations.keep_symbols", skip_all, fields(dates = dates.len()), err(level = "debug"))]
pub async fn keep_symbols(
    db: impl PgExecutor<'_>,
    dates: &[NaiveDate],
    symbols: &[Symbol],
) -> Result<u64> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM correlation_matrix
        WHERE date = ANY($1::date[])
          AND (symbol_1 NOT IN (SELECT UNNEST($2::symbol[])) OR symbol_2 NOT IN (SELECT UNNEST($2::symbol[])))
        "#,
        dates,
        symbols,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// The dates from one to another, both included, that have a matrix, in order.
#[tracing::instrument(name = "db.correlations.dates_between", skip_all, fields(%from, %to), err(level = "debug"))]
pub async fn dates_between(
    db: impl PgExecutor<'_>,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<NaiveDate>> {
    // One index probe per date, where DISTINCT would read every cell.
    let dates = sqlx::query_scalar!(
        r#"
        WITH RECURSIVE known AS (
            (SELECT date FROM correlation_matrix WHERE date BETWEEN $1 AND $2 ORDER BY date LIMIT 1)
            UNION ALL
            SELECT (
                SELECT later.date
                FROM correlation_matrix AS later
                WHERE later.date > known.date AND later.date <= $2
                ORDER BY later.date
                LIMIT 1
            )
            FROM known
            WHERE known.date IS NOT NULL
        )
        SELECT date AS "date!"
        FROM known
        WHERE date IS NOT NULL
        "#,
        bounded_date(from),
        bounded_date(to),
    )
    .fetch_all(db)
    .await?;
    Ok(dates)
}

/// The first and the last date that has a matrix, if there are any.
#[tracing::instrument(name = "db.correlations.extent", skip_all, err(level = "debug"))]
pub async fn extent(db: impl PgExecutor<'_>) -> Result<Option<(NaiveDate, NaiveDate)>> {
    let extent = sqlx::query!(
        r#"
            SELECT min(date) AS first, max(date) AS last
            FROM correlation_matrix
            WHERE date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
            "#
    )
    .fetch_one(db)
    .await?;
    Ok(extent.first.zip(extent.last))
}
