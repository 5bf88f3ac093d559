use std::pin::pin;

use chrono::NaiveDate;
use futures_util::{TryStreamExt, stream};
use llm_trading_db::{
    db::Db,
    error::Error,
    repo::{
        Upserted,
        bars::{self, Bar, Missing},
        correlations,
        returns::{self, Return},
    },
    types::FarPrices,
};

use super::counts;
use crate::fixtures::{count, database, day, invalid, price, refused_by, symbol, versions};

fn bar(ticker: &str, date: &str, close: &str) -> Bar {
    Bar {
        symbol: symbol(ticker),
        date: day(date),
        open: Some(price("100.5")),
        high: Some(price("900")),
        low: Some(price("0.0001")),
        close: Some(price(close)),
        volume: Some(1_000_000),
    }
}

fn keys(bars: &[Bar]) -> Vec<String> {
    bars.iter()
        .map(|bar| format!("{} {}", bar.symbol, bar.date))
        .collect()
}

async fn all(db: &Db, ticker: &str) -> Vec<Bar> {
    bars::range(db, symbol(ticker), NaiveDate::MIN, NaiveDate::MAX)
        .try_collect()
        .await
        .unwrap()
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    let spy = [symbol("SPY")];
    assert_eq!(
        bars::upsert_many(&db, &[]).await.unwrap(),
        Upserted::default()
    );
    assert_eq!(bars::latest(&db, &[]).await.unwrap(), []);
    assert_eq!(bars::latest(&db, &spy).await.unwrap(), []);
    assert_eq!(
        bars::last_n(&db, &spy, 5, day("2026-01-07")).await.unwrap(),
        []
    );
    assert_eq!(bars::latest_date(&db, spy[0]).await.unwrap(), None);
    assert_eq!(bars::symbols(&db).await.unwrap(), []);
    assert_eq!(bars::dates(&db, 9).await.unwrap(), []);
    assert_eq!(all(&db, "SPY").await, []);
}

#[tokio::test]
async fn an_upsert_counts_what_it_did() {
    let db = database().await;
    let mut batch = vec![
        bar("SPY", "2026-01-07", "689.12"),
        bar("QQQ", "2026-01-07", "620"),
        bar("SPY", "2026-01-08", "690"),
    ];
    assert_eq!(
        counts(bars::upsert_many(&db, &batch).await.unwrap()),
        (3, 0, 0)
    );

    batch[0].close = Some(price("689.13"));
    batch.push(bar("TLT", "2026-01-07", "88"));
    assert_eq!(
        counts(bars::upsert_many(&db, &batch).await.unwrap()),
        (1, 1, 2)
    );
    assert_eq!(
        counts(bars::upsert(&db, &batch[0]).await.unwrap()),
        (0, 0, 1)
    );
    assert_eq!(all(&db, "SPY").await, [batch[0], batch[2]]);
}

#[tokio::test]
async fn the_same_bars_again_write_nothing() {
    let db = database().await;
    let mut bare = bar("QQQ", "2026-01-07", "1");
    (bare.open, bare.close, bare.volume) = (None, None, None);
    let batch = [bar("SPY", "2026-01-07", "689.1200"), bare];
    bars::upsert_many(&db, &batch).await.unwrap();
    let before = versions(&db, "daily_bars").await;
    // The number is the same with fewer zeros.
    let again = [bar("SPY", "2026-01-07", "689.12"), bare];
    assert_eq!(
        counts(bars::upsert_many(&db, &again).await.unwrap()),
        (0, 0, 2)
    );
    assert_eq!(versions(&db, "daily_bars").await, before);
}

#[tokio::test]
async fn keys_given_twice_are_listed_and_nothing_is_written() {
    let db = database().await;
    let batch = [
        bar("SPY", "2026-01-07", "1"),
        bar("QQQ", "2026-01-07", "2"),
        bar("SPY", "2026-01-07", "3"),
        bar("SPY", "2026-01-08", "4"),
        bar("QQQ", "2026-01-07", "5"),
    ];
    let error = invalid(bars::upsert_many(&db, &batch).await);
    assert!(
        error.contains("for QQQ 2026-01-07, SPY 2026-01-07;"),
        "{error}"
    );
    assert_eq!(count(&db, "daily_bars").await, 0);
}

#[tokio::test]
async fn a_refused_bar_refuses_its_batch() {
    let db = database().await;
    let good = bar("SPY", "2026-01-07", "1");
    let upside_down = Bar {
        high: Some(price("9.9999")),
        low: Some(price("10")),
        ..bar("QQQ", "2026-01-07", "1")
    };
    let less_than_nothing = Bar {
        volume: Some(-1),
        ..good
    };
    for (bad, constraint) in [
        (upside_down, "daily_bars_high_low"),
        (less_than_nothing, "volume_not_negative"),
    ] {
        let batch = [bad, bar("TLT", "2026-01-07", "1")];
        assert_eq!(refused_by(bars::upsert_many(&db, &batch).await), constraint);
    }
    assert_eq!(count(&db, "daily_bars").await, 0);
}

#[tokio::test]
async fn missing_zero_and_the_extremes_come_back_as_they_went() {
    let db = database().await;
    let zero = Bar {
        open: Some(price("0")),
        high: Some(price("0")),
        low: Some(price("0")),
        close: Some(price("0")),
        volume: Some(0),
        ..bar("SPY", "2026-01-05", "1")
    };
    let missing = Bar {
        open: None,
        high: None,
        low: None,
        close: None,
        volume: None,
        ..bar("SPY", "2026-01-06", "1")
    };
    let extreme = Bar {
        open: Some(price("0.0001")),
        high: Some(price("99999999.9999")),
        low: Some(price("0.1")),
        close: Some(price("0.3")),
        volume: Some(i64::MAX),
        ..bar("SPY", "2026-01-07", "1")
    };
    let stored = [zero, missing, extreme];
    bars::upsert_many(&db, &stored).await.unwrap();
    assert_eq!(all(&db, "SPY").await, stored);

    // And each is another value than the other.
    let swapped = [
        Bar {
            date: zero.date,
            ..missing
        },
        Bar {
            date: missing.date,
            ..zero
        },
    ];
    assert_eq!(
        counts(bars::upsert_many(&db, &swapped).await.unwrap()),
        (0, 2, 0)
    );
}

#[tokio::test]
async fn the_newest_bars_come_by_symbol_and_date() {
    let db = database().await;
    let batch: Vec<Bar> = ["2026-01-08", "2026-01-05", "2026-01-07", "2026-01-06"]
        .iter()
        .flat_map(|date| [bar("TLT", date, "88"), bar("SPY", date, "689")])
        .chain([bar("QQQ", "2025-12-31", "620")])
        .collect();
    bars::upsert_many(&db, &batch).await.unwrap();
    // One has none, one is asked for twice.
    let asked = ["TLT", "GLD", "SPY", "QQQ", "TLT"].map(symbol);

    let latest = bars::latest(&db, &asked).await.unwrap();
    assert_eq!(
        keys(&latest),
        ["QQQ 2025-12-31", "SPY 2026-01-08", "TLT 2026-01-08"]
    );
    let last_two = bars::last_n(&db, &asked, 2, day("2026-01-07"))
        .await
        .unwrap();
    assert_eq!(
        keys(&last_two),
        [
            "QQQ 2025-12-31",
            "SPY 2026-01-06",
            "SPY 2026-01-07",
            "TLT 2026-01-06",
            "TLT 2026-01-07"
        ]
    );
    assert_eq!(
        bars::last_n(&db, &asked, 0, NaiveDate::MAX).await.unwrap(),
        []
    );
    let unlimited = bars::last_closes(&db, &asked, 1, 1, NaiveDate::MAX).await;
    assert_eq!(unlimited.unwrap(), latest);
    assert_eq!(
        bars::latest_date(&db, symbol("SPY")).await.unwrap(),
        Some(day("2026-01-08"))
    );
    assert_eq!(
        bars::symbols(&db).await.unwrap(),
        ["QQQ", "SPY", "TLT"].map(symbol)
    );
}

#[tokio::test]
async fn older_bars_come_for_their_closes() {
    let db = database().await;
    let without = |ticker, date| Bar {
        close: None,
        ..bar(ticker, date, "1")
    };
    let batch = [
        bar("SPY", "2026-01-08", "8"),
        without("SPY", "2026-01-07"),
        bar("SPY", "2026-01-06", "6"),
        without("SPY", "2026-01-05"),
        bar("SPY", "2026-01-02", "2"),
        bar("SPY", "2025-12-31", "31"),
        without("QQQ", "2026-01-05"),
        without("QQQ", "2026-01-07"),
    ];
    bars::upsert_many(&db, &batch).await.unwrap();
    let asked = ["SPY", "GLD", "QQQ", "SPY"].map(symbol);
    let found = async |n, closes, until| {
        let bars = bars::last_closes(&db, &asked, n, closes, day(until)).await;
        keys(&bars.unwrap())
    };
    assert_eq!(
        found(1, 2, "2026-01-07").await,
        [
            "QQQ 2026-01-07",
            "SPY 2026-01-02",
            "SPY 2026-01-05",
            "SPY 2026-01-06",
            "SPY 2026-01-07"
        ]
    );
    // As many bars as asked for, though there are closes enough among fewer.
    assert_eq!(
        found(3, 1, "2026-01-08").await,
        [
            "QQQ 2026-01-05",
            "QQQ 2026-01-07",
            "SPY 2026-01-06",
            "SPY 2026-01-07",
            "SPY 2026-01-08"
        ]
    );
    let none: [&str; 0] = [];
    assert_eq!(found(0, 0, "2026-01-08").await, none);
    assert_eq!(found(5, 5, "2025-12-30").await, none);
}

#[tokio::test]
async fn a_range_includes_both_ends_and_can_be_left_early() {
    let db = database().await;
    let dates = ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08"];
    let batch: Vec<Bar> = dates
        .iter()
        .rev()
        .flat_map(|date| [bar("SPY", date, "689"), bar("QQQ", date, "620")])
        .collect();
    bars::upsert_many(&db, &batch).await.unwrap();
    let range = |from, to| bars::range(&db, symbol("SPY"), day(from), day(to));

    let inner: Vec<Bar> = range(dates[1], dates[2]).try_collect().await.unwrap();
    assert_eq!(keys(&inner), ["SPY 2026-01-06", "SPY 2026-01-07"]);
    let none: Vec<Bar> = range(dates[2], dates[1]).try_collect().await.unwrap();
    assert_eq!(none, []);
    let ends = [NaiveDate::MIN, NaiveDate::MAX];
    for end in ends {
        let none = bars::range(&db, symbol("SPY"), end, end);
        assert_eq!(none.try_collect::<Vec<Bar>>().await.unwrap(), []);
        let newest = bars::last_n(&db, &[symbol("SPY")], 9, end).await.unwrap();
        assert_eq!(newest.len(), if end == NaiveDate::MAX { 4 } else { 0 });
    }
    let [first, last] = ends;
    let none = returns::daily(&db, symbol("SPY"), first, last);
    assert_eq!(none.try_collect::<Vec<Return>>().await.unwrap(), []);
    let none = correlations::dates_between(&db, first, last).await.unwrap();
    assert_eq!(none, []);

    {
        let mut stream = pin!(range(dates[0], dates[3]));
        assert_eq!(
            stream.try_next().await.unwrap().unwrap().date,
            day(dates[0])
        );
    }
    assert_eq!(all(&db, "SPY").await.len(), 4);
}

#[tokio::test]
async fn closes_come_with_their_neighbours() {
    let db = database().await;
    let mut open = bar("QQQ", "2026-01-08", "8");
    open.close = None;
    let batch = [
        bar("QQQ", "2026-01-12", "12"),
        open,
        bar("SPY", "2026-01-07", "689.1234"),
        bar("QQQ", "2026-01-05", "5"),
        bar("QQQ", "2026-01-07", "7"),
        bar("QQQ", "2026-01-06", "6"),
        bar("QQQ", "2026-01-09", "9"),
    ];
    bars::upsert_many(&db, &batch).await.unwrap();
    let around = async |spans: &[(&str, &str, &str)], before, after| {
        let spans: Vec<_> = spans
            .iter()
            .map(|(ticker, first, last)| (symbol(ticker), day(first), day(last)))
            .collect();
        let found = bars::closes_around(&db, &spans, before, after)
            .await
            .unwrap();
        found
            .iter()
            .map(|(place, close)| {
                format!(
                    "{place} {} {} {:?}",
                    close.symbol,
                    close.date,
                    close.close.map(|c| c.to_string())
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        around(
            &[
                ("SPY", "2026-01-07", "2026-01-07"),
                ("QQQ", "2026-01-07", "2026-01-08")
            ],
            1,
            1
        )
        .await,
        [
            r#"0 SPY 2026-01-07 Some("689.1234")"#,
            r#"1 QQQ 2026-01-06 Some("6.0000")"#,
            r#"1 QQQ 2026-01-07 Some("7.0000")"#,
            "1 QQQ 2026-01-08 None",
            r#"1 QQQ 2026-01-09 Some("9.0000")"#,
        ]
    );
    // A day without a bar, and the ends of the history.
    assert_eq!(
        around(&[("QQQ", "2026-01-10", "2026-01-11")], 0, 1).await,
        [r#"0 QQQ 2026-01-12 Some("12.0000")"#]
    );
    assert_eq!(
        around(&[("QQQ", "2026-01-06", "2026-01-09")], 9, 9)
            .await
            .len(),
        6
    );
    assert_eq!(
        around(&[("TLT", "2026-01-06", "2026-01-09")], 9, 9).await,
        <[String; 0]>::default()
    );

    let dates = async |limit| bars::dates(&db, limit).await.unwrap();
    assert_eq!(dates(2).await, [day("2026-01-05"), day("2026-01-06")]);
    assert_eq!(dates(9).await.len(), 6);
}

#[tokio::test]
async fn a_span_of_bars_is_removed_with_both_its_ends() {
    let db = database().await;
    let dates = [
        "2026-01-09",
        "2026-01-06",
        "2026-01-08",
        "2026-01-05",
        "2026-01-07",
    ];
    let closes = ["9", "6", "8", "5", "7"];
    let of = |ticker| {
        dates
            .iter()
            .zip(closes)
            .map(move |(date, close)| bar(ticker, date, close))
    };
    let bars: Vec<Bar> = of("SPY").chain(of("TLT")).collect();
    bars::upsert_many(&db, &bars).await.unwrap();
    let (from, to) = (day("2026-01-06"), day("2026-01-08"));
    assert_eq!(bars::delete(&db, symbol("SPY"), from, to).await.unwrap(), 3);
    assert_eq!(
        keys(&all(&db, "SPY").await),
        ["SPY 2026-01-05", "SPY 2026-01-09"]
    );
    assert_eq!(all(&db, "TLT").await.len(), 5);
    // Nothing is left of the span, and nothing is before its start.
    assert_eq!(bars::delete(&db, symbol("SPY"), from, to).await.unwrap(), 0);
    assert_eq!(bars::delete(&db, symbol("TLT"), to, from).await.unwrap(), 0);
}

#[tokio::test]
async fn all_bars_of_a_symbol_are_read_and_removed() {
    let db = database().await;
    let mut open = bar("QQQ", "2026-01-08", "8");
    open.close = None;
    let kept = bar("SPY", "2026-01-07", "689.1234");
    let earlier = bar("QQQ", "2026-01-05", "5.0000");
    bars::upsert_many(&db, &[open, kept, earlier])
        .await
        .unwrap();
    let all = bars::range_lossy(&db, symbol("QQQ"), NaiveDate::MIN, NaiveDate::MAX);
    let all: Vec<Bar> = all.try_collect().await.unwrap();
    assert_eq!(all, [earlier, open]);
    assert_eq!(bars::delete_all(&db, symbol("QQQ")).await.unwrap(), 2);
    assert_eq!(bars::symbols(&db).await.unwrap(), [symbol("SPY")]);
}

/// Of the bar before, and of the one behind; not of one further away than a month.
#[tokio::test]
async fn an_import_refuses_a_close_far_from_its_neighbours() {
    let db = database().await;
    let import = async |date: &str, close: &str, far_prices| {
        let bar = Bar {
            symbol: symbol("SPY"),
            date: day(date),
            open: None,
            high: None,
            low: None,
            close: Some(price(close)),
            volume: None,
        };
        let rows = stream::iter([Ok::<_, Error>(bar)]);
        bars::import_with(&db, rows, Missing::Keeps, far_prices, |_, _| Ok(())).await
    };
    import("2026-01-07", "689.5", FarPrices::Refused)
        .await
        .unwrap();
    for date in ["2026-01-06", "2026-01-08", "2026-02-07"] {
        let error = invalid(import(date, "0.6875", FarPrices::Refused).await);
        assert!(
            error.contains(&format!("0.6875 of SPY on {date}")),
            "{error}"
        );
    }
    import("2026-02-08", "0.6875", FarPrices::Refused)
        .await
        .unwrap();
    import("2026-01-08", "0.6875", FarPrices::Taken)
        .await
        .unwrap();
}
