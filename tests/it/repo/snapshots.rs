use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use llm_trading_db::repo::{
    Upserted,
    snapshots::{self, Snapshot},
};

use super::counts;
use crate::fixtures::{at, count, database, day, invalid, price, refused_by, symbol, versions};

/// A snapshot at an hour of a day, New York being five hours behind.
fn snapshot(ticker: &str, date: &str, hour: i32, price: Option<&str>) -> Snapshot {
    Snapshot {
        symbol: symbol(ticker),
        timestamp: at(&format!("{date}T{:02}:00:00.000001Z", hour + 5)),
        date: day(date),
        hour,
        price: price.map(self::price),
        volume: Some(1000),
    }
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    let spy = symbol("SPY");
    assert_eq!(
        snapshots::upsert_many(&db, &[]).await.unwrap(),
        Upserted::default()
    );
    for asked in [&[][..], &[spy]] {
        let latest = snapshots::latest(&db, asked, day("2026-01-07"), 23).await;
        assert_eq!(latest.unwrap(), []);
    }
    let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let range: Vec<Snapshot> = snapshots::range(&db, spy, from.into(), to.into())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(range, []);
}

#[tokio::test]
async fn an_upsert_counts_what_it_did() {
    let db = database().await;
    let mut batch = vec![
        snapshot("SPY", "2026-01-07", 9, Some("689")),
        snapshot("SPY", "2026-01-07", 10, None),
        snapshot("QQQ", "2026-01-07", 9, Some("620")),
    ];
    let upserted = snapshots::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(upserted), (3, 0, 0));

    let before = versions(&db, "hourly_snapshots").await;
    let upserted = snapshots::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(upserted), (0, 0, 3));
    assert_eq!(versions(&db, "hourly_snapshots").await, before);

    batch[1].price = Some(price("0"));
    batch[2].volume = None;
    batch.push(snapshot("TLT", "2026-01-07", 9, Some("88")));
    let upserted = snapshots::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(upserted), (1, 2, 1));
    let upserted = snapshots::upsert(&db, &batch[0]).await.unwrap();
    assert_eq!(counts(upserted), (0, 0, 1));
}

#[tokio::test]
async fn keys_given_twice_are_listed() {
    let db = database().await;
    let same_instant = Snapshot {
        timestamp: at("2026-01-07T15:00:00.0000019+01:00"),
        ..snapshot("SPY", "2026-01-07", 9, Some("1"))
    };
    let twice = [snapshot("SPY", "2026-01-07", 9, Some("2")), same_instant];
    let error = invalid(snapshots::upsert_many(&db, &twice).await);
    assert!(
        error.contains("SPY 2026-01-07 14:00:00.000001 UTC"),
        "{error}"
    );
    assert_eq!(count(&db, "hourly_snapshots").await, 0);
}

#[tokio::test]
async fn hours_are_0_to_23() {
    let db = database().await;
    for hour in [-1, 24] {
        let bad = Snapshot {
            hour,
            ..snapshot("SPY", "2026-01-07", 9, Some("1"))
        };
        assert_eq!(
            refused_by(snapshots::upsert(&db, &bad).await),
            "hourly_snapshots_hour_of_day"
        );
    }
    for hour in [0, 23] {
        let good = Snapshot {
            hour,
            ..snapshot("SPY", "2026-01-07", 9, Some("1"))
        };
        snapshots::upsert(&db, &good).await.unwrap();
    }
}

#[tokio::test]
async fn the_latest_price_is_of_the_hour_or_before() {
    let db = database().await;
    let stored = [
        snapshot("SPY", "2026-01-07", 10, Some("690")),
        snapshot("SPY", "2026-01-06", 15, Some("680")),
        snapshot("SPY", "2026-01-07", 11, None),
        snapshot("SPY", "2026-01-07", 12, Some("0")),
        snapshot("QQQ", "2026-01-06", 9, Some("620")),
        snapshot("TLT", "2026-01-06", 9, None),
    ];
    snapshots::upsert_many(&db, &stored).await.unwrap();
    let asked = ["TLT", "SPY", "GLD", "QQQ", "SPY"].map(symbol);
    for (date, hour, spy) in [
        ("2026-01-08", 0, Some(3)),
        ("2026-01-07", 23, Some(3)),
        ("2026-01-07", 11, Some(0)),
        ("2026-01-07", 10, Some(0)),
        ("2026-01-07", 9, Some(1)),
        ("2026-01-06", 15, Some(1)),
        ("2026-01-06", 14, None),
    ] {
        let latest = snapshots::latest(&db, &asked, day(date), hour).await;
        // QQQ first: by symbol, not as asked.
        let mut expected = vec![stored[4]];
        expected.extend(spy.map(|n| stored[n]));
        assert_eq!(latest.unwrap(), expected, "{date} {hour}");
    }
}

#[tokio::test]
async fn a_range_includes_both_ends_and_can_be_left_early() {
    let db = database().await;
    let stored: Vec<Snapshot> = (9..13)
        .map(|hour| snapshot("SPY", "2026-01-07", hour, Some("689.1234")))
        .collect();
    let other = snapshot("QQQ", "2026-01-07", 10, Some("620"));
    let mut batch = stored.clone();
    batch.push(other);
    batch.reverse();
    snapshots::upsert_many(&db, &batch).await.unwrap();
    let range = |from: usize, to: usize| {
        let (from, to) = (stored[from].timestamp, stored[to].timestamp);
        snapshots::range(&db, symbol("SPY"), from, to)
    };
    let inner: Vec<Snapshot> = range(1, 2).try_collect().await.unwrap();
    assert_eq!(inner, stored[1..3]);
    let first = pin!(range(0, 3)).try_next().await.unwrap();
    assert_eq!(first, Some(stored[0]));
    let none: Vec<Snapshot> = range(2, 1).try_collect().await.unwrap();
    assert_eq!(none, []);
}
