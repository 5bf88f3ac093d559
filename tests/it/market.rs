//! The market snapshots: what the models see, and how many statements that takes.

use chrono::{Days, NaiveDate};
use llm_trading_db::{
    db::Db,
    repo::{
        bars::{self, Bar},
        snapshots::{self, Snapshot},
    },
    service::{
        market::{self, Current, Indicators, InstrumentSnapshot},
        metrics,
    },
    types::Symbol,
};
use rust_decimal::Decimal;

use crate::{
    fixtures::{at, database, database_that_logs, day, dec, price, symbol, week},
    statements::Recorder,
};

const FIRST: &str = "2026-01-01";

fn date(n: u64) -> NaiveDate {
    day(FIRST) + Days::new(n)
}

/// One bar a day; a missing close is `None`.
async fn store(db: &Db, ticker: &str, closes: &[Option<Decimal>]) {
    let bars: Vec<Bar> = (0..)
        .zip(closes)
        .map(|(n, close)| Bar {
            symbol: symbol(ticker),
            date: date(n),
            open: Some(price("10")),
            high: None,
            low: None,
            close: close.map(|close| close.try_into().unwrap()),
            volume: Some(0),
        })
        .collect();
    bars::upsert_many(db, &bars).await.unwrap();
}

async fn store_hourly(db: &Db, ticker: &str, date: NaiveDate, hour: i32, hourly: &str) {
    let snapshot = Snapshot {
        symbol: symbol(ticker),
        timestamp: at(&format!("{date}T{:02}:30:00Z", hour + 5)),
        date,
        hour,
        price: Some(price(hourly)),
        volume: None,
    };
    snapshots::upsert(db, &snapshot).await.unwrap();
}

fn rising(n: i64) -> Vec<Option<Decimal>> {
    (0..n).map(|n| Some(Decimal::from(100 + n))).collect()
}

async fn snapshot_of(db: &Db, ticker: &str, as_of: NaiveDate) -> InstrumentSnapshot {
    let ticker = symbol(ticker);
    let mut snapshot = market::snapshot(db, &[ticker], as_of).await.unwrap();
    snapshot.instruments.remove(&ticker).unwrap()
}

#[tokio::test]
async fn any_number_of_symbols_takes_two_statements() {
    let db = database_that_logs().await;
    let symbols: Vec<Symbol> = (0..40).map(|n| symbol(&format!("S{n}"))).collect();
    for ticker in &symbols {
        store(&db, ticker.as_str(), &rising(3)).await;
    }
    let (recorder, _guard) = Recorder::of_this_thread();
    for n in [0, 1, 40] {
        let snapshot = market::snapshot(&db, &symbols[..n], date(2)).await.unwrap();
        assert_eq!(snapshot.instruments.len(), n);
        let statements = recorder.take();
        assert_eq!(statements.len(), 2, "{statements:#?}");

        let week = week("2025-12-31");
        let checkpoint = market::checkpoint(&db, &symbols[..n], week, date(2), 12).await;
        assert_eq!(checkpoint.unwrap().len(), n);
        let statements = recorder.take();
        assert_eq!(statements.len(), 2, "{statements:#?}");
    }
}

#[tokio::test]
async fn without_data_there_is_no_symbol() {
    let db = database().await;
    let snapshot = market::snapshot(&db, &[symbol("SPY")], date(0))
        .await
        .unwrap();
    assert!(snapshot.instruments.is_empty());
    let checkpoint =
        market::checkpoint(&db, &[symbol("SPY")], week("2025-12-31"), date(0), 9).await;
    assert_eq!(checkpoint.unwrap(), []);
}

#[tokio::test]
async fn an_hourly_price_counts_if_it_is_newer_than_the_close() {
    let db = database().await;
    store(&db, "SPY", &rising(3)).await;
    // Of the day of the newest close: that close ended the day.
    store_hourly(&db, "SPY", date(2), 15, "999").await;
    let current =
        |price: &str, n, change: &str| Some((self::price(price), date(n), Some(dec(change))));
    let parts = |current: Current| (current.price, current.date, current.change_pct);
    assert_eq!(
        snapshot_of(&db, "SPY", date(5)).await.current.map(parts),
        current("102", 2, "0.99")
    );
    store_hourly(&db, "SPY", date(3), 9, "0").await;
    assert_eq!(
        snapshot_of(&db, "SPY", date(5)).await.current.map(parts),
        current("0", 3, "-100")
    );
    store_hourly(&db, "SPY", date(3), 10, "153").await;
    let newer = snapshot_of(&db, "SPY", date(5)).await;
    assert_eq!(newer.current.map(parts), current("153", 3, "50"));
    assert_eq!(newer.daily_ohlcv_30d[0].date, date(2));
    // Seen from the day before, neither has happened.
    assert_eq!(
        snapshot_of(&db, "SPY", date(1)).await.current.map(parts),
        current("101", 1, "1")
    );
    // A price without a bar is all there is.
    store_hourly(&db, "GLD", date(3), 10, "400").await;
    let gold = snapshot_of(&db, "GLD", date(5)).await;
    assert_eq!(gold.current.map(parts), Some((price("400"), date(3), None)));
    assert!(gold.daily_ohlcv_30d.is_empty());
}

#[tokio::test]
async fn indicators_are_there_with_enough_closes() {
    let db = database().await;
    store(&db, "SPY", &rising(50)).await;
    let before = snapshot_of(&db, "SPY", date(48)).await.indicators;
    assert_eq!((before.sma_50, before.above_sma50), (None, None));
    let full = snapshot_of(&db, "SPY", date(49)).await;
    assert_eq!(full.indicators.sma_50, Some(dec("124.5")));
    assert_eq!(full.indicators.sma_20, Some(dec("139.5")));
    assert_eq!(full.indicators.above_sma50, Some(true));
    assert_eq!(
        (full.indicators.uptrend_20d, full.indicators.uptrend_50d),
        (Some(true), None)
    );
    let shown: Vec<NaiveDate> = full.daily_ohlcv_30d.iter().map(|bar| bar.date).collect();
    let newest_first: Vec<NaiveDate> = (20..50).rev().map(date).collect();
    assert_eq!(shown, newest_first);
}

#[tokio::test]
async fn a_price_that_is_the_mean_is_not_above_it() {
    let db = database().await;
    store(&db, "SPY", &[Some(dec("7.5")); 51]).await;
    let of = snapshot_of(&db, "SPY", date(50)).await.indicators;
    assert_eq!((of.sma_20, of.sma_50), (Some(dec("7.5")), Some(dec("7.5"))));
    assert_eq!((of.above_sma20, of.above_sma50), (Some(false), Some(false)));
    assert_eq!((of.uptrend_20d, of.uptrend_50d), (Some(false), Some(false)));
}

#[tokio::test]
async fn indicators_are_of_closes_however_many_bars_have_none() {
    let db = database().await;
    // Two bars of three have no close, nor has the newest.
    let mut gaps = rising(51 * 3 + 1);
    (0..)
        .zip(&mut gaps)
        .for_each(|(n, close)| *close = close.filter(|_| n % 3 == 1));
    store(&db, "QQQ", &gaps).await;
    let full = snapshot_of(&db, "QQQ", date(153)).await;
    let shown: Vec<_> = full.daily_ohlcv_30d.iter().map(|bar| bar.date).collect();
    let newest_first: Vec<NaiveDate> = (124..154).rev().map(date).collect();
    assert_eq!(shown, newest_first);
    assert_eq!(full.daily_ohlcv_30d[0].close, None);
    // The closes are 101, 104, … 251: the mean of the newest fifty leaves out the first.
    let Indicators {
        sma_20,
        sma_50,
        uptrend_50d,
        ..
    } = full.indicators;
    assert_eq!((sma_20, sma_50), (Some(dec("222.5")), Some(dec("177.5"))));
    assert_eq!(uptrend_50d, Some(true));
    let before = snapshot_of(&db, "QQQ", date(150)).await.indicators;
    assert_eq!(
        (before.sma_50, before.uptrend_50d),
        (Some(dec("174.5")), None)
    );

    // At a checkpoint, the close of the day itself is not one of them.
    let week = week("2026-06-03");
    let checkpoint = market::checkpoint(&db, &[symbol("QQQ")], week, date(151), 12).await;
    let indicators = checkpoint.unwrap()[0].indicators;
    assert_eq!(
        (indicators.sma_50, indicators.uptrend_50d),
        (Some(dec("174.5")), None)
    );
    store(&db, "QQQ", &[Some(dec("1000"))]).await;
    let checkpoint = market::checkpoint(&db, &[symbol("QQQ")], week, date(151), 12).await;
    assert_eq!(checkpoint.unwrap()[0].indicators.uptrend_50d, Some(false));
}

#[tokio::test]
async fn relative_strength_runs_in_the_order_of_time() {
    let db = database().await;
    let falling: Vec<_> = rising(20).into_iter().rev().collect();
    let mut last_up = falling.clone();
    last_up.push(Some(dec("107")));
    for (ticker, closes, rsi) in [
        ("UP", &rising(20), "100"),
        ("DOWN", &falling, "0"),
        // Thirteen falls of 1, then a rise of 7.
        ("TURN", &last_up, "35"),
    ] {
        store(&db, ticker, closes).await;
        let indicators = snapshot_of(&db, ticker, date(30)).await.indicators;
        assert_eq!(indicators.rsi_14, Some(dec(rsi)), "{ticker}");
    }
}

#[tokio::test]
async fn a_checkpoint_knows_nothing_of_later_hours() {
    let db = database().await;
    // 2026-01-07 is a Wednesday, the seventh day; its bar and the next are there already.
    store(&db, "SPY", &rising(8)).await;
    store_hourly(&db, "SPY", date(6), 10, "11").await;
    store_hourly(&db, "SPY", date(6), 12, "12").await;
    let checkpoint = async |date, hour| {
        let week = week("2026-01-07");
        let mut found = market::checkpoint(&db, &[symbol("SPY")], week, date, hour)
            .await
            .unwrap();
        found.remove(0)
    };
    for (hour, price, date_of_price, since_open) in [
        (9, "105", date(5), "950"),
        (10, "11", date(6), "10"),
        (11, "11", date(6), "10"),
        (12, "12", date(6), "20"),
    ] {
        let seen = checkpoint(date(6), hour).await;
        let current = seen.current.unwrap();
        assert_eq!(
            (current.price, current.date),
            (self::price(price), date_of_price),
            "{hour}"
        );
        assert_eq!(
            (seen.week_open, seen.week_open_date),
            (Some(self::price("10")), Some(date(6)))
        );
        assert_eq!(seen.change_since_open_pct, Some(dec(since_open)), "{hour}");
    }
    // Before the week has a bar, it has no open.
    assert_eq!(checkpoint(date(5), 12).await.week_open, None);
}

/// Where the source has no open of a day, its close stands for it, which nobody knows before the day is over.
#[tokio::test]
async fn a_week_without_an_open_begins_at_the_first_close() {
    let db = database().await;
    let bar = Bar {
        symbol: symbol("SPY"),
        date: date(6),
        open: None,
        high: None,
        low: None,
        close: Some(price("10")),
        volume: None,
    };
    bars::upsert(&db, &bar).await.unwrap();
    for (date, open) in [(date(6), None), (date(7), Some(price("10")))] {
        let week = week("2026-01-07");
        let seen = market::checkpoint(&db, &[symbol("SPY")], week, date, 12).await;
        assert_eq!(seen.unwrap()[0].week_open, open, "{date}");
    }
}

#[tokio::test]
async fn the_metrics_of_the_market_are_read_together() {
    let db = database().await;
    let empty = market::metrics(&db).await.unwrap();
    assert_eq!((empty.returns_7d.len(), empty.correlations), (0, None));

    // Up by a tenth and a little in seven bars, and down to a half in seven.
    store(
        &db,
        "UP",
        &[[Some(dec("100")); 7].as_slice(), &[Some(dec("110.1267"))]].concat(),
    )
    .await;
    let fall = [
        &[Some(dec("50"))],
        [Some(dec("100")); 6].as_slice(),
        &[Some(dec("25"))],
    ]
    .concat();
    store(&db, "DOWN", &fall).await;
    let window = metrics::Window::new(2).unwrap();
    metrics::run(&db, window, metrics::Scope::Changed)
        .await
        .unwrap();
    let found = market::metrics(&db).await.unwrap();
    let changes: Vec<_> = found
        .returns_7d
        .iter()
        .map(|r| (r.symbol, r.date, r.change_pct))
        .collect();
    assert_eq!(
        changes,
        [
            (symbol("UP"), date(7), Some(dec("10.13"))),
            (symbol("DOWN"), date(7), Some(dec("-50")))
        ]
    );
    assert_eq!(found.correlations, None, "one date is no window of two");
}
