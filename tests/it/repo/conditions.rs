use llm_trading_db::{
    db::Db,
    repo::{
        Upserted,
        conditions::{self, ConditionPerformance},
    },
    types::Weeks,
};

use super::counts;
use crate::fixtures::{account, count, database, dec, invalid, now, refused_by, versions};

fn row(value: &str, name: &str, avg_return: Option<&str>) -> ConditionPerformance {
    ConditionPerformance {
        condition_type: "volatility".parse().unwrap(),
        condition_value: value.parse().unwrap(),
        account: account(name),
        weeks_in_condition: 3,
        avg_return: avg_return.map(dec),
        avg_sharpe: Some(dec("1.5")),
        win_rate: Some(dec("0.3333")),
        weeks_lookback: None,
        calculated_at: now(),
    }
}

async fn high(db: &Db, lookback: Option<Weeks>) -> Vec<ConditionPerformance> {
    let (kind, value) = ("volatility".parse().unwrap(), "high".parse().unwrap());
    conditions::of_condition(db, &kind, &value, lookback)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    assert_eq!(
        conditions::upsert_many(&db, &[]).await.unwrap(),
        Upserted::default()
    );
    assert_eq!(high(&db, None).await, []);
}

#[tokio::test]
async fn rows_are_kept_by_condition_account_and_lookback() {
    let db = database().await;
    let rows = [
        row("high", "GEMINI", None),
        row("high", "CHATGPT", Some("0")),
        row("high", "COUNCIL", Some("0.000001")),
        row("high", "CLAUDE", Some("0")),
        row("low", "CHATGPT", Some("9")),
    ];
    let upserted = conditions::upsert_many(&db, &rows).await.unwrap();
    assert_eq!(counts(upserted), (5, 0, 0));
    // Best first, equal ones by account, unknown last.
    assert_eq!(
        high(&db, None).await,
        [2, 1, 3, 0].map(|n: usize| rows[n].clone())
    );

    let lookback = Some(Weeks::new(4).unwrap());
    let four_weeks = ConditionPerformance {
        weeks_lookback: lookback,
        ..rows[0].clone()
    };
    let upserted = conditions::upsert_many(&db, std::slice::from_ref(&four_weeks)).await;
    assert_eq!(counts(upserted.unwrap()), (1, 0, 0));
    assert_eq!(high(&db, lookback).await, [four_weeks]);

    let changed = row("high", "GEMINI", Some("0.5"));
    let batch = [row("low", "GEMINI", None), changed.clone()];
    let upserted = conditions::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(upserted), (1, 1, 0));
    assert_eq!(high(&db, None).await[0], changed);

    let before = versions(&db, "market_condition_performance").await;
    let again = conditions::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(again), (0, 0, 2));
    assert_eq!(versions(&db, "market_condition_performance").await, before);
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused() {
    let db = database().await;
    let twice = [
        row("low", "GEMINI", None),
        row("high", "GEMINI", None),
        row("low", "GEMINI", Some("0")),
    ];
    let error = invalid(conditions::upsert_many(&db, &twice).await);
    assert!(error.contains("for GEMINI volatility low;"), "{error}");
    let mut mixed = [row("low", "GEMINI", None), row("high", "GEMINI", None)];
    mixed[0].weeks_lookback = Some(Weeks::new(4).unwrap());
    assert_eq!(
        invalid(conditions::upsert_many(&db, &mixed).await),
        "weeks_lookback: must be the same for all rows of a call"
    );

    let mut never = row("high", "GEMINI", None);
    never.weeks_in_condition = -1;
    let mut often = row("high", "GEMINI", None);
    often.win_rate = Some(dec("-0.0001"));
    for (bad, constraint) in [
        (never, "market_condition_performance_weeks"),
        (often, "share_range"),
    ] {
        let batch = [row("low", "GEMINI", None), bad];
        let refused = conditions::upsert_many(&db, &batch).await;
        assert_eq!(refused_by(refused), constraint);
    }
    assert_eq!(count(&db, "market_condition_performance").await, 0);
}
