//! Batches against a model: whatever is given, the table holds what a map would hold, and the function tells what the map does.

mod prices;
mod results;
mod saves;
mod symbols;
mod upserts;

use std::{collections::BTreeSet, fmt::Debug, ops::Range};

use chrono::{Days, NaiveDate};
use llm_trading_db::{
    db::Db,
    types::{Account, Symbol},
};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};
use rust_decimal::Decimal;
use tokio::runtime::Runtime;

use crate::fixtures::{ALLOWED, account, database, day, execute, symbol};

/// Runs `check` on some lists of calls, each time on an empty table.
fn on_random_calls<C: Debug>(
    table: &str,
    call: impl Strategy<Value = C>,
    check: impl AsyncFn(&Db, Vec<C>),
) {
    let runtime = Runtime::new().unwrap();
    let db = runtime.block_on(database());
    let delete = format!("DELETE FROM {table} WHERE {ALLOWED}");
    let mut runner = TestRunner::new(ProptestConfig::with_cases(100));
    let run = runner.run(&vec(call, 1..5), |calls| {
        runtime.block_on(async {
            execute(&db, &delete).await.unwrap();
            check(&db, calls).await;
        });
        Ok(())
    });
    run.unwrap();
}

fn given_twice<K: Ord + Clone>(keys: &[K]) -> BTreeSet<K> {
    let mut seen = BTreeSet::new();
    keys.iter()
        .filter(|key| !seen.insert(*key))
        .cloned()
        .collect()
}

// Few keys and few values, so that batches meet and rows are often the same.

fn any_symbol() -> impl Strategy<Value = Symbol> {
    select(vec!["A", "BRK.B", "Z9"]).prop_map(symbol)
}

fn any_account() -> impl Strategy<Value = Account> {
    select(vec!["A", "COUNCIL", "Z_9"]).prop_map(account)
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0..5_u64).prop_map(|n| day("2026-01-05") + Days::new(n))
}

/// One of the numbers of `range`, with so many decimals.
fn any_decimal(range: Range<i64>, decimals: u32) -> impl Strategy<Value = Decimal> {
    range.prop_map(move |n| Decimal::new(n, decimals))
}
