//! Daily bars: one trading day of one symbol (table `daily_bars`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`upsert`], [`upsert_many`] | 1 | primary key |
//! | [`import`] | 2, and 2 for each 10 000 bars | primary key |
//! | [`import_with`] | 2, and 4 for each 10 000 bars | primary key |
//! | [`delete`], [`delete_all`] | 1 | primary key |
//! | [`lock`] | 1 | – |
//! | [`latest`], [`last_n`], [`last_closes`], [`latest_date`], [`range`], [`range_lossy`] | 1 | primary key |
//! | [`symbols`], [`closes_around`] | 1 | primary key |
//! | [`dates`], [`with_invalid_dates`] | 1 | `daily_bars_date_idx` |

mod closes;
mod import;

pub use closes::{Close, closes_around, dates, with_invalid_dates};
pub use import::{Change, Missing, import, import_with, lock};

use std::collections::BTreeSet;

use checked_pg::time::bounded_date;
use chrono::NaiveDate;
use futures_util::{Stream, TryStreamExt};
use sqlx::PgExecutor;

use super::{
    Upserted,
    batch::{Pair, columns, sorted},
};
use crate::{
    error::{Error, Result},
    types::{Invalid, Price, Symbol},
};

/// One trading day of one symbol. A value the source did not have is `None`; zero is a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Bar {
    /// Ticker.
    pub symbol: Symbol,
    /// Trading day at the exchange.
    pub date: NaiveDate,
    /// First price of the day, in US dollars.
    pub open: Option<Price>,
    /// Highest price.
    pub high: Option<Price>,
    /// Lowest price.
    pub low: Option<Price>,
    /// Last price.
    pub close: Option<Price>,
    /// Shares traded.
    pub volume: Option<i64>,
}

impl Bar {
    /// Whether the day's first and last price lie between its lowest and its highest: otherwise columns are shifted or the source is
    /// broken. The database itself asks only that `high` is not below `low`; files are asked for more.
    ///
    /// # Errors
    /// [`Invalid`] names the price that does not.
    pub fn check(&self) -> Result<(), Invalid> {
        let below = |a: Option<Price>, b: Option<Price>| a.zip(b).is_some_and(|(a, b)| a < b);
        let wrong = |field, why| Err(Invalid::new(field, why));
        if below(self.high, self.low) {
            return wrong("high", "is below low");
        }
        for (field, price) in [("open", self.open), ("close", self.close)] {
            if below(self.high, price) {
                return wrong(field, "is above high");
            }
            if below(price, self.low) {
                return wrong(field, "is below low");
            }
        }
        Ok(())
    }
}

/// A bar as the database writes it.
struct Written {
    symbol: Symbol,
    date: NaiveDate,
    open: Option<String>,
    high: Option<String>,
    low: Option<String>,
    close: Option<String>,
    volume: Option<i64>,
}

impl From<Written> for Bar {
    /// As far as its values can be read.
    fn from(bar: Written) -> Self {
        let price = |text: Option<String>| text?.parse().ok();
        Self {
            symbol: bar.symbol,
            date: bar.date,
            open: price(bar.open),
            high: price(bar.high),
            low: price(bar.low),
            close: price(bar.close),
            volume: bar.volume,
        }
    }
}

/// Stores a bar, or replaces the one of that symbol and day.
///
/// # Errors
/// [`Error::Conflict`] if `high` is below `low` or the volume is negative.
pub async fn upsert(db: impl PgExecutor<'_>, bar: &Bar) -> Result<Upserted> {
    upsert_many(db, std::slice::from_ref(bar)).await
}

/// Stores bars, or replaces those of the same symbol and day: one statement, all or nothing. Bars that are there with the
/// same values are not rewritten.
///
/// # Errors
/// [`Error::Invalid`] lists a symbol and day given twice; [`Error::Conflict`] if a `high` is below its `low`.
#[tracing::instrument(name = "db.bars.upsert_many", skip_all, fields(rows = bars.len()), err(level = "debug"))]
pub async fn upsert_many(db: impl PgExecutor<'_>, bars: &[Bar]) -> Result<Upserted> {
    if bars.is_empty() {
        return Ok(Upserted::default());
    }
    let rows = sorted("bars", bars, |bar| Pair(bar.symbol, bar.date))?;
    columns!(rows => symbol, date, open, high, low, close, volume);
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO daily_bars AS bar (symbol, date, open, high, low, close, volume)
            SELECT *
            FROM UNNEST(
                $1::symbol[], $2::date[], $3::price[], $4::price[], $5::price[], $6::price[], $7::volume[]
            )
            ON CONFLICT (symbol, date) DO UPDATE
            SET open = EXCLUDED.open,
                high = EXCLUDED.high,
                low = EXCLUDED.low,
                close = EXCLUDED.close,
                volume = EXCLUDED.volume,
                updated_at = DEFAULT
            WHERE (bar.open, bar.high, bar.low, bar.close, bar.volume)
                IS DISTINCT FROM (EXCLUDED.open, EXCLUDED.high, EXCLUDED.low, EXCLUDED.close, EXCLUDED.volume)
            -- A row that this statement inserted has no deleting transaction yet.
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        &symbol[..],
        &date[..],
        &open[..],
        &high[..],
        &low[..],
        &close[..],
        &volume[..],
    )
    .fetch_one(db)
    .await?;
    Upserted::of(bars.len(), counts.inserted, counts.updated)
}

/// Removes the bars of a symbol from one day to another, both included, and says how many there were. The metrics job removes what was
/// calculated from them.
#[tracing::instrument(name = "db.bars.delete", skip_all, fields(%symbol, %from, %to), err(level = "debug"))]
pub async fn delete(
    db: impl PgExecutor<'_>,
    symbol: Symbol,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<u64> {
    let deleted = sqlx::query!(
        "DELETE FROM daily_bars WHERE symbol = $1::symbol AND date BETWEEN $2 AND $3",
        symbol,
        bounded_date(from),
        bounded_date(to),
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Removes all bars of a symbol, also those [with invalid dates](with_invalid_dates); else as [`delete`].
#[tracing::instrument(name = "db.bars.delete_all", skip_all, fields(%symbol), err(level = "debug"))]
pub async fn delete_all(db: impl PgExecutor<'_>, symbol: Symbol) -> Result<u64> {
    let deleted = sqlx::query!("DELETE FROM daily_bars WHERE symbol = $1::symbol", symbol)
        .execute(db)
        .await?;
    Ok(deleted.rows_affected())
}

/// The newest bar of each of the symbols that has one, by symbol.
pub async fn latest(db: impl PgExecutor<'_>, symbols: &[Symbol]) -> Result<Vec<Bar>> {
    last_n(db, symbols, 1, NaiveDate::MAX).await
}

/// The newest `n` bars of each symbol on or before `until`, by symbol, then by date, oldest first: one statement for any
/// number of symbols.
#[tracing::instrument(name = "db.bars.last_n", skip_all, fields(symbols = symbols.len(), n), err(level = "debug"))]
pub async fn last_n(
    db: impl PgExecutor<'_>,
    symbols: &[Symbol],
    n: u32,
    until: NaiveDate,
) -> Result<Vec<Bar>> {
    let asked: BTreeSet<Symbol> = symbols.iter().copied().collect();
    let asked: Vec<Symbol> = asked.into_iter().collect();
    let mut bars = sqlx::query_as!(
        Bar,
        r#"
        SELECT bar.symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume
        FROM UNNEST($1::symbol[]) AS asked (ticker)
        CROSS JOIN LATERAL (
            SELECT symbol, date, open, high, low, close, volume
            FROM daily_bars
            WHERE daily_bars.symbol = asked.ticker
              AND daily_bars.date <= LEAST($3::date, DATE '9999-12-31')
            ORDER BY daily_bars.date DESC
            LIMIT $2
        ) AS bar
        "#,
        &asked[..],
        i64::from(n),
        bounded_date(until),
    )
    .fetch_all(db)
    .await?;
    // Cheaper here than in the server: they come in runs, each from new to old.
    bars.sort_by_key(|bar| (bar.symbol, bar.date));
    Ok(bars)
}

/// The newest bars of each symbol on or before `until`, as many as hold `n` bars and `closes` closes: by symbol, then by date,
/// oldest first. One statement for any number of symbols.
#[tracing::instrument(name = "db.bars.last_closes", skip_all, fields(symbols = symbols.len(), n, closes), err(level = "debug"))]
pub async fn last_closes(
    db: impl PgExecutor<'_>,
    symbols: &[Symbol],
    n: u32,
    closes: u32,
    until: NaiveDate,
) -> Result<Vec<Bar>> {
    let asked: BTreeSet<Symbol> = symbols.iter().copied().collect();
    let asked: Vec<Symbol> = asked.into_iter().collect();
    let bars = sqlx::query_as!(
        Bar,
        r#"
        SELECT bar.symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume
        FROM UNNEST($1::symbol[]) AS asked (ticker)
        CROSS JOIN LATERAL (
            SELECT min(date) AS begins
            FROM (
                (
                    SELECT date
                    FROM daily_bars
                    WHERE daily_bars.symbol = asked.ticker
                      AND daily_bars.date <= $4
                    ORDER BY daily_bars.date DESC
                    LIMIT $2
                )
                UNION ALL
                (
                    SELECT date
                    FROM daily_bars
                    WHERE daily_bars.symbol = asked.ticker
                      AND daily_bars.date <= $4
                      AND daily_bars.close IS NOT NULL
                    ORDER BY daily_bars.date DESC
                    LIMIT $3
                )
            ) AS newest
        ) AS span
        JOIN daily_bars AS bar
            ON bar.symbol = asked.ticker
            AND bar.date BETWEEN span.begins AND LEAST($4::date, DATE '9999-12-31')
        ORDER BY bar.symbol, bar.date
        "#,
        &asked[..],
        i64::from(n),
        i64::from(closes),
        bounded_date(until),
    )
    .fetch_all(db)
    .await?;
    Ok(bars)
}

/// The day of the newest bar of a symbol.
#[tracing::instrument(name = "db.bars.latest_date", skip_all, fields(%symbol), err(level = "debug"))]
pub async fn latest_date(db: impl PgExecutor<'_>, symbol: Symbol) -> Result<Option<NaiveDate>> {
    let date = sqlx::query_scalar!(
        "SELECT max(date) FROM daily_bars WHERE symbol = $1::symbol",
        symbol
    )
    .fetch_one(db)
    .await?;
    Ok(date)
}

/// The bars of a symbol from one day to another, both included, as a stream ordered by date. From `NaiveDate::MIN` to
/// `NaiveDate::MAX` is all of them.
///
/// Dropping the stream early costs the connection at most a short drain; the memory in use is that of one row.
pub fn range<'e>(
    db: impl PgExecutor<'e> + 'e,
    symbol: Symbol,
    from: NaiveDate,
    to: NaiveDate,
) -> impl Stream<Item = Result<Bar>> + Send + 'e {
    sqlx::query_as!(
        Bar,
        r#"
        SELECT symbol, date, open, high, low, close, volume
        FROM daily_bars
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

/// As [`range`], but a value that cannot be read is `None`: for a list of what is about to be removed, say.
pub fn range_lossy<'e>(
    db: impl PgExecutor<'e> + 'e,
    symbol: Symbol,
    from: NaiveDate,
    to: NaiveDate,
) -> impl Stream<Item = Result<Bar>> + Send + 'e {
    sqlx::query_as!(
        Written,
        r#"
        SELECT symbol, date, open::text AS open, high::text AS high, low::text AS low, close::text AS close, volume
        FROM daily_bars
        WHERE symbol = $1::symbol
          AND date BETWEEN $2 AND $3
        ORDER BY date
        "#,
        symbol,
        bounded_date(from),
        bounded_date(to),
    )
    .fetch(db)
    .map_ok(Bar::from)
    .map_err(Error::from)
}

/// The symbols that have bars, in order.
#[tracing::instrument(name = "db.bars.symbols", skip_all, err(level = "debug"))]
pub async fn symbols(db: impl PgExecutor<'_>) -> Result<Vec<Symbol>> {
    // One index probe per symbol, where DISTINCT would read every row.
    let symbols = sqlx::query_scalar!(
        r#"
        WITH RECURSIVE known AS (
            (SELECT symbol FROM daily_bars ORDER BY symbol LIMIT 1)
            UNION ALL
            SELECT (
                SELECT bar.symbol
                FROM daily_bars AS bar
                WHERE bar.symbol > known.symbol
                ORDER BY bar.symbol
                LIMIT 1
            )
            FROM known
            WHERE known.symbol IS NOT NULL
        )
        SELECT symbol AS "symbol!: Symbol"
        FROM known
        WHERE symbol IS NOT NULL
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(symbols)
}
