use std::pin::pin;

use futures_util::TryStreamExt;
use llm_trading_db::{
    db::Db,
    error::Result,
    repo::{
        Upserted,
        returns::{self, Return},
    },
};
use rust_decimal::Decimal;

use super::counts;
use crate::fixtures::{code, count, database, day, dec, invalid, symbol, versions};

fn row(ticker: &str, date: &str, log_return: &str) -> Return {
    Return {
        symbol: symbol(ticker),
        date: day(date),
        log_return: dec(log_return),
    }
}

/// The two tables have the same functions.
#[derive(Debug, Clone, Copy)]
enum Table {
    Daily,
    SevenDay,
}

impl Table {
    const BOTH: [Self; 2] = [Self::Daily, Self::SevenDay];

    fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily_log_returns",
            Self::SevenDay => "rolling_7day_log_returns",
        }
    }

    async fn upsert(self, db: &Db, rows: &[Return]) -> Result<Upserted> {
        match self {
            Self::Daily => returns::upsert_daily(db, rows).await,
            Self::SevenDay => returns::upsert_7day(db, rows).await,
        }
    }

    async fn all(self, db: &Db) -> Vec<Return> {
        match self {
            Self::Daily => returns::all_daily(db).await.unwrap(),
            Self::SevenDay => returns::all_7day(db).await.unwrap(),
        }
    }
}

#[tokio::test]
async fn an_upsert_counts_what_it_did() {
    let db = database().await;
    for table in Table::BOTH {
        assert_eq!(table.all(&db).await, []);
        let none = table.upsert(&db, &[]).await.unwrap();
        assert_eq!(none, Upserted::default());

        let mut batch = vec![
            row("SPY", "2026-01-08", "-0.00000001"),
            row("SPY", "2026-01-07", "0.01"),
            row("QQQ", "2026-01-08", "0"),
        ];
        let upserted = table.upsert(&db, &batch).await.unwrap();
        assert_eq!(counts(upserted), (3, 0, 0), "{table:?}");
        assert_eq!(table.all(&db).await, [batch[2], batch[1], batch[0]]);

        let before = versions(&db, table.name()).await;
        let upserted = table.upsert(&db, &batch).await.unwrap();
        assert_eq!(counts(upserted), (0, 0, 3), "{table:?}");
        assert_eq!(versions(&db, table.name()).await, before);

        batch[0].log_return = dec("0.00000001");
        batch.push(row("TLT", "2026-01-07", "9999.99999999"));
        let upserted = table.upsert(&db, &batch).await.unwrap();
        assert_eq!(counts(upserted), (1, 1, 2), "{table:?}");
        assert_eq!(
            table.all(&db).await,
            [batch[2], batch[1], batch[0], batch[3]]
        );
    }
}

#[tokio::test]
async fn keys_given_twice_are_listed_and_a_value_too_large_is_refused() {
    let db = database().await;
    for table in Table::BOTH {
        let twice = [row("SPY", "2026-01-07", "0.1"); 2];
        let error = invalid(table.upsert(&db, &twice).await);
        assert!(error.contains("for SPY 2026-01-07;"), "{error}");
        let large = [
            row("QQQ", "2026-01-07", "0.1"),
            row("SPY", "2026-01-07", "10000"),
        ];
        assert_eq!(code(table.upsert(&db, &large).await), "22003");
        assert_eq!(count(&db, table.name()).await, 0);
    }
}

#[tokio::test]
async fn more_decimals_than_the_column_has_are_rounded_once() {
    let db = database().await;
    let rows = [row("SPY", "2026-01-07", "0.123456785")];
    returns::upsert_daily(&db, &rows).await.unwrap();
    assert_eq!(
        returns::all_daily(&db).await.unwrap()[0].log_return,
        dec("0.12345679")
    );
    let again = returns::upsert_daily(&db, &rows).await.unwrap();
    assert_eq!(counts(again), (0, 0, 1));
}

#[tokio::test]
async fn a_deletion_counts_what_was_there() {
    let db = database().await;
    let rows = [
        row("QQQ", "2026-01-07", "0.3"),
        row("SPY", "2026-01-07", "0.1"),
        row("SPY", "2026-01-08", "0.2"),
    ];
    let keys = [
        (symbol("SPY"), day("2026-01-07")),
        (symbol("GLD"), day("2026-01-07")),
        (symbol("QQQ"), day("2026-01-08")),
    ];
    for table in Table::BOTH {
        table.upsert(&db, &rows).await.unwrap();
        let deleted = match table {
            Table::Daily => returns::delete_daily(&db, &keys).await,
            Table::SevenDay => returns::delete_7day(&db, &keys).await,
        };
        assert_eq!(deleted.unwrap(), 1, "{table:?}");
        assert_eq!(table.all(&db).await, [rows[0], rows[2]]);
    }
    assert_eq!(returns::delete_daily(&db, &[]).await.unwrap(), 0);
    assert_eq!(returns::delete_7day(&db, &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_range_of_daily_returns_includes_both_ends_and_can_be_left_early() {
    let db = database().await;
    let rows = [
        row("SPY", "2026-01-08", "0.4"),
        row("SPY", "2026-01-05", "0.1"),
        row("SPY", "2026-01-07", "0.3"),
        row("SPY", "2026-01-06", "0.2"),
        row("QQQ", "2026-01-06", "0.9"),
    ];
    returns::upsert_daily(&db, &rows).await.unwrap();
    let range = |from, to| returns::daily(&db, symbol("SPY"), day(from), day(to));
    let inner: Vec<Return> = range("2026-01-06", "2026-01-07")
        .try_collect()
        .await
        .unwrap();
    assert_eq!(inner, [rows[3], rows[2]]);
    let first = pin!(range("2026-01-01", "2026-01-31"))
        .try_next()
        .await
        .unwrap();
    assert_eq!(first, Some(rows[1]));
    let none: Vec<Return> = range("2026-01-09", "2026-01-31")
        .try_collect()
        .await
        .unwrap();
    assert_eq!(none, []);
}

#[tokio::test]
async fn a_symbol_that_lags_is_there_with_its_own_date() {
    let db = database().await;
    let rows = [
        row("TLT", "2026-01-07", "0"),
        row("SPY", "2026-01-07", "0.1"),
        row("SPY", "2026-01-08", "0.2"),
        row("QQQ", "2026-01-08", "0.9"),
    ];
    returns::upsert_7day(&db, &rows).await.unwrap();
    let asked = ["TLT", "GLD", "SPY", "TLT"].map(symbol);
    assert_eq!(
        returns::latest_7day(&db, &asked).await.unwrap(),
        [rows[2], rows[0]]
    );
    assert_eq!(returns::latest_7day(&db, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_batch_has_any_size() {
    let db = database().await;
    let first = day("1900-01-01");
    let rows: Vec<Return> = (0..70_000_u32)
        .map(|n| Return {
            symbol: symbol(["SPY", "QQQ", "TLT"][n as usize % 3]),
            date: first + chrono::Days::new(u64::from(n / 3)),
            log_return: Decimal::new(i64::from(n), 8),
        })
        .collect();
    for size in [0, 1, 70_000] {
        let upserted = returns::upsert_daily(&db, &rows[..size]).await.unwrap();
        assert_eq!(
            upserted.inserted,
            (size as u64).saturating_sub(upserted.unchanged)
        );
        assert_eq!(count(&db, "daily_log_returns").await, size as i64);
    }
    let again = returns::upsert_daily(&db, &rows).await.unwrap();
    assert_eq!(counts(again), (0, 0, 70_000));
    let mut stored = returns::all_daily(&db).await.unwrap();
    stored.sort_by_key(|row| row.log_return);
    assert!(stored == rows, "what was stored is not what was sent");
}

#[tokio::test]
async fn the_first_day_of_all_is_before_others() {
    let db = database().await;
    let rows = ["0001-01-01", "0001-01-02", "0001-01-05"].map(|date| row("SPY", date, "0.5"));
    returns::upsert_7day(&db, &rows).await.unwrap();
    let days = rows.map(|row| row.date);
    for (n, date) in days.into_iter().enumerate() {
        let found = returns::dates_before(&db, date, 9).await.unwrap();
        assert_eq!(found, days[..n], "{date}");
    }
}
