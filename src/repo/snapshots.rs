//! Hourly snapshots: the price of a symbol during a trading day (table `hourly_snapshots`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`upsert`], [`upsert_many`] | 1 | primary key |
//! | [`latest`], [`range`] | 1 | primary key |

use checked_pg::time::{bounded_date, bounded_instant};
use chrono::NaiveDate;
use futures_util::{Stream, TryStreamExt};
use sqlx::PgExecutor;

use super::{
    Upserted,
    batch::{Pair, columns, sorted},
};
use crate::{
    error::{Error, Result},
    types::{Price, Symbol, Timestamp},
};

/// The price of a symbol at an instant of a trading day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Snapshot {
    /// Ticker.
    pub symbol: Symbol,
    /// Instant the price was taken.
    pub timestamp: Timestamp,
    /// Trading day at the exchange.
    pub date: NaiveDate,
    /// Hour of that day at the exchange, 0 to 23.
    pub hour: i32,
    /// Last price, in US dollars; `None` if the source had none.
    pub price: Option<Price>,
    /// Shares traded in the hour.
    pub volume: Option<i64>,
}

/// Stores a snapshot, or replaces the one of that symbol and instant.
///
/// # Errors
/// [`Error::Conflict`] if the hour is not 0 to 23 or the volume is negative.
pub async fn upsert(db: impl PgExecutor<'_>, snapshot: &Snapshot) -> Result<Upserted> {
    upsert_many(db, std::slice::from_ref(snapshot)).await
}

/// Stores snapshots, or replaces those of the same symbol and instant: one statement, all or nothing.
///
/// # Errors
/// [`Error::Invalid`] lists a symbol and instant given twice; else as [`upsert`].
#[tracing::instrument(name = "db.snapshots.upsert_many", skip_all, fields(rows = snapshots.len()), err(level = "debug"))]
pub async fn upsert_many(db: impl PgExecutor<'_>, snapshots: &[Snapshot]) -> Result<Upserted> {
    if snapshots.is_empty() {
        return Ok(Upserted::default());
    }
    let rows = sorted("snapshots", snapshots, |row| {
        Pair(row.symbol, row.timestamp)
    })?;
    columns!(rows => symbol, timestamp, date, hour, price, volume);
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO hourly_snapshots AS old (symbol, timestamp, date, hour, price, volume)
            SELECT *
            FROM UNNEST($1::symbol[], $2::timestamptz[], $3::date[], $4::integer[], $5::price[], $6::volume[])
            ON CONFLICT (symbol, timestamp) DO UPDATE
            SET date = EXCLUDED.date,
                hour = EXCLUDED.hour,
                price = EXCLUDED.price,
                volume = EXCLUDED.volume
            WHERE (old.date, old.hour, old.price, old.volume)
                IS DISTINCT FROM (EXCLUDED.date, EXCLUDED.hour, EXCLUDED.price, EXCLUDED.volume)
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        &symbol[..],
        &timestamp[..],
        &date[..],
        &hour[..],
        &price[..],
        &volume[..],
    )
    .fetch_one(db)
    .await?;
    Upserted::of(snapshots.len(), counts.inserted, counts.updated)
}

/// The newest snapshot with a price of each of the symbols that has one, of a trading day up to `until` and, on that day, of
/// an hour up to `hour`; by symbol.
#[tracing::instrument(name = "db.snapshots.latest", skip_all, fields(symbols = symbols.len(), %until, hour), err(level = "debug"))]
pub async fn latest(
    db: impl PgExecutor<'_>,
    symbols: &[Symbol],
    until: NaiveDate,
    hour: i32,
) -> Result<Vec<Snapshot>> {
    let snapshots = sqlx::query_as!(
        Snapshot,
        r#"
        SELECT newest.symbol, newest.timestamp, newest.date, newest.hour, newest.price, newest.volume
        FROM (SELECT DISTINCT symbol FROM UNNEST($1::symbol[]) AS asked (symbol)) AS asked
        CROSS JOIN LATERAL (
            SELECT symbol, timestamp, date, hour, price, volume
            FROM hourly_snapshots
            WHERE hourly_snapshots.symbol = asked.symbol
              AND (hourly_snapshots.date, hourly_snapshots.hour) <= ($2, $3)
              AND hourly_snapshots.price IS NOT NULL
            ORDER BY hourly_snapshots.timestamp DESC
            LIMIT 1
        ) AS newest
        ORDER BY newest.symbol
        "#,
        symbols,
        bounded_date(until),
        hour,
    )
    .fetch_all(db)
    .await?;
    Ok(snapshots)
}

/// The snapshots of a symbol from one instant to another, both included, as a stream ordered by time; else as
/// [`bars::range`](crate::repo::bars::range).
pub fn range<'e>(
    db: impl PgExecutor<'e> + 'e,
    symbol: Symbol,
    from: Timestamp,
    to: Timestamp,
) -> impl Stream<Item = Result<Snapshot>> + Send + 'e {
    sqlx::query_as!(
        Snapshot,
        r#"
        SELECT symbol, timestamp, date, hour, price, volume
        FROM hourly_snapshots
        WHERE symbol = $1::symbol
          AND timestamp BETWEEN $2 AND $3
        ORDER BY timestamp
        "#,
        symbol,
        bounded_instant(from),
        bounded_instant(to),
    )
    .fetch(db)
    .map_err(Error::from)
}
