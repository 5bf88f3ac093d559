//! What the metrics job still has to do (tables `returns_pending`, `correlations_pending` and `correlation_window`).
//!
//! Triggers on `daily_bars` note which closes changed, whoever changed them, in the same transaction. The job deletes what it has
//! done in the transaction that does it, so that it can stop at any time and go on later.
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`returns`], [`correlations`], [`window`] | 1 | whole table, which is short |
//! | [`note_all_returns`], [`note_correlations`], [`set_window`] | 1 | – |
//! | [`finish_returns`], [`finish_correlations`], [`finish_correlations_until`] | 1 | primary key |

use chrono::NaiveDate;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{error::Result, types::Symbol};

/// Days of a symbol on which a close changed, came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Returns {
    /// Made by the database.
    pub id: Uuid,
    /// Ticker.
    pub symbol: Symbol,
    /// First such day.
    pub first_date: NaiveDate,
    /// Last such day.
    pub last_date: NaiveDate,
}

/// Days on which a seven-day return changed, came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Correlations {
    /// Made by the database.
    pub id: Uuid,
    /// First day whose correlations are not calculated yet; behind `last_date` if only the windows that reach further are left.
    pub first_date: NaiveDate,
    /// Last such day; the windows that hold it reach further.
    pub last_date: NaiveDate,
}

/// The closes that changed, by symbol, then by date; at most `limit` entries, and none of `without`.
#[tracing::instrument(name = "db.pending.returns", skip_all, err(level = "debug"))]
pub async fn returns(
    db: impl PgExecutor<'_>,
    limit: u32,
    without: &[Uuid],
) -> Result<Vec<Returns>> {
    let pending = sqlx::query_as!(
        Returns,
        r#"
        SELECT id, symbol, first_date, last_date
        FROM returns_pending
        WHERE id <> ALL($2::uuid[])
        ORDER BY symbol, first_date, last_date
        LIMIT $1
        "#,
        i64::from(limit),
        without,
    )
    .fetch_all(db)
    .await?;
    Ok(pending)
}

/// Notes the whole history of every symbol that has bars or returns, as far as it is of days.
#[tracing::instrument(name = "db.pending.note_all_returns", skip_all, err(level = "debug"))]
pub async fn note_all_returns(db: impl PgExecutor<'_>) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO returns_pending (symbol, first_date, last_date)
        SELECT known.symbol, min(known.date), max(known.date)
        FROM (
            SELECT symbol, date FROM daily_bars
            UNION ALL
            SELECT symbol, date FROM daily_log_returns
            UNION ALL
            SELECT symbol, date FROM rolling_7day_log_returns
        ) AS known
        WHERE known.date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
        GROUP BY known.symbol
        "#,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes entries whose returns are calculated.
#[tracing::instrument(name = "db.pending.finish_returns", skip_all, fields(rows = ids.len()), err(level = "debug"))]
pub async fn finish_returns(db: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "DELETE FROM returns_pending WHERE id = ANY($1::uuid[])",
        ids
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The dates of changed returns, by date.
#[tracing::instrument(name = "db.pending.correlations", skip_all, err(level = "debug"))]
pub async fn correlations(db: impl PgExecutor<'_>) -> Result<Vec<Correlations>> {
    let pending = sqlx::query_as!(
        Correlations,
        r#"
        SELECT id, first_date, last_date
        FROM correlations_pending
        ORDER BY first_date, last_date, id
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(pending)
}

/// Notes dates of changed returns, from the first to the last of each pair.
#[tracing::instrument(name = "db.pending.note_correlations", skip_all, fields(rows = spans.len()), err(level = "debug"))]
pub async fn note_correlations(
    db: impl PgExecutor<'_>,
    spans: &[(NaiveDate, NaiveDate)],
) -> Result<()> {
    if spans.is_empty() {
        return Ok(());
    }
    let (first, last): (Vec<NaiveDate>, Vec<NaiveDate>) = spans.iter().copied().unzip();
    sqlx::query!(
        r#"
        INSERT INTO correlations_pending (first_date, last_date)
        SELECT * FROM UNNEST($1::date[], $2::date[])
        "#,
        &first[..],
        &last[..],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Moves the beginning of entries: what is before it is calculated.
#[tracing::instrument(name = "db.pending.finish_correlations_until", skip_all, fields(rows = ids.len()), err(level = "debug"))]
pub async fn finish_correlations_until(
    db: impl PgExecutor<'_>,
    ids: &[Uuid],
    first_date: NaiveDate,
) -> Result<()> {
    sqlx::query!(
        "UPDATE correlations_pending SET first_date = $2 WHERE id = ANY($1::uuid[])",
        ids,
        first_date,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes entries whose correlations are calculated.
#[tracing::instrument(name = "db.pending.finish_correlations", skip_all, fields(rows = ids.len()), err(level = "debug"))]
pub async fn finish_correlations(db: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "DELETE FROM correlations_pending WHERE id = ANY($1::uuid[])",
        ids
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The window that the stored correlations have, or are about to have.
#[tracing::instrument(name = "db.pending.window", skip_all, err(level = "debug"))]
pub async fn window(db: impl PgExecutor<'_>) -> Result<Option<i32>> {
    let window = sqlx::query_scalar!("SELECT window_rows FROM correlation_window")
        .fetch_optional(db)
        .await?;
    Ok(window)
}

/// Sets that window.
#[tracing::instrument(
    name = "db.pending.set_window",
    skip_all,
    fields(window_rows),
    err(level = "debug")
)]
pub async fn set_window(db: impl PgExecutor<'_>, window_rows: i32) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO correlation_window (window_rows)
        VALUES ($1)
        ON CONFLICT (only_row) DO UPDATE SET window_rows = EXCLUDED.window_rows
        "#,
        window_rows,
    )
    .execute(db)
    .await?;
    Ok(())
}
