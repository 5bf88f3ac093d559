//! Account performance: statistics of each account over its latest weeks or over all (table `account_performance`), and what the
//! job could not believe (table `performance_problems`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`upsert_many`], [`get`] | 1 | `account_performance_account_lookback_key` |
//! | [`leaderboard`], [`leaderboard_by`] | 1 | `account_performance_lookback_idx` |
//! | [`council_vs_individuals`] | 1 | `account_performance_lookback_idx` |
//! | [`replace_problems`] | 2 | `performance_problems_lookback_idx` |
//! | [`problems`] | 1 | `performance_problems_lookback_idx` |

use rust_decimal::Decimal;
use sqlx::PgExecutor;
use sqlx_conditional_queries::conditional_query_as;

use super::{
    Upserted,
    batch::{all_storable, columns, one_lookback, sorted},
};
use crate::{
    db::Tx,
    error::{Error, Result},
    types::{
        Account, Conviction, EventId, PerformanceId, ProblemId, Timestamp, WeekId, Weeks, exact,
    },
};

/// The statistics of an account. Returns are fractions: 0.01 is one per cent. A ratio that is not defined is `None`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Performance {
    /// Account measured.
    pub account: Account,
    /// Number of weeks looked back; `None` for all time.
    pub weeks_lookback: Option<Weeks>,
    /// Compounded return.
    #[serde(with = "exact")]
    pub total_return: Decimal,
    /// Annualised excess return by volatility.
    #[serde(with = "exact::option")]
    pub sharpe_ratio: Option<Decimal>,
    /// Largest fall from a peak, zero or negative.
    #[serde(with = "exact::option")]
    pub max_drawdown: Option<Decimal>,
    /// Annualised standard deviation of weekly returns.
    #[serde(with = "exact::option")]
    pub volatility: Option<Decimal>,
    /// Weeks with an entry.
    pub weeks_traded: i32,
    /// Weeks with a positive return.
    pub profitable_weeks: i32,
    /// `profitable_weeks` by `weeks_traded`.
    #[serde(with = "exact::option")]
    pub win_rate: Option<Decimal>,
    /// Mean conviction of the entries.
    pub avg_conviction: Option<Conviction>,
    /// Conviction of the largest magnitude, with its sign.
    pub max_conviction: Option<Conviction>,
    /// Instant the statistics are of.
    pub calculated_at: Timestamp,
}

/// A place on the leaderboard.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Place {
    /// 1 is the best return.
    pub rank: i64,
    /// Account.
    pub account: Account,
    /// Compounded return.
    #[serde(with = "exact")]
    pub total_return: Decimal,
    /// Annualised excess return by volatility.
    #[serde(with = "exact::option")]
    pub sharpe_ratio: Option<Decimal>,
    /// Largest fall from a peak, zero or negative.
    #[serde(with = "exact::option")]
    pub max_drawdown: Option<Decimal>,
    /// Annualised standard deviation of weekly returns.
    #[serde(with = "exact::option")]
    pub volatility: Option<Decimal>,
    /// Share of weeks with a positive return.
    #[serde(with = "exact::option")]
    pub win_rate: Option<Decimal>,
    /// Weeks with an entry.
    pub weeks_traded: i32,
    /// Weeks with a positive return.
    pub profitable_weeks: i32,
    /// Instant the statistics are of.
    pub calculated_at: Timestamp,
    /// True if the statistics are older than those of others, or if the last job could not believe the account's events:
    /// [`problems`] says why.
    pub stale: bool,
}

/// Something the performance job could not believe; the statistics of the account were left as they were.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Account.
    pub account: Account,
    /// Week of the trade.
    pub week_id: WeekId,
    /// The event to look at.
    pub event_id: EventId,
    /// What is wrong, in words.
    pub problem: String,
}

/// The council beside the models that vote in it and beside the baseline.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct CouncilComparison {
    /// The council.
    pub council: Option<Place>,
    /// The models, best return first.
    pub individuals: Vec<Place>,
    /// The account that stays flat.
    pub baseline: Option<Place>,
}

impl CouncilComparison {
    /// Return of the council less that of the best model: positive if the council wins.
    #[must_use]
    pub fn council_lead(&self) -> Option<Decimal> {
        Some(self.council.as_ref()?.total_return - self.individuals.first()?.total_return)
    }
}

/// Stores statistics, or replaces those of the same account and lookback: one statement, all or nothing. Statistics that are
/// there already, of the same instant, are not rewritten.
///
/// # Errors
/// [`Error::Invalid`] lists an account given twice or says that the rows are of different lookbacks;
/// [`Error::Conflict`] if a drawdown is positive or the like.
#[tracing::instrument(name = "db.performance.upsert_many", skip_all, fields(rows = performances.len()), err(level = "debug"))]
pub async fn upsert_many(
    db: impl PgExecutor<'_>,
    performances: &[Performance],
) -> Result<Upserted> {
    let Some(first) = performances.first() else {
        return Ok(Upserted::default());
    };
    let lookback = first.weeks_lookback;
    one_lookback(performances.iter().map(|row| row.weeks_lookback))?;
    let rows = sorted("performances", performances, |row| row.account)?;
    let id: Vec<_> = rows
        .iter()
        .map(|row| PerformanceId::generate(row.calculated_at))
        .collect();
    columns!(rows =>
        account, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded, profitable_weeks, win_rate,
        avg_conviction, max_conviction, calculated_at
    );
    let total_return: Vec<_> = total_return.into_iter().map(Some).collect();
    let counts = sqlx::query!(
        r#"
        WITH written AS (
            INSERT INTO account_performance AS old (
                id, account, weeks_lookback, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded,
                profitable_weeks, win_rate, avg_conviction, max_conviction, calculated_at
            )
            SELECT new.id, new.account, $1::weeks, new.total_return, new.sharpe_ratio, new.max_drawdown,
                   new.volatility, new.weeks_traded, new.profitable_weeks, new.win_rate, new.avg_conviction,
                   new.max_conviction, new.calculated_at
            FROM UNNEST(
                $2::performance_id[], $3::account[], $4::ratio[], $5::ratio[], $6::ratio[], $7::ratio[],
                $8::integer[], $9::integer[], $10::share[], $11::conviction[], $12::conviction[], $13::timestamptz[]
            ) AS new (
                id, account, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded, profitable_weeks,
                win_rate, avg_conviction, max_conviction, calculated_at
            )
            ON CONFLICT (account, weeks_lookback) DO UPDATE
            SET total_return = EXCLUDED.total_return,
                sharpe_ratio = EXCLUDED.sharpe_ratio,
                max_drawdown = EXCLUDED.max_drawdown,
                volatility = EXCLUDED.volatility,
                weeks_traded = EXCLUDED.weeks_traded,
                profitable_weeks = EXCLUDED.profitable_weeks,
                win_rate = EXCLUDED.win_rate,
                avg_conviction = EXCLUDED.avg_conviction,
                max_conviction = EXCLUDED.max_conviction,
                calculated_at = EXCLUDED.calculated_at,
                updated_at = DEFAULT
            WHERE (
                old.total_return, old.sharpe_ratio, old.max_drawdown, old.volatility, old.weeks_traded,
                old.profitable_weeks, old.win_rate, old.avg_conviction, old.max_conviction, old.calculated_at
            ) IS DISTINCT FROM (
                EXCLUDED.total_return, EXCLUDED.sharpe_ratio, EXCLUDED.max_drawdown, EXCLUDED.volatility,
                EXCLUDED.weeks_traded, EXCLUDED.profitable_weeks, EXCLUDED.win_rate, EXCLUDED.avg_conviction,
                EXCLUDED.max_conviction, EXCLUDED.calculated_at
            )
            RETURNING xmax = 0 AS inserted
        )
        SELECT count(*) FILTER (WHERE inserted) AS "inserted!",
               count(*) FILTER (WHERE NOT inserted) AS "updated!"
        FROM written
        "#,
        lookback,
        &id[..],
        &account[..],
        &total_return[..],
        &sharpe_ratio[..],
        &max_drawdown[..],
        &volatility[..],
        &weeks_traded[..],
        &profitable_weeks[..],
        &win_rate[..],
        &avg_conviction[..],
        &max_conviction[..],
        &calculated_at[..],
    )
    .fetch_one(db)
    .await?;
    Upserted::of(performances.len(), counts.inserted, counts.updated)
}

/// The statistics of an account over `lookback` weeks, or of all time.
///
/// # Errors
/// [`Error::NotFound`] if they were never calculated.
#[tracing::instrument(name = "db.performance.get", skip_all, fields(%account), err(level = "debug"))]
pub async fn get(
    db: impl PgExecutor<'_>,
    account: Account,
    lookback: Option<Weeks>,
) -> Result<Performance> {
    sqlx::query_as!(
        Performance,
        r#"
        SELECT account, weeks_lookback, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded,
               profitable_weeks, win_rate, avg_conviction, max_conviction, calculated_at
        FROM account_performance
        WHERE account = $1::account
          AND weeks_lookback IS NOT DISTINCT FROM $2::weeks
        "#,
        account,
        lookback,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("performance of account", account))
}

/// What the accounts of a leaderboard are compared by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Measure {
    /// The compounded return.
    #[default]
    Return,
    /// The Sharpe ratio; accounts without one are last.
    SharpeRatio,
    /// The largest fall from a peak, the smallest first; accounts without one are last.
    Drawdown,
}

/// The accounts by return over `lookback` weeks or of all time, best first; equal returns by account.
#[tracing::instrument(name = "db.performance.leaderboard", skip_all, err(level = "debug"))]
pub async fn leaderboard(db: impl PgExecutor<'_>, lookback: Option<Weeks>) -> Result<Vec<Place>> {
    leaderboard_by(db, Measure::Return, lookback).await
}

/// The accounts by a measure over `lookback` weeks or of all time, best first; equal ones by account.
#[tracing::instrument(name = "db.performance.leaderboard_by", skip_all, fields(?measure), err(level = "debug"))]
pub async fn leaderboard_by(
    db: impl PgExecutor<'_>,
    measure: Measure,
    lookback: Option<Weeks>,
) -> Result<Vec<Place>> {
    let places = conditional_query_as!(
        Place,
        r#"
        SELECT row_number() OVER (ORDER BY {#best}, account) AS "rank!",
               account, total_return, sharpe_ratio, max_drawdown, volatility, win_rate, weeks_traded,
               profitable_weeks, calculated_at,
               calculated_at < max(calculated_at) OVER () OR EXISTS (
                   SELECT
                   FROM performance_problems AS problem
                   WHERE problem.account = account_performance.account AND problem.weeks_lookback {#is_span}
               ) AS "stale!"
        FROM account_performance
        WHERE weeks_lookback {#is_span}
        ORDER BY {#best}, account
        "#,
        #best = match measure {
            Measure::Return => "total_return DESC",
            Measure::SharpeRatio => "sharpe_ratio DESC NULLS LAST",
            Measure::Drawdown => "max_drawdown DESC NULLS LAST",
        },
        #is_span = match lookback {
            Some(weeks) => "= {weeks}::weeks",
            None => "IS NULL",
        },
    )
    .fetch_all(db)
    .await?;
    Ok(places)
}

/// Makes these the problems of a lookback, in the place of those of the job before.
///
/// # Errors
/// [`Error::Conflict`] if an event is not in the journal.
#[tracing::instrument(name = "db.performance.replace_problems", skip_all, fields(rows = problems.len()), err(level = "debug"))]
pub async fn replace_problems(
    tx: &mut Tx,
    lookback: Option<Weeks>,
    problems: &[Problem],
    found_at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM performance_problems
        WHERE weeks_lookback = $1::weeks
           OR ($1::weeks IS NULL AND weeks_lookback IS NULL)
        "#,
        lookback,
    )
    .execute(&mut *tx)
    .await?;
    if problems.is_empty() {
        return Ok(());
    }
    let texts = problems.iter().map(|problem| Some(&*problem.problem));
    all_storable("problems", "problem", texts)?;
    let ids: Vec<_> = problems
        .iter()
        .map(|_| ProblemId::generate(found_at))
        .collect();
    columns!(problems => account, week_id, event_id, problem);
    sqlx::query!(
        r#"
        INSERT INTO performance_problems (id, account, weeks_lookback, week_id, event_id, problem, found_at)
        SELECT new.id, new.account, $1::weeks, new.week_id, new.event_id, new.problem, $2
        FROM UNNEST($3::problem_id[], $4::account[], $5::week_id[], $6::event_id[], $7::text[])
            AS new (id, account, week_id, event_id, problem)
        "#,
        lookback,
        found_at,
        &ids[..],
        &account[..],
        &week_id[..],
        &event_id[..],
        &problem[..],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What the last job of a lookback could not believe, by account, then by week.
#[tracing::instrument(name = "db.performance.problems", skip_all, err(level = "debug"))]
pub async fn problems(db: impl PgExecutor<'_>, lookback: Option<Weeks>) -> Result<Vec<Problem>> {
    let problems = sqlx::query_as!(
        Problem,
        r#"
        SELECT account, week_id, event_id, problem
        FROM performance_problems
        WHERE weeks_lookback = $1::weeks
           OR ($1::weeks IS NULL AND weeks_lookback IS NULL)
        ORDER BY account, week_id, id
        "#,
        lookback,
    )
    .fetch_all(db)
    .await?;
    Ok(problems)
}

/// The council beside the models and the baseline, over `lookback` weeks or of all time.
pub async fn council_vs_individuals(
    db: impl PgExecutor<'_>,
    lookback: Option<Weeks>,
) -> Result<CouncilComparison> {
    let mut comparison = CouncilComparison::default();
    for place in leaderboard(db, lookback).await? {
        if place.account == Account::council() {
            comparison.council = Some(place);
        } else if place.account == Account::baseline() {
            comparison.baseline = Some(place);
        } else {
            comparison.individuals.push(place);
        }
    }
    Ok(comparison)
}
