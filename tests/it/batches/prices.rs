//! Bars and snapshots, and the returns and correlations computed of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate, TimeDelta};
use futures_util::{TryStreamExt, stream};
use llm_trading_db::{
    db::Db,
    error::{Error, Result},
    repo::{
        Upserted,
        bars::{self, Bar, Missing},
        correlations::{self, Correlation},
        returns::{self, Return},
        snapshots::{self, Snapshot},
    },
    types::{FarPrices, Price, Symbol},
};
use proptest::{option, prelude::*, sample::select};
use rust_decimal::Decimal;

use super::{
    any_day, any_decimal, any_symbol, on_random_calls,
    upserts::{
        Model, Upsert, does_what_a_map_does_or_lists_the_keys_given_twice,
        may_be_larger_than_any_number_of_parameters,
    },
};
use crate::fixtures::{at, column, day, invalid, symbol};

/// Ever was, and ever will be.
fn always() -> (NaiveDate, NaiveDate) {
    (day("1700-01-01"), day("2100-01-01"))
}

/// The symbols of a table.
async fn symbols_of(db: &Db, table: &str) -> Vec<Symbol> {
    let sql = format!("SELECT DISTINCT symbol::text FROM {table}");
    let symbols: Vec<String> = column(db, &sql).await.unwrap();
    symbols.iter().map(|text| symbol(text)).collect()
}

fn any_price() -> impl Strategy<Value = Option<Price>> {
    option::of(any_decimal(0..2, 4).prop_map(|price| Price::new(price).unwrap()))
}

fn any_volume() -> impl Strategy<Value = Option<i64>> {
    option::of(select(vec![0, i64::MAX]))
}

struct Bars;

impl Upsert for Bars {
    const TABLE: &'static str = "daily_bars";
    type Row = Bar;

    /// The high is never below the low.
    fn row() -> impl Strategy<Value = Bar> {
        let values = (any_price(), any_price(), any_volume());
        (any_symbol(), any_day(), values).prop_map(|(symbol, date, (open, close, volume))| Bar {
            symbol,
            date,
            open,
            high: close,
            low: close,
            close,
            volume,
        })
    }

    fn key(row: &Bar) -> String {
        format!("{} {}", row.symbol, row.date)
    }

    async fn upsert(db: &Db, rows: &[Bar]) -> Result<Upserted> {
        bars::upsert_many(db, rows).await
    }

    async fn stored(db: &Db) -> Vec<Bar> {
        let mut stored = Vec::new();
        for symbol in symbols_of(db, Self::TABLE).await {
            let (from, to) = always();
            let bars: Vec<Bar> = bars::range(db, symbol, from, to)
                .try_collect()
                .await
                .unwrap();
            stored.extend(bars);
        }
        stored
    }
}

struct Snapshots;

impl Upsert for Snapshots {
    const TABLE: &'static str = "hourly_snapshots";
    type Row = Snapshot;

    fn row() -> impl Strategy<Value = Snapshot> {
        let values = (any_day(), 0..24, any_price(), any_volume());
        (any_symbol(), 0..5_i64, values).prop_map(
            |(symbol, micros, (date, hour, price, volume))| Snapshot {
                symbol,
                timestamp: at("2026-01-07T14:00:00Z") + TimeDelta::microseconds(micros),
                date,
                hour,
                price,
                volume,
            },
        )
    }

    fn key(row: &Snapshot) -> String {
        format!("{} {}", row.symbol, row.timestamp)
    }

    async fn upsert(db: &Db, rows: &[Snapshot]) -> Result<Upserted> {
        snapshots::upsert_many(db, rows).await
    }

    async fn stored(db: &Db) -> Vec<Snapshot> {
        let mut stored = Vec::new();
        for symbol in symbols_of(db, Self::TABLE).await {
            let (from, to) = (at("2026-01-07T00:00:00Z"), at("2026-01-08T00:00:00Z"));
            let range = snapshots::range(db, symbol, from, to);
            let snapshots: Vec<Snapshot> = range.try_collect().await.unwrap();
            stored.extend(snapshots);
        }
        stored
    }
}

fn any_return() -> impl Strategy<Value = Return> {
    (any_symbol(), any_day(), any_decimal(-1..2, 8)).prop_map(|(symbol, date, log_return)| Return {
        symbol,
        date,
        log_return,
    })
}

fn key_of_return(row: &Return) -> String {
    format!("{} {}", row.symbol, row.date)
}

struct Daily;

impl Upsert for Daily {
    const TABLE: &'static str = "daily_log_returns";
    type Row = Return;

    fn row() -> impl Strategy<Value = Return> {
        any_return()
    }

    fn key(row: &Return) -> String {
        key_of_return(row)
    }

    async fn upsert(db: &Db, rows: &[Return]) -> Result<Upserted> {
        returns::upsert_daily(db, rows).await
    }

    async fn stored(db: &Db) -> Vec<Return> {
        returns::all_daily(db).await.unwrap()
    }
}

struct SevenDay;

impl Upsert for SevenDay {
    const TABLE: &'static str = "rolling_7day_log_returns";
    type Row = Return;

    fn row() -> impl Strategy<Value = Return> {
        any_return()
    }

    fn key(row: &Return) -> String {
        key_of_return(row)
    }

    async fn upsert(db: &Db, rows: &[Return]) -> Result<Upserted> {
        returns::upsert_7day(db, rows).await
    }

    async fn stored(db: &Db) -> Vec<Return> {
        returns::all_7day(db).await.unwrap()
    }
}

struct Correlations;

impl Upsert for Correlations {
    const TABLE: &'static str = "correlation_matrix";
    type Row = Correlation;

    fn row() -> impl Strategy<Value = Correlation> {
        let values = (option::of(any_decimal(-1..2, 8)), 2..4);
        (any_symbol(), any_symbol(), any_day(), values).prop_map(
            |(symbol_1, symbol_2, date, (correlation, window_rows))| Correlation {
                symbol_1,
                symbol_2,
                date,
                correlation,
                window_rows,
            },
        )
    }

    fn key(row: &Correlation) -> String {
        format!("{} {} {}", row.date, row.symbol_1, row.symbol_2)
    }

    async fn upsert(db: &Db, rows: &[Correlation]) -> Result<Upserted> {
        correlations::upsert_many(db, rows).await
    }

    async fn stored(db: &Db) -> Vec<Correlation> {
        let mut stored = Vec::new();
        let (first, last) = (day("0001-01-01"), day("9999-12-31"));
        for date in correlations::dates_between(db, first, last).await.unwrap() {
            let matrix = correlations::matrix(db, date).await.unwrap();
            stored.extend(matrix.unwrap().cells);
        }
        stored
    }
}

#[test]
fn of_bars() {
    does_what_a_map_does_or_lists_the_keys_given_twice::<Bars>();
}

#[test]
fn of_snapshots() {
    does_what_a_map_does_or_lists_the_keys_given_twice::<Snapshots>();
}

#[test]
fn of_daily_returns() {
    does_what_a_map_does_or_lists_the_keys_given_twice::<Daily>();
}

#[test]
fn of_7day_returns() {
    does_what_a_map_does_or_lists_the_keys_given_twice::<SevenDay>();
}

#[test]
fn of_correlations() {
    does_what_a_map_does_or_lists_the_keys_given_twice::<Correlations>();
}

#[test]
fn an_import_of_bars_does_what_a_batch_of_them_does() {
    on_random_calls(Bars::TABLE, Bars::batch(), async |db, batches| {
        let mut model = Model::<Bars>::new();
        for (n, batch) in batches.into_iter().enumerate() {
            let rows = stream::iter(batch.iter().copied().map(Ok::<_, Error>));
            let outcome = match n % 2 {
                0 => bars::import(db, rows, drop).await,
                _ => {
                    bars::import_with(db, rows, Missing::Erases, FarPrices::Taken, |_, _| Ok(()))
                        .await
                }
            };
            let mut seen = BTreeSet::new();
            match batch.iter().find(|bar| !seen.insert(Bars::key(bar))) {
                None => assert_eq!(outcome.unwrap(), model.store(&batch)),
                Some(twin) => {
                    let error = invalid(outcome);
                    let named = format!("bars: more than one row for {};", Bars::key(twin));
                    assert!(error.contains(&named), "{error}");
                }
            }
            model.assert_stored(db).await;
        }
    });
}

/// Where a bar has no value, what is known stays; and each change is told.
#[test]
fn an_import_that_keeps_what_is_known_fills_bars() {
    on_random_calls(Bars::TABLE, Bars::batch(), async |db, batches| {
        let mut model: BTreeMap<String, Bar> = BTreeMap::new();
        for batch in batches {
            let mut seen = BTreeSet::new();
            let batch: Vec<Bar> = batch
                .into_iter()
                .filter(|bar| seen.insert(Bars::key(bar)))
                // The first price is not the last one by which high and low go.
                .map(|bar| Bar { open: None, ..bar })
                .collect();
            let rows = stream::iter(batch.iter().copied().map(Ok::<_, Error>));
            let mut told = Vec::new();
            bars::import_with(db, rows, Missing::Keeps, FarPrices::Taken, |_, changes| {
                told.extend_from_slice(changes);
                Ok(())
            })
            .await
            .unwrap();
            let mut changed = Vec::new();
            for bar in batch {
                let before = model.get(&Bars::key(&bar)).copied();
                let after = before.map_or(bar, |known| Bar {
                    high: bar.high.or(known.high),
                    low: bar.low.or(known.low),
                    close: bar.close.or(known.close),
                    volume: bar.volume.or(known.volume),
                    ..bar
                });
                if before != Some(after) {
                    changed.push((before, after));
                }
                model.insert(Bars::key(&bar), after);
            }
            let told: Vec<_> = told.iter().map(|c| (c.before, c.after)).collect();
            assert_eq!(told, changed);
            let mut stored = Bars::stored(db).await;
            stored.sort_by_key(Bars::key);
            assert_eq!(stored, Vec::from_iter(model.values().copied()));
        }
    });
}

#[tokio::test]
async fn of_bars_larger_than_any_number_of_parameters() {
    may_be_larger_than_any_number_of_parameters::<Bars>(|n, volume| Bar {
        symbol: symbol("SPY"),
        date: day("1800-01-01") + Days::new(n),
        open: None,
        high: Some(Price::new(Decimal::new(2, 4)).unwrap()),
        low: Some(Price::new(Decimal::new(1, 4)).unwrap()),
        close: None,
        volume: Some(volume),
    })
    .await;
}

#[tokio::test]
async fn of_returns_larger_than_any_number_of_parameters() {
    may_be_larger_than_any_number_of_parameters::<SevenDay>(|n, log_return| Return {
        symbol: symbol("SPY"),
        date: day("1800-01-01") + Days::new(n),
        log_return: Decimal::new(log_return, 8),
    })
    .await;
}
