use chrono::NaiveDate;
use llm_trading_db::{
    repo::{
        Upserted,
        correlations::{self, Block, Correlation},
    },
    types::Symbol,
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

/// Two matrices of three symbols, from 0 in steps of a tenth, the last one unknown.
const SYMBOLS: [&str; 3] = ["QQQ", "SPY", "TLT"];
const DATES: [&str; 2] = ["2026-01-06", "2026-01-07"];

fn block<'a>(
    symbols: &'a [Symbol],
    dates: &'a [NaiveDate],
    first: u64,
    cells: &'a [i64],
) -> Block<'a> {
    Block {
        symbols,
        dates,
        window_rows: 30,
        first,
        cells,
    }
}

#[tokio::test]
async fn blocks_are_stored_in_pieces() {
    let db = database().await;
    let (symbols, dates) = (SYMBOLS.map(symbol), DATES.map(day));
    let mut cells: Vec<i64> = (0..18).map(|n| n * 5_000_001).collect();
    cells[17] = Block::UNKNOWN;
    for (first, cells) in [(11, &cells[11..]), (0, &cells[..11])] {
        let piece = block(&symbols, &dates, first, cells);
        correlations::insert_block(&db, &piece).await.unwrap();
    }
    let matrix = correlations::matrix(&db, dates[1]).await.unwrap().unwrap();
    let stored: Vec<String> = matrix
        .cells
        .iter()
        .map(|cell| {
            format!(
                "{} {} {:?}",
                cell.symbol_1,
                cell.symbol_2,
                cell.correlation.map(|r| r.to_string())
            )
        })
        .collect();
    assert_eq!(stored[0], r#"QQQ QQQ Some("0.45000009")"#);
    assert_eq!(stored[1], r#"QQQ SPY Some("0.50000010")"#);
    assert_eq!(stored[3], r#"SPY QQQ Some("0.60000012")"#);
    assert_eq!(stored[8], "TLT TLT None");
    assert_eq!(count(&db, "correlation_matrix").await, 18);

    let again = correlations::insert_block(&db, &block(&symbols, &dates, 17, &[0])).await;
    assert_eq!(refused_by(again), "correlation_matrix_pkey");
    let before = versions(&db, "correlation_matrix").await;
    let upserted = correlations::upsert_block(&db, &block(&symbols, &dates, 0, &cells))
        .await
        .unwrap();
    assert_eq!(counts(upserted), (0, 0, 18));
    assert_eq!(versions(&db, "correlation_matrix").await, before);
    cells[4] = 7;
    cells[5] = Block::UNKNOWN;
    let upserted = correlations::upsert_block(&db, &block(&symbols, &dates, 3, &cells[3..6]))
        .await
        .unwrap();
    assert_eq!(counts(upserted), (0, 2, 1));
    let matrix = correlations::matrix(&db, dates[0]).await.unwrap().unwrap();
    assert_eq!(matrix.get(symbols[1], symbols[1]), Some(dec("0.00000007")));
    assert_eq!(matrix.get(symbols[1], symbols[2]), None);

    let beyond = correlations::upsert_block(&db, &block(&symbols, &dates, 0, &[100_000_001])).await;
    assert_eq!(refused_by(beyond), "correlation_range");
}

#[tokio::test]
async fn cells_of_other_symbols_are_removed() {
    let db = database().await;
    let (symbols, dates) = (SYMBOLS.map(symbol), DATES.map(day));
    let cells = [1; 18];
    correlations::insert_block(&db, &block(&symbols, &dates, 0, &cells))
        .await
        .unwrap();
    let removed = correlations::keep_symbols(&db, &dates[1..], &symbols[..2])
        .await
        .unwrap();
    assert_eq!(removed, 5);
    assert_eq!(count(&db, "correlation_matrix").await, 13);
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
async fn dates_are_found_and_deleted() {
    let db = database().await;
    assert_eq!(correlations::extent(&db).await.unwrap(), None);
    let cells = [
        cell("SPY SPY", "2026-01-07", Some("1")),
        cell("SPY QQQ", "2026-01-07", None),
        cell("SPY SPY", "2026-01-06", Some("1")),
        cell("SPY SPY", "2026-01-03", Some("1")),
    ];
    correlations::upsert_many(&db, &cells).await.unwrap();
    let between = async |from: &str, to: &str| {
        let dates = correlations::dates_between(&db, day(from), day(to)).await;
        dates
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        between("2026-01-03", "2026-01-07").await,
        ["2026-01-03", "2026-01-06", "2026-01-07"]
    );
    assert_eq!(between("2026-01-04", "2026-01-06").await, ["2026-01-06"]);
    assert_eq!(
        between("2026-01-08", "2026-02-06").await,
        <[String; 0]>::default()
    );
    let extent = correlations::extent(&db).await.unwrap();
    assert_eq!(extent, Some((day("2026-01-03"), day("2026-01-07"))));

    let dates = ["2026-01-07", "2026-01-03", "2025-01-01"].map(day);
    assert_eq!(correlations::delete_dates(&db, &dates).await.unwrap(), 3);
    assert_eq!(between("2020-01-01", "2030-01-01").await, ["2026-01-06"]);
}
