//! Batches against a model: whatever is given, the table holds what a map would hold, and the counts are the map's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use futures_util::stream;
use llm_trading_db::{
    db::Db,
    error::{Error, Result},
    repo::{
        Upserted,
        bars::{self, Bar},
        returns::{self, Return},
    },
    types::{Price, Symbol},
};
use proptest::{collection::vec, option, prelude::*, test_runner::TestRunner};
use rust_decimal::Decimal;
use tokio::runtime::Runtime;

use crate::fixtures::{column, database, day, execute, invalid, symbol};

type Key = (Symbol, NaiveDate);
type Model = BTreeMap<Key, Bar>;

fn key(bar: &Bar) -> Key {
    (bar.symbol, bar.date)
}

fn day_of_test() -> impl Strategy<Value = NaiveDate> {
    (0..5_u64).prop_map(|n| day("2026-01-05") + Days::new(n))
}

fn symbol_of_test() -> impl Strategy<Value = Symbol> {
    prop::sample::select(vec!["A", "BRK.B", "Z9"]).prop_map(symbol)
}

/// A bar out of few keys and few values, so that batches meet and bars are often the same; the high is never below the low.
fn bar() -> impl Strategy<Value = Bar> {
    let price =
        || option::of((0..2_i64).prop_map(|cents| Price::new(Decimal::new(cents, 4)).unwrap()));
    let volume = option::of(prop::sample::select(vec![0, i64::MAX]));
    (symbol_of_test(), day_of_test(), price(), price(), volume).prop_map(
        |(symbol, date, open, close, volume)| Bar {
            symbol,
            date,
            open,
            high: close,
            low: close,
            close,
            volume,
        },
    )
}

fn keys_given_twice(batch: &[Bar]) -> BTreeSet<Key> {
    let mut seen = BTreeSet::new();
    batch
        .iter()
        .map(key)
        .filter(|key| !seen.insert(*key))
        .collect()
}

/// Stores bars in the model one by one; gives what became of them.
fn store(model: &mut Model, batch: &[Bar]) -> Upserted {
    let mut upserted = Upserted::default();
    for bar in batch {
        match model.insert(key(bar), *bar) {
            None => upserted.inserted += 1,
            Some(old) if old != *bar => upserted.updated += 1,
            Some(_) => upserted.unchanged += 1,
        }
    }
    upserted
}

async fn stored(db: &Db) -> Model {
    let from_to = (day("2026-01-01"), day("2026-02-01"));
    let mut model = Model::new();
    for symbol in bars::symbols(db).await.unwrap() {
        let range = bars::range(db, symbol, from_to.0, from_to.1);
        let bars: Vec<Bar> = futures_util::TryStreamExt::try_collect(range)
            .await
            .unwrap();
        model.extend(bars.iter().map(|bar| (key(bar), *bar)));
    }
    model
}

/// Runs `check` on random batches, each time on an empty table.
fn on_random_batches(check: impl AsyncFn(&Db, Vec<Vec<Bar>>)) {
    let runtime = Runtime::new().unwrap();
    let db = runtime.block_on(database());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(100));
    let run = runner.run(&vec(vec(bar(), 0..12), 1..5), |batches| {
        runtime.block_on(async {
            execute(&db, "DELETE FROM daily_bars").await.unwrap();
            check(&db, batches).await;
        });
        Ok(())
    });
    run.unwrap();
}

#[test]
fn an_upsert_does_what_a_map_does_or_lists_the_keys_given_twice() {
    on_random_batches(async |db, batches| {
        let mut model = Model::new();
        for batch in batches {
            let outcome = bars::upsert_many(db, &batch).await;
            let twice = keys_given_twice(&batch);
            if twice.is_empty() {
                assert_eq!(outcome.unwrap(), store(&mut model, &batch));
            } else {
                let error = invalid(outcome);
                let listed = twice
                    .iter()
                    .take(5)
                    .map(|(symbol, date)| format!("{symbol} {date}"));
                let listed: Vec<String> = listed.collect();
                assert!(error.contains(&listed.join(", ")), "{error}");
            }
            assert_eq!(stored(db).await, model);
        }
    });
}

#[test]
fn an_import_does_what_a_map_does_one_by_one() {
    on_random_batches(async |db, batches| {
        let mut model = Model::new();
        for batch in batches {
            let rows = stream::iter(batch.iter().copied().map(Ok::<_, Error>));
            let outcome = bars::import(db, rows, drop).await.unwrap();
            assert_eq!(outcome, store(&mut model, &batch));
            assert_eq!(stored(db).await, model);
        }
    });
}

/// The text, if the database takes it for a symbol.
async fn taken_by_domain(db: &Db, text: &str) -> bool {
    let literal = text.replace('\'', "''");
    let sql = format!("SELECT '{literal}'::symbol::text");
    column::<String>(db, &sql).await.is_ok()
}

#[test]
fn a_symbol_is_what_the_domain_takes_in_any_script() {
    let runtime = Runtime::new().unwrap();
    let db = runtime.block_on(database());
    let near = "[A-Za-z0-9.ÄΑАＡ１٣\u{301}\u{200b}\n -]{0,12}";
    let any = any::<String>().prop_map(|text| text.replace('\0', ""));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
    let run = runner.run(&prop_oneof![3 => near, 1 => any], |text| {
        let taken = runtime.block_on(taken_by_domain(&db, &text));
        prop_assert_eq!(Symbol::new(&text).is_ok(), taken, "{:?}", text);
        Ok(())
    });
    run.unwrap();
}

#[tokio::test]
async fn a_batch_may_be_larger_than_any_number_of_parameters() {
    let db = database().await;
    let row = |n: u64, log_return: i64| Return {
        symbol: symbol("SPY"),
        date: day("1800-01-01") + Days::new(n),
        log_return: Decimal::new(log_return, 8),
    };
    let mut batch: Vec<Return> = (0..65_536).map(|n| row(n, 1)).collect();
    let inserted = async |batch: &[Return]| -> Result<u64> {
        Ok(returns::upsert_7day(&db, batch).await?.inserted)
    };
    assert_eq!(inserted(&batch[..65_535]).await.unwrap(), 65_535);
    assert_eq!(inserted(&batch).await.unwrap(), 1);
    batch[65_535] = row(0, 2);
    assert!(invalid(inserted(&batch).await).contains("for SPY 1800-01-01;"));
}
