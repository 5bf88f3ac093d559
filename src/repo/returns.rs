//! Log returns of symbols: over one bar (table `daily_log_returns`) and over seven (table `rolling_7day_log_returns`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`upsert_daily`], [`upsert_7day`], [`delete_daily`], [`delete_7day`] | 1 | primary key |
//! | [`daily`], [`latest_7day`] | 1 | primary key |
//! | [`daily_of`], [`seven_day_of`] | 1 | primary key |
//! | [`dates_since`], [`dates_before`] | 1 | `rolling_7day_log_returns_date_idx` |
//! | [`all_daily`], [`all_7day`] | 1 | primary key, whole table |

use checked_pg::time::bounded_date;
use chrono::NaiveDate;
use futures_util::{Stream, TryStreamExt};
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::{
    Upserted,
    batch::{Pair, columns, sorted},
};
use crate::{
    error::{Error, Result},
    types::{Symbol, exact},
};

/// The log return of a symbol on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Return {
    /// Ticker.
    pub symbol: Symbol,
    /// Day of the later bar.
    pub date: NaiveDate,
    /// ln(close / earlier close), eight decimals.
    #[serde(with = "exact")]
    pub log_return: Decimal,
}

/// Stores one-bar returns, or replaces those of the same symbol and day: one statement, all or nothing. Returns that are
/// there with the same value are not rewritten.
///
/// # Errors
/// [`Error::Invalid`] lists a symbol and day given twice.
#[tracing::instrument(name = "db.returns.upsert_daily", skip_all, fields(rows = returns.len()), err(level = "debug"))]
pub async fn upsert_daily(db: impl PgExecutor<'_>, returns: &[Return]) -> Result<Upserted> {
    if returns.is_empty() {
        return Ok(Upserted::default());
    }
    let rows = sorted("returns", returns, |row| Pair(row.symbol, row.date))?;
    columns!(rows => symbol, date, log_return);
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO daily_log_returns AS old (symbol, date, log_return)
            SELECT * FROM UNNEST($1::symbol[], $2::date[], $3::log_return[])
            ON CONFLICT (symbol, date) DO UPDATE
            SET log_return = EXCLUDED.log_return,
                created_at = DEFAULT
            WHERE old.log_return IS DISTINCT FROM EXCLUDED.log_return
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        &symbol[..],
        &date[..],
        &log_return[..],
    )
    .fetch_one(db)
    .await?;
    Upserted::of(returns.len(), counts.inserted, counts.updated)
}

/// Stores seven-bar returns; else as [`upsert_daily`].
///
/// # Errors
/// As [`upsert_daily`].
#[tracing::instrument(name = "db.returns.upsert_7day", skip_all, fields(rows = returns.len()), err(level = "debug"))]
pub async fn upsert_7day(db: impl PgExecutor<'_>, returns: &[Return]) -> Result<Upserted> {
    if returns.is_empty() {
        return Ok(Upserted::default());
    }
    let rows = sorted("returns", returns, |row| Pair(row.symbol, row.date))?;
    columns!(rows => symbol, date, log_return);
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO rolling_7day_log_returns AS old (symbol, date, log_return_7d)
            SELECT * FROM UNNEST($1::symbol[], $2::date[], $3::log_return[])
            ON CONFLICT (symbol, date) DO UPDATE
            SET log_return_7d = EXCLUDED.log_return_7d,
                created_at = DEFAULT
            WHERE old.log_return_7d IS DISTINCT FROM EXCLUDED.log_return_7d
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        &symbol[..],
        &date[..],
        &log_return[..],
    )
    .fetch_one(db)
    .await?;
    Upserted::of(returns.len(), counts.inserted, counts.updated)
}

/// Removes the one-bar returns of these symbols and days, and says how many there were.
#[tracing::instrument(name = "db.returns.delete_daily", skip_all, fields(keys = keys.len()), err(level = "debug"))]
pub async fn delete_daily(db: impl PgExecutor<'_>, keys: &[(Symbol, NaiveDate)]) -> Result<u64> {
    let (symbols, dates): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let deleted = sqlx::query!(
        r#"
        DELETE FROM daily_log_returns AS old
        USING UNNEST($1::symbol[], $2::date[]) AS key (symbol, date)
        WHERE old.symbol = key.symbol
          AND old.date = key.date
        "#,
        &symbols[..],
        &dates[..],
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Removes the seven-bar returns of these symbols and days, and says how many there were.
#[tracing::instrument(name = "db.returns.delete_7day", skip_all, fields(keys = keys.len()), err(level = "debug"))]
pub async fn delete_7day(db: impl PgExecutor<'_>, keys: &[(Symbol, NaiveDate)]) -> Result<u64> {
    let (symbols, dates): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
    let deleted = sqlx::query!(
        r#"
        DELETE FROM rolling_7day_log_returns AS old
        USING UNNEST($1::symbol[], $2::date[]) AS key (symbol, date)
        WHERE old.symbol = key.symbol
          AND old.date = key.date
        "#,
        &symbols[..],
        &dates[..],
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// The one-bar returns of a symbol from one day to another, both included, as a stream ordered by date; else as
/// [`bars::range`](crate::repo::bars::range).
pub fn daily<'e>(
    db: impl PgExecutor<'e> + 'e,
    symbol: Symbol,
    from: NaiveDate,
    to: NaiveDate,
) -> impl Stream<Item = Result<Return>> + Send + 'e {
    sqlx::query_as!(
        Return,
        r#"
        SELECT symbol, date, log_return
        FROM daily_log_returns
        WHERE symbol = $1::symbol
          AND date BETWEEN $2 AND $3
        ORDER BY date
        "#,
        symbol,
        bounded_date(from),
        bounded_date(to),
    )
    .fetch(db)
    .map_err(Error::from)
}

/// The newest seven-bar return of each of the symbols that has one, by symbol. A symbol that lags behind the others is
/// there with its own date.
#[tracing::instrument(name = "db.returns.latest_7day", skip_all, fields(symbols = symbols.len()), err(level = "debug"))]
pub async fn latest_7day(db: impl PgExecutor<'_>, symbols: &[Symbol]) -> Result<Vec<Return>> {
    let returns = sqlx::query_as!(
        Return,
        r#"
        SELECT newest.symbol, newest.date, newest.log_return_7d AS log_return
        FROM (SELECT DISTINCT symbol FROM UNNEST($1::symbol[]) AS asked (symbol)) AS asked
        CROSS JOIN LATERAL (
            SELECT symbol, date, log_return_7d
            FROM rolling_7day_log_returns
            WHERE rolling_7day_log_returns.symbol = asked.symbol
            ORDER BY rolling_7day_log_returns.date DESC
            LIMIT 1
        ) AS newest
        ORDER BY newest.symbol
        "#,
        symbols,
    )
    .fetch_all(db)
    .await?;
    Ok(returns)
}

/// All one-bar returns, by symbol, then by date.
#[tracing::instrument(name = "db.returns.all_daily", skip_all, err(level = "debug"))]
pub async fn all_daily(db: impl PgExecutor<'_>) -> Result<Vec<Return>> {
    let returns = sqlx::query_as!(
        Return,
        "SELECT symbol, date, log_return FROM daily_log_returns ORDER BY symbol, date"
    )
    .fetch_all(db)
    .await?;
    Ok(returns)
}

/// All seven-bar returns, by symbol, then by date.
#[tracing::instrument(name = "db.returns.all_7day", skip_all, err(level = "debug"))]
pub async fn all_7day(db: impl PgExecutor<'_>) -> Result<Vec<Return>> {
    let returns = sqlx::query_as!(
        Return,
        r#"
        SELECT symbol, date, log_return_7d AS log_return
        FROM rolling_7day_log_returns
        ORDER BY symbol, date
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(returns)
}

/// The one-bar returns of each span of days of a symbol, the first and the last day included, by symbol, then by date.
#[tracing::instrument(name = "db.returns.daily_of", skip_all, fields(spans = spans.len()), err(level = "debug"))]
pub async fn daily_of(
    db: impl PgExecutor<'_>,
    spans: &[(Symbol, NaiveDate, NaiveDate)],
) -> Result<Vec<Return>> {
    let (symbol, first, last) = by_column(spans);
    let returns = sqlx::query_as!(
        Return,
        r#"
        SELECT old.symbol, old.date, old.log_return
        FROM UNNEST($1::symbol[], $2::date[], $3::date[]) AS asked (ticker, first_date, last_date)
        JOIN daily_log_returns AS old
            ON old.symbol = asked.ticker AND old.date BETWEEN asked.first_date AND asked.last_date
        ORDER BY old.symbol, old.date
        "#,
        &symbol[..],
        &first[..],
        &last[..],
    )
    .fetch_all(db)
    .await?;
    Ok(returns)
}

/// The seven-bar returns of each span of days of a symbol; else as [`daily_of`].
#[tracing::instrument(name = "db.returns.seven_day_of", skip_all, fields(spans = spans.len()), err(level = "debug"))]
pub async fn seven_day_of(
    db: impl PgExecutor<'_>,
    spans: &[(Symbol, NaiveDate, NaiveDate)],
) -> Result<Vec<Return>> {
    let (symbol, first, last) = by_column(spans);
    let returns = sqlx::query_as!(
        Return,
        r#"
        SELECT old.symbol, old.date, old.log_return_7d AS log_return
        FROM UNNEST($1::symbol[], $2::date[], $3::date[]) AS asked (ticker, first_date, last_date)
        JOIN rolling_7day_log_returns AS old
            ON old.symbol = asked.ticker AND old.date BETWEEN asked.first_date AND asked.last_date
        ORDER BY old.symbol, old.date
        "#,
        &symbol[..],
        &first[..],
        &last[..],
    )
    .fetch_all(db)
    .await?;
    Ok(returns)
}

fn by_column(
    spans: &[(Symbol, NaiveDate, NaiveDate)],
) -> (Vec<Symbol>, Vec<NaiveDate>, Vec<NaiveDate>) {
    (
        spans.iter().map(|span| span.0).collect(),
        spans.iter().map(|span| span.1).collect(),
        spans.iter().map(|span| span.2).collect(),
    )
}

/// The days from `date` on of which any symbol has a seven-bar return, at most `limit` of them, in order.
#[tracing::instrument(name = "db.returns.dates_since", skip_all, fields(%date, limit), err(level = "debug"))]
pub async fn dates_since(
    db: impl PgExecutor<'_>,
    date: NaiveDate,
    limit: u32,
) -> Result<Vec<NaiveDate>> {
    // One index probe per day, where DISTINCT would read every row.
    let dates = sqlx::query_scalar!(
        r#"
        WITH RECURSIVE known AS (
            (
                SELECT date, 1::bigint AS place
                FROM rolling_7day_log_returns
                WHERE date BETWEEN $1 AND DATE '9999-12-31'
                ORDER BY date
                LIMIT 1
            )
            UNION ALL
            SELECT (
                SELECT later.date
                FROM rolling_7day_log_returns AS later
                WHERE later.date > known.date
                  AND later.date <= DATE '9999-12-31'
                ORDER BY later.date
                LIMIT 1
            ), known.place + 1
            FROM known
            WHERE known.date IS NOT NULL
              AND known.place < $2
        )
        SELECT date AS "date!"
        FROM known
        WHERE date IS NOT NULL
          AND place <= $2
        ORDER BY date
        "#,
        date,
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    Ok(dates)
}

/// The newest days before `date` of which any symbol has a seven-bar return, at most `limit` of them, in order.
#[tracing::instrument(name = "db.returns.dates_before", skip_all, fields(%date, limit), err(level = "debug"))]
pub async fn dates_before(
    db: impl PgExecutor<'_>,
    date: NaiveDate,
    limit: u32,
) -> Result<Vec<NaiveDate>> {
    let dates = sqlx::query_scalar!(
        r#"
        WITH RECURSIVE known AS (
            (
                SELECT date, 1::bigint AS place
                FROM rolling_7day_log_returns
                WHERE date < $1
                  AND date >= DATE '0001-01-01'
                ORDER BY date DESC
                LIMIT 1
            )
            UNION ALL
            SELECT (
                SELECT earlier.date
                FROM rolling_7day_log_returns AS earlier
                WHERE earlier.date < known.date
                  AND earlier.date >= DATE '0001-01-01'
                ORDER BY earlier.date DESC
                LIMIT 1
            ), known.place + 1
            FROM known
            WHERE known.date IS NOT NULL
              AND known.place < $2
        )
        SELECT date AS "date!"
        FROM known
        WHERE date IS NOT NULL
          AND place <= $2
        ORDER BY date
        "#,
        date,
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    Ok(dates)
}
