//! Results of weeks, accounts and market conditions.

use chrono::TimeDelta;
use llm_trading_db::{
    db::Db,
    error::Result,
    repo::{
        Upserted,
        conditions::{self, ConditionPerformance},
        performance::{self, Performance},
        weekly::{self, WeeklyPerformance, WeeklyResult},
    },
    types::{Conviction, Direction, Timestamp, Weeks},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use rust_decimal::Decimal;

use super::{
    any_account, any_decimal, any_symbol,
    upserts::{Upsert, does_what_a_map_does_or_lists_the_keys_given_twice},
};
use crate::fixtures::{account, column, now, price, week};

const TYPES: [&str; 2] = ["trend", "volatility"];
const VALUES: [&str; 2] = ["high", "low"];

fn any_ratio() -> impl Strategy<Value = Option<Decimal>> {
    option::of(any_decimal(0..2, 4))
}

fn any_conviction() -> impl Strategy<Value = Option<Conviction>> {
    option::of(select(vec!["-2", "0.25"]).prop_map(|text| text.parse().unwrap()))
}

fn any_instant() -> impl Strategy<Value = Timestamp> {
    (0..2_i64).prop_map(|micros| now() + TimeDelta::microseconds(micros))
}

/// Of all time, over four weeks, or over five.
fn lookback(weeks: i32) -> Option<Weeks> {
    (weeks > 3).then(|| Weeks::new(weeks).unwrap())
}

/// Rows of one lookback.
fn batch_of_one_lookback<R: Clone + std::fmt::Debug>(
    row: impl Strategy<Value = R>,
    set: impl Fn(&mut R, Option<Weeks>) + Clone,
) -> impl Strategy<Value = Vec<R>> {
    (vec(row, 0..12), 3..6).prop_map(move |(mut rows, weeks)| {
        rows.iter_mut().for_each(|row| set(row, lookback(weeks)));
        rows
    })
}

struct Weekly;

impl Upsert for Weekly {
    const TABLE: &'static str = "weekly_performance";
    type Row = WeeklyResult;

    fn row() -> impl Strategy<Value = WeeklyResult> {
        let week_id = select(vec!["2025-12-31", "2026-01-07"]).prop_map(week);
        let trade = (
            option::of(any_symbol()),
            option::of(select(vec![Direction::Long, Direction::Flat])),
            any_conviction(),
        );
        let prices = option::of(select(vec!["0", "689.1234"]).prop_map(price));
        (
            any_account(),
            week_id,
            any_ratio(),
            trade,
            prices,
            any_instant(),
        )
            .prop_map(
                |(account, week_id, weekly_return, trade, exit_price, calculated_at)| {
                    WeeklyResult {
                        account,
                        week_id,
                        weekly_return,
                        instrument: trade.0.map(Into::into),
                        direction: trade.1,
                        entry_conviction: trade.2,
                        entry_price: Some(price("1")),
                        exit_price,
                        calculated_at,
                    }
                },
            )
    }

    fn key(row: &WeeklyResult) -> String {
        format!("{} {}", row.account, row.week_id)
    }

    /// Which instrument it was stays known.
    fn replaced(old: &WeeklyResult, new: &WeeklyResult) -> WeeklyResult {
        WeeklyResult {
            instrument: new.instrument.or(old.instrument),
            ..new.clone()
        }
    }

    async fn upsert(db: &Db, rows: &[WeeklyResult]) -> Result<Upserted> {
        weekly::upsert_many(db, rows).await
    }

    async fn stored(db: &Db) -> Vec<WeeklyResult> {
        let result = |row: WeeklyPerformance| WeeklyResult {
            account: row.account,
            week_id: row.week_id,
            weekly_return: row.weekly_return,
            instrument: row.instrument,
            direction: row.direction,
            entry_conviction: row.entry_conviction,
            entry_price: row.entry_price,
            exit_price: row.exit_price,
            calculated_at: row.calculated_at,
        };
        let mut stored = Vec::new();
        for week_id in ["2025-12-31", "2026-01-07"] {
            let weeks = weekly::of_week(db, week(week_id)).await.unwrap();
            stored.extend(weeks.into_iter().map(result));
        }
        stored
    }
}

struct Accounts;

impl Upsert for Accounts {
    const TABLE: &'static str = "account_performance";
    type Row = Performance;

    fn row() -> impl Strategy<Value = Performance> {
        let ratios = (any_ratio(), any_ratio(), any_ratio());
        let convictions = (any_conviction(), any_conviction());
        (
            any_account(),
            any_decimal(-1..2, 6),
            ratios,
            0..2,
            convictions,
            any_instant(),
        )
            .prop_map(
                |(account, total_return, ratios, profitable_weeks, convictions, calculated_at)| {
                    Performance {
                        account,
                        weeks_lookback: None,
                        total_return,
                        sharpe_ratio: ratios.0,
                        max_drawdown: ratios.1.map(|ratio| -ratio),
                        volatility: ratios.2,
                        weeks_traded: 2,
                        profitable_weeks,
                        win_rate: ratios.0,
                        avg_conviction: convictions.0,
                        max_conviction: convictions.1,
                        calculated_at,
                    }
                },
            )
    }

    fn batch() -> impl Strategy<Value = Vec<Performance>> {
        batch_of_one_lookback(Self::row(), |row, lookback| row.weeks_lookback = lookback)
    }

    fn key(row: &Performance) -> String {
        row.account.to_string()
    }

    fn lookback(row: &Performance) -> Option<Weeks> {
        row.weeks_lookback
    }

    async fn upsert(db: &Db, rows: &[Performance]) -> Result<Upserted> {
        performance::upsert_many(db, rows).await
    }

    async fn stored(db: &Db) -> Vec<Performance> {
        let mut stored = Vec::new();
        for weeks in 3..6 {
            let condition = match lookback(weeks) {
                Some(weeks) => format!("= {weeks}"),
                None => "IS NULL".to_owned(),
            };
            let accounts = format!(
                "SELECT account::text FROM account_performance WHERE weeks_lookback {condition}"
            );
            for name in column::<String>(db, &accounts).await.unwrap() {
                let row = performance::get(db, account(&name), lookback(weeks)).await;
                stored.push(row.unwrap());
            }
        }
        stored
    }
}

struct Conditions;

impl Upsert for Conditions {
    const TABLE: &'static str = "market_condition_performance";
    type Row = ConditionPerformance;

    fn row() -> impl Strategy<Value = ConditionPerformance> {
        let condition = (select(&TYPES[..]), select(&VALUES[..]));
        let ratios = (any_ratio(), any_ratio(), any_ratio());
        (condition, any_account(), 0..2, ratios, any_instant()).prop_map(
            |(condition, account, weeks_in_condition, ratios, calculated_at)| {
                ConditionPerformance {
                    condition_type: condition.0.parse().unwrap(),
                    condition_value: condition.1.parse().unwrap(),
                    account,
                    weeks_in_condition,
                    avg_return: ratios.0,
                    avg_sharpe: ratios.1,
                    win_rate: ratios.2,
                    weeks_lookback: None,
                    calculated_at,
                }
            },
        )
    }

    fn batch() -> impl Strategy<Value = Vec<ConditionPerformance>> {
        batch_of_one_lookback(Self::row(), |row, lookback| row.weeks_lookback = lookback)
    }

    fn key(row: &ConditionPerformance) -> String {
        format!(
            "{} {} {}",
            row.account, row.condition_type, row.condition_value
        )
    }

    fn lookback(row: &ConditionPerformance) -> Option<Weeks> {
        row.weeks_lookback
    }

    async fn upsert(db: &Db, rows: &[ConditionPerformance]) -> Result<Upserted> {
        conditions::upsert_many(db, rows).await
    }

    async fn stored(db: &Db) -> Vec<ConditionPerformance> {
        let mut stored = Vec::new();
        for (kind, value) in TYPES
            .iter()
            .flat_map(|kind| VALUES.map(|value| (kind, value)))
        {
            let (kind, value) = (kind.parse().unwrap(), value.parse().unwrap());
            for weeks in 3..6 {
                let rows = conditions::of_condition(db, &kind, &value, lookback(weeks)).await;
                stored.extend(rows.unwrap());
            }
        }
        stored
    }
}

#[test]
fn of_weekly_results() {
    does_what_a_map_does_or_lists_the_keys_given_twice::<Weekly>();
}

#[test]
fn of_account_performance() {
    does_what_a_map_does_or_lists_the_keys_given_twice::<Accounts>();
}

#[test]
fn of_condition_performance() {
    does_what_a_map_does_or_lists_the_keys_given_twice::<Conditions>();
}
