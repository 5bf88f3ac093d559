use llm_trading_db::{
    repo::{
        Upserted,
        weekly::{self, WeeklyResult},
    },
    types::{Direction, Instrument},
};

use super::counts;
use crate::fixtures::{
    account, code, count, database, day, dec, execute, invalid, now, price, symbol, versions, week,
};

fn result(name: &str, week_id: &str, weekly_return: Option<&str>) -> WeeklyResult {
    WeeklyResult {
        account: account(name),
        week_id: week(week_id),
        weekly_return: weekly_return.map(dec),
        instrument: Some(symbol("SPY").into()),
        direction: Some(Direction::Short),
        entry_conviction: Some("-1.25".parse().unwrap()),
        entry_price: Some(price("689.1234")),
        exit_price: None,
        calculated_at: now(),
    }
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    assert_eq!(
        weekly::upsert_many(&db, &[]).await.unwrap(),
        Upserted::default()
    );
    let of_account = weekly::of_account(&db, account("CHATGPT"), 10).await;
    assert_eq!(of_account.unwrap(), []);
    let of_week = weekly::of_week(&db, week("2026-01-07")).await;
    assert_eq!(of_week.unwrap(), []);
}

#[tokio::test]
async fn a_week_goes_from_wednesday_to_tuesday() {
    let db = database().await;
    let result = result("CHATGPT", "2025-12-31", Some("0"));
    weekly::upsert_many(&db, std::slice::from_ref(&result))
        .await
        .unwrap();
    let stored = weekly::of_week(&db, result.week_id).await.unwrap();
    assert_eq!(
        stored,
        [like!(stored[0], {
            account: result.account,
            week_id: result.week_id,
            week_start: day("2025-12-31"),
            week_end: day("2026-01-06"),
            weekly_return: Some(dec("0")),
            weekly_volatility: None,
            instrument: result.instrument,
            direction: result.direction,
            entry_conviction: result.entry_conviction,
            exit_conviction: None,
            entry_price: result.entry_price,
            exit_price: None,
            position_size: None,
            realized_pnl: None,
            fees: None,
            net_pnl: None,
            entry_reason: None,
            exit_reason: None,
            panic_exit: false,
            market_regime: None,
            calculated_at: now(),
        })]
    );
}

#[tokio::test]
async fn what_other_writers_know_stays() {
    let db = database().await;
    let open = result("CHATGPT", "2026-01-07", None);
    let other = result("GEMINI", "2026-01-07", None);
    let upserted = weekly::upsert_many(&db, &[open.clone(), other.clone()]).await;
    assert_eq!(counts(upserted.unwrap()), (2, 0, 0));
    let known = execute(
        &db,
        "UPDATE weekly_performance
         SET fees = 0, net_pnl = -12.34, position_size = -10, exit_reason = 'stop', market_regime = 'RISK_OFF',
             panic_exit = true
         WHERE account = 'CHATGPT'",
    );
    assert_eq!(known.await.unwrap(), 1);

    let closed = WeeklyResult {
        weekly_return: Some(dec("-0.000001")),
        instrument: None,
        direction: None,
        entry_conviction: None,
        entry_price: Some(price("0")),
        exit_price: Some(price("0.0001")),
        ..open
    };
    let upserted = weekly::upsert_many(&db, std::slice::from_ref(&closed))
        .await
        .unwrap();
    assert_eq!(counts(upserted), (0, 1, 0));
    let before = versions(&db, "weekly_performance").await;
    // Which instrument it was is known from the first save.
    let again = weekly::upsert_many(&db, &[closed, other.clone()])
        .await
        .unwrap();
    assert_eq!(counts(again), (0, 0, 2));
    assert_eq!(versions(&db, "weekly_performance").await, before);
    let stored = weekly::of_week(&db, week("2026-01-07")).await.unwrap();
    let [week, untouched] = &stored[..] else {
        panic!("{stored:?}")
    };
    assert_eq!(week.instrument, Some(Instrument::from(symbol("SPY"))));
    assert_eq!((week.direction, week.entry_conviction), (None, None));
    assert_eq!(week.weekly_return, Some(dec("-0.000001")));
    assert_eq!(
        (week.entry_price, week.exit_price),
        (Some(price("0")), Some(price("0.0001")))
    );
    assert_eq!(
        (week.fees, week.net_pnl),
        (Some(dec("0")), Some(dec("-12.34")))
    );
    assert_eq!((week.position_size, week.panic_exit), (Some(-10), true));
    assert_eq!(week.exit_reason.as_deref(), Some("stop"));
    assert_eq!(week.market_regime.as_deref(), Some("RISK_OFF"));
    assert_eq!((untouched.account, untouched.fees), (other.account, None));
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused() {
    let db = database().await;
    let twice = [
        result("GEMINI", "2026-01-07", None),
        result("CHATGPT", "2026-01-07", None),
        result("GEMINI", "2026-01-07", Some("0")),
    ];
    let error = invalid(weekly::upsert_many(&db, &twice).await);
    assert!(error.contains("for GEMINI 2026-01-07;"), "{error}");
    let large = [
        result("CHATGPT", "2026-01-07", None),
        result("GEMINI", "2026-01-07", Some("1000000")),
    ];
    assert_eq!(code(weekly::upsert_many(&db, &large).await), "22003");
    assert_eq!(count(&db, "weekly_performance").await, 0);
}

#[tokio::test]
async fn weeks_come_newest_first_and_accounts_in_order() {
    let db = database().await;
    let results = [
        result("GEMINI", "2026-01-07", None),
        result("CHATGPT", "2026-01-07", None),
        result("CHATGPT", "2026-01-21", None),
        result("CHATGPT", "2026-01-14", None),
    ];
    weekly::upsert_many(&db, &results).await.unwrap();
    let of_account = async |limit| {
        let weeks = weekly::of_account(&db, account("CHATGPT"), limit)
            .await
            .unwrap();
        weeks.iter().map(|row| row.week_id).collect::<Vec<_>>()
    };
    let newest_first = ["2026-01-21", "2026-01-14", "2026-01-07"].map(week);
    assert_eq!(of_account(10).await, newest_first);
    assert_eq!(of_account(2).await, newest_first[..2]);
    assert_eq!(of_account(0).await, []);
    let of_week = weekly::of_week(&db, week("2026-01-07")).await.unwrap();
    let names: Vec<_> = of_week.iter().map(|row| row.account.as_str()).collect();
    assert_eq!(names, ["CHATGPT", "GEMINI"]);
}
