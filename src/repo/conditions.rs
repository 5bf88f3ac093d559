//! Market conditions: how accounts did in the weeks of a condition (table `market_condition_performance`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`upsert_many`] | 1 | `market_condition_performance_key` |
//! | [`of_condition`] | 1 | `market_condition_performance_condition_idx` |

use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::{
    Upserted,
    batch::{Pair, columns, one_lookback, sorted},
};
use crate::{
    error::Result,
    types::{
        Account, ConditionPerformanceId, ConditionType, ConditionValue, Timestamp, Weeks, exact,
    },
};

/// How an account did in the weeks of a market condition.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ConditionPerformance {
    /// Dimension, such as volatility.
    pub condition_type: ConditionType,
    /// Value in that dimension, such as high.
    pub condition_value: ConditionValue,
    /// Account measured.
    pub account: Account,
    /// Weeks of the account in the condition.
    pub weeks_in_condition: i32,
    /// Mean weekly return as a fraction.
    #[serde(with = "exact::option")]
    pub avg_return: Option<Decimal>,
    /// Sharpe ratio of those weeks.
    #[serde(with = "exact::option")]
    pub avg_sharpe: Option<Decimal>,
    /// Share of those weeks with a positive return.
    #[serde(with = "exact::option")]
    pub win_rate: Option<Decimal>,
    /// Number of weeks looked back; `None` for all time.
    pub weeks_lookback: Option<Weeks>,
    /// Instant the row is of.
    pub calculated_at: Timestamp,
}

/// Stores rows, or replaces those of the same condition, account and lookback: one statement, all or nothing. Rows that are
/// there already, of the same instant, are not rewritten.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) lists the keys given twice or says that the rows are of different
/// lookbacks.
#[tracing::instrument(name = "db.conditions.upsert_many", skip_all, fields(rows = performances.len()), err(level = "debug"))]
pub async fn upsert_many(
    db: impl PgExecutor<'_>,
    performances: &[ConditionPerformance],
) -> Result<Upserted> {
    let Some(first) = performances.first() else {
        return Ok(Upserted::default());
    };
    let lookback = first.weeks_lookback;
    one_lookback(performances.iter().map(|row| row.weeks_lookback))?;
    let rows = sorted("performances", performances, |row| {
        Pair(row.account, Pair(&row.condition_type, &row.condition_value))
    })?;
    let id: Vec<_> = rows
        .iter()
        .map(|row| ConditionPerformanceId::generate(row.calculated_at))
        .collect();
    columns!(rows =>
        condition_type, condition_value, account, weeks_in_condition, avg_return, avg_sharpe, win_rate, calculated_at
    );
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO market_condition_performance AS old (
                id, condition_type, condition_value, account, weeks_in_condition, avg_return, avg_sharpe, win_rate,
                weeks_lookback, calculated_at
            )
            SELECT new.id, new.condition_type, new.condition_value, new.account, new.weeks_in_condition,
                   new.avg_return, new.avg_sharpe, new.win_rate, $1::weeks, new.calculated_at
            FROM UNNEST(
                $2::condition_performance_id[], $3::condition_type[], $4::condition_value[], $5::account[],
                $6::integer[], $7::ratio[], $8::ratio[], $9::share[], $10::timestamptz[]
            ) AS new (
                id, condition_type, condition_value, account, weeks_in_condition, avg_return, avg_sharpe, win_rate,
                calculated_at
            )
            ON CONFLICT (account, condition_type, condition_value, weeks_lookback) DO UPDATE
            SET weeks_in_condition = EXCLUDED.weeks_in_condition,
                avg_return = EXCLUDED.avg_return,
                avg_sharpe = EXCLUDED.avg_sharpe,
                win_rate = EXCLUDED.win_rate,
                calculated_at = EXCLUDED.calculated_at,
                updated_at = DEFAULT
            WHERE (old.weeks_in_condition, old.avg_return, old.avg_sharpe, old.win_rate, old.calculated_at)
                IS DISTINCT FROM (
                    EXCLUDED.weeks_in_condition, EXCLUDED.avg_return, EXCLUDED.avg_sharpe, EXCLUDED.win_rate,
                    EXCLUDED.calculated_at
                )
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        lookback,
        &id[..],
        &condition_type[..],
        &condition_value[..],
        &account[..],
        &weeks_in_condition[..],
        &avg_return[..],
        &avg_sharpe[..],
        &win_rate[..],
        &calculated_at[..],
    )
    .fetch_one(db)
    .await?;
    Upserted::of(performances.len(), counts.inserted, counts.updated)
}

/// The accounts in a market condition over `lookback` weeks or of all time, best mean return first.
#[tracing::instrument(name = "db.conditions.of_condition", skip_all, fields(condition_type = %kind), err(level = "debug"))]
pub async fn of_condition(
    db: impl PgExecutor<'_>,
    kind: &ConditionType,
    value: &ConditionValue,
    lookback: Option<Weeks>,
) -> Result<Vec<ConditionPerformance>> {
    let performances = sqlx::query_as!(
        ConditionPerformance,
        r#"
        SELECT condition_type, condition_value, account, weeks_in_condition, avg_return, avg_sharpe, win_rate,
               weeks_lookback, calculated_at
        FROM market_condition_performance
        WHERE condition_type = $1::condition_type
          AND condition_value = $2::condition_value
          AND weeks_lookback IS NOT DISTINCT FROM $3::weeks
        ORDER BY avg_return DESC NULLS LAST, account
        "#,
        kind,
        value,
        lookback,
    )
    .fetch_all(db)
    .await?;
    Ok(performances)
}
