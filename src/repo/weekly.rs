//! Weekly performance: the trade of an account in a week and its result (table `weekly_performance`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`upsert_many`], [`withdraw`], [`of_account`] | 1 | primary key |
//! | [`of_week`] | 1 | `weekly_performance_week_idx` |

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::{
    Upserted,
    batch::{Pair, columns, sorted},
};
use crate::{
    error::Result,
    types::{Account, Conviction, Direction, Instrument, Price, Timestamp, WeekId, exact},
};

/// What a trade of a week made, as the performance job knows it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct WeeklyResult {
    /// Account.
    pub account: Account,
    /// Week.
    pub week_id: WeekId,
    /// Return as a fraction: 0.01 is one per cent; zero while the position is open.
    #[serde(with = "exact::option")]
    pub weekly_return: Option<Decimal>,
    /// What was traded, where the events tell.
    pub instrument: Option<Instrument>,
    /// Side of the trade.
    pub direction: Option<Direction>,
    /// Conviction at the entry.
    pub entry_conviction: Option<Conviction>,
    /// Price at the entry, in US dollars.
    pub entry_price: Option<Price>,
    /// Price at the exit; `None` while the position is open.
    pub exit_price: Option<Price>,
    /// Instant the row is of.
    pub calculated_at: Timestamp,
}

/// The week of an account as stored, with what other writers know about it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct WeeklyPerformance {
    /// Account.
    pub account: Account,
    /// Week.
    pub week_id: WeekId,
    /// First day of the week, the Wednesday.
    pub week_start: NaiveDate,
    /// Last day of the week, the Tuesday.
    pub week_end: NaiveDate,
    /// Return as a fraction.
    #[serde(with = "exact::option")]
    pub weekly_return: Option<Decimal>,
    /// Annualised standard deviation of daily returns within the week.
    #[serde(with = "exact::option")]
    pub weekly_volatility: Option<Decimal>,
    /// What was traded.
    pub instrument: Option<Instrument>,
    /// Side of the trade.
    pub direction: Option<Direction>,
    /// Conviction at the entry.
    pub entry_conviction: Option<Conviction>,
    /// Conviction at the exit.
    pub exit_conviction: Option<Conviction>,
    /// Price at the entry, in US dollars.
    pub entry_price: Option<Price>,
    /// Price at the exit.
    pub exit_price: Option<Price>,
    /// Shares; negative for a short position.
    pub position_size: Option<i32>,
    /// Profit or loss before fees, in US dollars.
    #[serde(with = "exact::option")]
    pub realized_pnl: Option<Decimal>,
    /// Fees, in US dollars.
    #[serde(with = "exact::option")]
    pub fees: Option<Decimal>,
    /// Profit or loss after fees, in US dollars.
    #[serde(with = "exact::option")]
    pub net_pnl: Option<Decimal>,
    /// Why the position was opened.
    pub entry_reason: Option<String>,
    /// Why the position was closed.
    pub exit_reason: Option<String>,
    /// True if the position was closed outside the plan.
    pub panic_exit: bool,
    /// Market condition of the week.
    pub market_regime: Option<String>,
    /// Instant the row is of.
    pub calculated_at: Timestamp,
}

/// Stores results, or updates those of the same account and week; what other writers know about the week (fees, reasons,
/// regime) stays. One statement, all or nothing. Results that are there already, of the same instant, are not rewritten.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) lists an account and week given twice.
#[tracing::instrument(name = "db.weekly.upsert_many", skip_all, fields(rows = results.len()), err(level = "debug"))]
pub async fn upsert_many(db: impl PgExecutor<'_>, results: &[WeeklyResult]) -> Result<Upserted> {
    if results.is_empty() {
        return Ok(Upserted::default());
    }
    let rows = sorted("results", results, |row| Pair(row.account, row.week_id))?;
    let week_start: Vec<NaiveDate> = rows.iter().map(|row| row.week_id.start()).collect();
    let week_end: Vec<NaiveDate> = rows.iter().map(|row| row.week_id.end()).collect();
    columns!(rows =>
        account, week_id, weekly_return, instrument, direction, entry_conviction, entry_price, exit_price, calculated_at
    );
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO weekly_performance AS old (
                account, week_id, week_start, week_end, weekly_return, instrument, direction, entry_conviction,
                entry_price, exit_price, calculated_at
            )
            SELECT *
            FROM UNNEST(
                $1::account[], $2::week_id[], $3::date[], $4::date[], $5::ratio[], $6::instrument[], $7::direction[],
                $8::conviction[], $9::price[], $10::price[], $11::timestamptz[]
            )
            ON CONFLICT (account, week_id) DO UPDATE
            -- The days follow from the week.
            SET week_start = old.week_start,
                week_end = old.week_end,
                weekly_return = EXCLUDED.weekly_return,
                instrument = COALESCE(EXCLUDED.instrument, old.instrument),
                direction = EXCLUDED.direction,
                entry_conviction = EXCLUDED.entry_conviction,
                entry_price = EXCLUDED.entry_price,
                exit_price = EXCLUDED.exit_price,
                calculated_at = EXCLUDED.calculated_at,
                updated_at = DEFAULT
            WHERE (
                old.weekly_return, old.instrument, old.direction, old.entry_conviction, old.entry_price, old.exit_price,
                old.calculated_at
            ) IS DISTINCT FROM (
                EXCLUDED.weekly_return, COALESCE(EXCLUDED.instrument, old.instrument), EXCLUDED.direction,
                EXCLUDED.entry_conviction, EXCLUDED.entry_price, EXCLUDED.exit_price, EXCLUDED.calculated_at
            )
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        &account[..],
        &week_id[..],
        &week_start[..],
        &week_end[..],
        &weekly_return[..],
        &instrument[..],
        &direction[..],
        &entry_conviction[..],
        &entry_price[..],
        &exit_price[..],
        &calculated_at[..],
    )
    .fetch_one(db)
    .await?;
    Upserted::of(results.len(), counts.inserted, counts.updated)
}

/// Empties the results of weeks whose trade no longer counts, and says how many had one; what other writers know about the week
/// stays.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) lists an account and week given twice.
#[tracing::instrument(name = "db.weekly.withdraw", skip_all, fields(rows = weeks.len()), err(level = "debug"))]
pub async fn withdraw(
    db: impl PgExecutor<'_>,
    weeks: &[(Account, WeekId)],
    calculated_at: Timestamp,
) -> Result<u64> {
    if weeks.is_empty() {
        return Ok(0);
    }
    let rows = sorted("weeks", weeks, |(account, week)| Pair(*account, *week))?;
    let (accounts, weeks): (Vec<_>, Vec<_>) = rows.into_iter().copied().unzip();
    let withdrawn = sqlx::query!(
        r#"
        UPDATE weekly_performance AS old
        SET weekly_return = NULL,
            direction = NULL,
            entry_conviction = NULL,
            entry_price = NULL,
            exit_price = NULL,
            calculated_at = $3,
            updated_at = DEFAULT
        FROM UNNEST($1::account[], $2::week_id[]) AS gone (account, week_id)
        WHERE old.account = gone.account
          AND old.week_id = gone.week_id
          AND old.weekly_return IS NOT NULL
        "#,
        &accounts[..],
        &weeks[..],
        calculated_at,
    )
    .execute(db)
    .await?;
    Ok(withdrawn.rows_affected())
}

/// The newest weeks of an account, newest first.
#[tracing::instrument(name = "db.weekly.of_account", skip_all, fields(%account), err(level = "debug"))]
pub async fn of_account(
    db: impl PgExecutor<'_>,
    account: Account,
    limit: u32,
) -> Result<Vec<WeeklyPerformance>> {
    let weeks = sqlx::query_as!(
        WeeklyPerformance,
        r#"
        SELECT account, week_id, week_start, week_end, weekly_return, weekly_volatility, instrument, direction,
               entry_conviction, exit_conviction, entry_price, exit_price, position_size, realized_pnl, fees, net_pnl,
               entry_reason, exit_reason, panic_exit, market_regime, calculated_at
        FROM weekly_performance
        WHERE account = $1::account
        ORDER BY week_id DESC
        LIMIT $2
        "#,
        account,
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    Ok(weeks)
}

/// All accounts in a week, by account.
#[tracing::instrument(name = "db.weekly.of_week", skip_all, fields(%week), err(level = "debug"))]
pub async fn of_week(db: impl PgExecutor<'_>, week: WeekId) -> Result<Vec<WeeklyPerformance>> {
    let weeks = sqlx::query_as!(
        WeeklyPerformance,
        r#"
        SELECT account, week_id, week_start, week_end, weekly_return, weekly_volatility, instrument, direction,
               entry_conviction, exit_conviction, entry_price, exit_price, position_size, realized_pnl, fees, net_pnl,
               entry_reason, exit_reason, panic_exit, market_regime, calculated_at
        FROM weekly_performance
        WHERE week_id = $1::week_id
        ORDER BY account
        "#,
        week,
    )
    .fetch_all(db)
    .await?;
    Ok(weeks)
}
