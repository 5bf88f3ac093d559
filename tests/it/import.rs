//! Streams of bars: stored whole or not at all, in little memory, and in turns with other writers.

use std::{env, time::Instant};

use chrono::{Days, NaiveDate};
use futures_util::{Stream, StreamExt, future::join, stream};
use llm_trading_db::{
    db::Db,
    error::{Error, Result},
    repo::{
        Upserted,
        bars::{self, Bar, Missing},
    },
    types::{FarPrices, Price, Symbol},
};
use rust_decimal::Decimal;
use tokio::sync::oneshot;

use crate::{
    fixtures::{count, database, database_that_logs, day, price, refused_by, symbol},
    own_process,
    statements::Recorder,
};

fn bar(symbol: Symbol, date: NaiveDate, cents: i64) -> Bar {
    let close = Some(Price::new(Decimal::new(cents, 2)).unwrap());
    Bar {
        symbol,
        date,
        open: close,
        high: close,
        low: close,
        close,
        volume: Some(cents),
    }
}

/// Bars of four symbols, each of its own day.
fn history(days: u64) -> impl DoubleEndedIterator<Item = Bar> {
    let first = day("1900-01-01");
    (0..days).flat_map(move |n| {
        ["DIA", "QQQ", "SPY", "TLT"].map(|name| bar(symbol(name), first + Days::new(n), n as i64))
    })
}

fn read(bars: impl IntoIterator<Item = Bar>) -> impl Stream<Item = Result<Bar>> {
    stream::iter(bars).map(Ok)
}

#[tokio::test]
async fn a_stream_is_stored_whole_and_tells_how_far_it_is() {
    let db = database().await;
    let mut heard = Vec::new();
    let stored = bars::import(&db, read(history(6_250)), |so_far: Upserted| {
        heard.push(so_far.inserted);
    })
    .await
    .unwrap();
    assert_eq!(heard, [10_000, 20_000, 25_000]);
    assert_eq!(stored.inserted, 25_000);
    assert_eq!(count(&db, "daily_bars").await, 25_000);

    let again = bars::import(&db, read(history(6_250)), drop).await.unwrap();
    assert_eq!(
        (again.inserted + again.updated, again.unchanged),
        (0, 25_000)
    );
    let nothing = bars::import(&db, read([]), drop).await.unwrap();
    assert_eq!(nothing, Upserted::default());
}

#[tokio::test]
async fn whatever_fails_leaves_nothing() {
    let db = database().await;
    let broken = stream::iter(history(3_000).map(Ok))
        .chain(stream::iter([Err(Error::not_found("rest of", "file"))]));
    let error = bars::import(&db, broken, drop).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");

    let upside_down = Bar {
        low: Some(price("2")),
        ..bar(symbol("SPY"), day("2026-01-07"), 100)
    };
    let refused = bars::import(&db, read(history(3_000).chain([upside_down])), drop).await;
    assert_eq!(refused_by(refused), "daily_bars_high_low");
    assert_eq!(count(&db, "daily_bars").await, 0);
}

#[tokio::test]
async fn a_dropped_import_leaves_nothing() {
    let db = database().await;
    let (tell, told) = oneshot::channel();
    let mut tell = Some(tell);
    let endless = read(history(3_000)).chain(stream::pending());
    let import = bars::import(&db, endless, |so_far: Upserted| {
        tell.take().map(|tell| tell.send(so_far.inserted));
    });
    let inserted = tokio::select! {
        ended = import => panic!("an endless import ended: {ended:?}"),
        inserted = told => inserted.unwrap(),
    };
    assert_eq!(inserted, 10_000);
    // Its locks are gone as well as its rows.
    let stored = bars::upsert(&db, &bar(symbol("SPY"), day("1900-01-01"), 7)).await;
    assert_eq!(stored.unwrap().inserted, 1);
    assert_eq!(count(&db, "daily_bars").await, 1);
}

/// The statement that looks for what is stored of a batch gives no other row of these symbols or days.
#[tokio::test]
async fn an_import_reads_the_bars_that_it_is_about() {
    let db = database_that_logs().await;
    import_all(&db, history(3)).await;
    let days = [0, 1, 2].map(|n| day("1900-01-01") + Days::new(n));
    let known = [
        bar(symbol("SPY"), days[2], 71),
        bar(symbol("DIA"), days[0], 72),
    ];
    let new = bar(symbol("XLE"), days[1], 73);
    let (recorder, _guard) = Recorder::of_this_thread();
    let bars = read(known.into_iter().chain([new]));
    bars::import_with(&db, bars, Missing::Keeps, FarPrices::Taken, |_, _| Ok(()))
        .await
        .unwrap();
    let statements = recorder.take_with_rows();
    let looked = statements.iter().find(|(sql, _)| sql.contains("AS asked"));
    assert_eq!(looked.map(|(_, rows)| *rows), Some(2), "{statements:#?}");
}

async fn import_all(db: &Db, bars: impl Iterator<Item = Bar>) {
    bars::import(db, read(bars), drop).await.unwrap();
}

#[tokio::test]
async fn imports_in_opposite_orders_and_batches_take_turns() {
    let db = database().await;
    // More than one chunk each, so each holds what the other one wants next.
    let imports = join(
        import_all(&db, history(6_000)),
        import_all(&db, history(6_000).rev()),
    );
    let batch: Vec<Bar> = history(6_000).collect();
    let batches = async {
        for _ in 0..3 {
            bars::upsert_many(&db, &batch).await.unwrap();
        }
    };
    join(imports, batches).await;
    assert_eq!(count(&db, "daily_bars").await, 24_000);
}

/// Tells a second run of this test binary how many bars to import.
const BARS: &str = "IMPORT_BARS";
/// Peak memory in use, in KiB.
const LIMIT: u64 = 200 * 1024;

#[tokio::test]
#[ignore = "a process of its own: started by the test of the memory"]
async fn import_in_this_process() {
    let bars: u64 = env::var(BARS).unwrap().parse().unwrap();
    let db = database().await;
    let start = Instant::now();
    import_all(&db, history(bars / 4)).await;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(count(&db, "daily_bars").await, bars as i64);
    let peak = own_process::peak(std::process::id()).unwrap();
    println!("{bars} bars in {seconds:.1} s, at most {peak} KiB");
    assert!(peak < LIMIT, "{peak} KiB");
}

fn import_in_own_process(bars: &str) {
    own_process::run("import::import_in_this_process", BARS, bars);
}

#[test]
fn memory_is_bounded() {
    import_in_own_process("200000");
}

#[test]
#[ignore = "long: just soak"]
fn soak_a_million_bars_take_less_than_200_mib() {
    import_in_own_process("1000000");
}
