use llm_trading_db::repo::{
    Upserted,
    correlations::{self, Correlation, Coverage},
};

use super::counts;
use crate::fixtures::{count, database, day, dec, invalid, refused_by, symbol, versions};

fn cell(pair: &str, date: &str, correlation: Option<&str>) -> Correlation {
    let (a, b) = pair.split_once(' ').unwrap();
    Correlation {
        symbol_1: symbol(a),
        symbol_2: symbol(b),
        date: day(date),
        correlation: correlation.map(dec),
        window_rows: 30,
    }
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    assert_eq!(
        correlations::upsert_many(&db, &[]).await.unwrap(),
        Upserted::default()
    );
    assert_eq!(correlations::delete_dates(&db, &[]).await.unwrap(), 0);
    assert_eq!(
        correlations::matrix(&db, day("2026-01-07")).await.unwrap(),
        None
    );
    assert_eq!(correlations::latest_matrix(&db).await.unwrap(), None);
    assert_eq!(correlations::coverage(&db).await.unwrap(), []);
}

#[tokio::test]
async fn an_upsert_counts_what_it_did() {
    let db = database().await;
    let mut batch = vec![
        cell("SPY QQQ", "2026-01-07", Some("0.98765432")),
        cell("QQQ SPY", "2026-01-07", Some("0.98765432")),
        cell("QQQ QQQ", "2026-01-07", None),
    ];
    let upserted = correlations::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(upserted), (3, 0, 0));

    let before = versions(&db, "correlation_matrix").await;
    let upserted = correlations::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(upserted), (0, 0, 3));
    assert_eq!(versions(&db, "correlation_matrix").await, before);

    batch[1].window_rows = 31;
    batch[2].correlation = Some(dec("0"));
    batch.push(cell("SPY SPY", "2026-01-07", Some("1")));
    let upserted = correlations::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(upserted), (1, 2, 1));
    let matrix = correlations::latest_matrix(&db).await.unwrap().unwrap();
    assert_eq!(matrix.cells, [batch[2], batch[1], batch[0], batch[3]]);
}

#[tokio::test]
async fn an_insert_takes_only_what_is_not_there() {
    let db = database().await;
    correlations::insert_many(&db, &[]).await.unwrap();
    let batch = [
        cell("SPY QQQ", "2026-01-07", Some("0.98765432")),
        cell("TLT SPY", "2026-01-06", None),
        cell("QQQ SPY", "2026-01-07", Some("-0.5")),
        cell("QQQ QQQ", "2026-01-07", Some("1")),
    ];
    correlations::insert_many(&db, &batch).await.unwrap();
    let matrix = correlations::latest_matrix(&db).await.unwrap().unwrap();
    assert_eq!(matrix.cells, [batch[3], batch[2], batch[0]]);
    let matrix = correlations::matrix(&db, day("2026-01-06")).await.unwrap();
    assert_eq!(matrix.unwrap().cells, [batch[1]]);

    let with_a_known = [cell("SPY SPY", "2026-01-07", Some("1")), batch[2]];
    let refused = correlations::insert_many(&db, &with_a_known).await;
    assert_eq!(refused_by(refused), "correlation_matrix_pkey");
    let twice = [cell("SPY SPY", "2026-01-07", None); 2];
    let error = invalid(correlations::insert_many(&db, &twice).await);
    assert!(error.contains("for 2026-01-07 SPY SPY;"), "{error}");
    assert_eq!(count(&db, "correlation_matrix").await, 4);
}

#[tokio::test]
async fn keys_given_twice_are_listed_and_values_out_of_range_refused() {
    let db = database().await;
    let twice = [cell("SPY QQQ", "2026-01-07", None); 2];
    let error = invalid(correlations::upsert_many(&db, &twice).await);
    assert!(error.contains("for 2026-01-07 SPY QQQ;"), "{error}");

    let mut narrow = cell("SPY QQQ", "2026-01-07", None);
    narrow.window_rows = 1;
    for (bad, constraint) in [
        (
            cell("SPY QQQ", "2026-01-07", Some("37.5")),
            "correlation_range",
        ),
        (
            cell("SPY QQQ", "2026-01-07", Some("-1.00000001")),
            "correlation_range",
        ),
        (narrow, "correlation_matrix_window"),
    ] {
        let batch = [cell("QQQ SPY", "2026-01-07", Some("1")), bad];
        let refused = correlations::upsert_many(&db, &batch).await;
        assert_eq!(refused_by(refused), constraint);
    }
    assert_eq!(count(&db, "correlation_matrix").await, 0);
}

#[tokio::test]
async fn a_matrix_tells_a_missing_value_from_zero() {
    let db = database().await;
    let cells = [
        cell("SPY SPY", "2026-01-07", Some("1")),
        cell("SPY QQQ", "2026-01-07", Some("0")),
        cell("QQQ SPY", "2026-01-07", Some("-0.5")),
        cell("QQQ QQQ", "2026-01-07", None),
        cell("TLT TLT", "2026-01-06", Some("1")),
    ];
    correlations::upsert_many(&db, &cells).await.unwrap();
    let matrix = correlations::matrix(&db, day("2026-01-07")).await.unwrap();
    let matrix = matrix.unwrap();
    assert_eq!(matrix.date, day("2026-01-07"));
    assert_eq!(matrix.symbols, ["QQQ", "SPY"].map(symbol));
    assert_eq!(matrix.cells, [cells[3], cells[2], cells[1], cells[0]]);
    for (pair, expected) in [
        ("SPY SPY", Some("1")),
        ("SPY QQQ", Some("0")),
        ("QQQ SPY", Some("-0.5")),
        ("QQQ QQQ", None),
        ("TLT TLT", None),
    ] {
        let asked = cell(pair, "2026-01-07", None);
        let found = matrix.get(asked.symbol_1, asked.symbol_2);
        assert_eq!(found, expected.map(dec), "{pair}");
    }
    let latest = correlations::latest_matrix(&db).await.unwrap();
    assert_eq!(latest, Some(matrix));
}

#[tokio::test]
async fn coverage_and_deletion_are_by_date() {
    let db = database().await;
    let mut cells = [
        cell("SPY SPY", "2026-01-07", Some("1")),
        cell("SPY QQQ", "2026-01-07", None),
        cell("SPY SPY", "2026-01-06", Some("1")),
        cell("SPY SPY", "2026-01-05", Some("1")),
    ];
    cells[1].window_rows = 5;
    correlations::upsert_many(&db, &cells).await.unwrap();
    let covered = |date, cells, min_window| Coverage {
        date: day(date),
        cells,
        min_window,
        max_window: 30,
    };
    assert_eq!(
        correlations::coverage(&db).await.unwrap(),
        [
            covered("2026-01-05", 1, 30),
            covered("2026-01-06", 1, 30),
            covered("2026-01-07", 2, 5)
        ]
    );
    let dates = ["2026-01-07", "2026-01-05", "2025-01-01"].map(day);
    assert_eq!(correlations::delete_dates(&db, &dates).await.unwrap(), 3);
    assert_eq!(
        correlations::coverage(&db).await.unwrap(),
        [covered("2026-01-06", 1, 30)]
    );
}
