use llm_trading_db::{
    repo::{
        Upserted,
        performance::{self, CouncilComparison, Measure, Performance},
    },
    types::Weeks,
};

use super::counts;
use crate::fixtures::{
    account, at, count, database, dec, invalid, not_found, now, refused_by, versions,
};

fn row(name: &str, total_return: &str) -> Performance {
    Performance {
        account: account(name),
        weeks_lookback: None,
        total_return: dec(total_return),
        sharpe_ratio: Some(dec("1.234567")),
        max_drawdown: Some(dec("-0.000001")),
        volatility: Some(dec("0")),
        weeks_traded: 4,
        profitable_weeks: 3,
        win_rate: Some(dec("0.75")),
        avg_conviction: Some("-0.25".parse().unwrap()),
        max_conviction: Some("-2".parse().unwrap()),
        calculated_at: now(),
    }
}

fn weeks(count: i32) -> Option<Weeks> {
    Some(Weeks::new(count).unwrap())
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    assert_eq!(
        performance::upsert_many(&db, &[]).await.unwrap(),
        Upserted::default()
    );
    let missing = performance::get(&db, account("CHATGPT"), None).await;
    assert_eq!(
        not_found(missing),
        "performance of account CHATGPT not found"
    );
    assert_eq!(performance::leaderboard(&db, None).await.unwrap(), []);
    assert_eq!(
        performance::council_vs_individuals(&db, weeks(4))
            .await
            .unwrap(),
        CouncilComparison::default()
    );
}

#[tokio::test]
async fn statistics_are_kept_by_account_and_lookback() {
    let db = database().await;
    let all_time = [row("CHATGPT", "0.1"), row("GEMINI", "0.2")];
    let upserted = performance::upsert_many(&db, &all_time).await.unwrap();
    assert_eq!(counts(upserted), (2, 0, 0));

    let four_weeks = Performance {
        weeks_lookback: weeks(4),
        sharpe_ratio: None,
        max_drawdown: None,
        volatility: None,
        win_rate: None,
        avg_conviction: None,
        max_conviction: None,
        ..row("CHATGPT", "0")
    };
    let upserted = performance::upsert_many(&db, std::slice::from_ref(&four_weeks)).await;
    assert_eq!(counts(upserted.unwrap()), (1, 0, 0));

    let later = Performance {
        calculated_at: at("2026-01-08T00:00:00Z"),
        avg_conviction: Some("0".parse().unwrap()),
        ..row("CHATGPT", "-0.999999")
    };
    let batch = [row("CLAUDE", "0"), later.clone()];
    let upserted = performance::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(upserted), (1, 1, 0));

    let get = async |name, lookback| {
        performance::get(&db, account(name), lookback)
            .await
            .unwrap()
    };
    assert_eq!(get("CHATGPT", None).await, later);
    assert_eq!(get("CHATGPT", weeks(4)).await, four_weeks);
    assert_eq!(get("GEMINI", None).await, all_time[1]);
    assert_eq!(count(&db, "account_performance").await, 4);

    let before = versions(&db, "account_performance").await;
    let again = performance::upsert_many(&db, &batch).await.unwrap();
    assert_eq!(counts(again), (0, 0, 2));
    assert_eq!(versions(&db, "account_performance").await, before);
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused() {
    let db = database().await;
    let twice = [row("GEMINI", "0"), row("CLAUDE", "0"), row("GEMINI", "1")];
    let error = invalid(performance::upsert_many(&db, &twice).await);
    assert!(error.contains("for GEMINI;"), "{error}");
    let mut mixed = [row("GEMINI", "0"), row("CLAUDE", "0")];
    mixed[1].weeks_lookback = weeks(4);
    assert_eq!(
        invalid(performance::upsert_many(&db, &mixed).await),
        "weeks_lookback: must be the same for all rows of a call"
    );

    let bad = |change: fn(&mut Performance)| {
        let mut row = row("GEMINI", "0");
        change(&mut row);
        row
    };
    for (bad, constraint) in [
        (
            bad(|row| row.max_drawdown = Some(dec("0.000001"))),
            "account_performance_drawdown",
        ),
        (
            bad(|row| row.volatility = Some(dec("-0.1"))),
            "account_performance_volatility",
        ),
        (
            bad(|row| row.profitable_weeks = 5),
            "account_performance_weeks",
        ),
        (
            bad(|row| row.profitable_weeks = -1),
            "account_performance_weeks",
        ),
        (bad(|row| row.win_rate = Some(dec("1.0001"))), "share_range"),
    ] {
        let batch = [row("CLAUDE", "0"), bad];
        let refused = performance::upsert_many(&db, &batch).await;
        assert_eq!(refused_by(refused), constraint);
    }
    assert_eq!(count(&db, "account_performance").await, 0);
}

#[tokio::test]
async fn the_leaderboard_is_by_return_then_by_account() {
    let db = database().await;
    let rows = [
        row("GEMINI", "0.1"),
        row("DEEPSEEK", "0"),
        row("CHATGPT", "0.1"),
        row("CLAUDE", "-0.5"),
        row("COUNCIL", "0.25"),
    ];
    performance::upsert_many(&db, &rows).await.unwrap();
    let other = Performance {
        weeks_lookback: weeks(1),
        ..row("CLAUDE", "9")
    };
    performance::upsert_many(&db, &[other]).await.unwrap();

    let board = performance::leaderboard(&db, None).await.unwrap();
    let places: Vec<_> = board.iter().map(|p| (p.rank, p.account.as_str())).collect();
    assert_eq!(
        places,
        [
            (1, "COUNCIL"),
            (2, "CHATGPT"),
            (3, "GEMINI"),
            (4, "DEEPSEEK"),
            (5, "CLAUDE")
        ]
    );
    assert_eq!(board[0].total_return, dec("0.25"));
    assert_eq!(board[0].volatility, Some(dec("0")));
    let board = performance::leaderboard(&db, weeks(1)).await.unwrap();
    assert_eq!(board.len(), 1);
    assert_eq!(performance::leaderboard(&db, weeks(2)).await.unwrap(), []);

    let comparison = performance::council_vs_individuals(&db, None)
        .await
        .unwrap();
    let names: Vec<_> = comparison
        .individuals
        .iter()
        .map(|p| p.account.as_str())
        .collect();
    assert_eq!(names, ["CHATGPT", "GEMINI", "CLAUDE"]);
    assert_eq!(comparison.baseline.as_ref().map(|p| p.rank), Some(4));
    assert_eq!(comparison.council_lead(), Some(dec("0.15")));
}

#[tokio::test]
async fn a_leaderboard_is_by_the_measure_that_is_asked_for() {
    let db = database().await;
    let measured = |account,
                    total_return,
                    sharpe_ratio: Option<&str>,
                    max_drawdown: Option<&str>| Performance {
        sharpe_ratio: sharpe_ratio.map(dec),
        max_drawdown: max_drawdown.map(dec),
        ..row(account, total_return)
    };
    for span in [None, weeks(3)] {
        let rows = [
            measured("GEMINI", "0.1", Some("2"), Some("-0.3")),
            measured("CLAUDE", "0.2", None, None),
            measured("CHATGPT", "0.3", Some("2"), Some("-0.1")),
            measured("DEEPSEEK", "-0.4", Some("3"), Some("-0.2")),
        ];
        let rows = rows.map(|row| Performance {
            weeks_lookback: span,
            ..row
        });
        performance::upsert_many(&db, &rows[..if span.is_some() { 4 } else { 3 }])
            .await
            .unwrap();
    }
    let board = async |measure, span| {
        let places = performance::leaderboard_by(&db, measure, span)
            .await
            .unwrap();
        let ranks: Vec<i64> = places.iter().map(|place| place.rank).collect();
        assert_eq!(ranks, (1..=places.len() as i64).collect::<Vec<_>>());
        let accounts = places.iter().map(|place| place.account.to_string());
        accounts.collect::<Vec<_>>().join(" ")
    };
    for (measure, of_three_weeks, of_all_time) in [
        (
            Measure::Return,
            "CHATGPT CLAUDE GEMINI DEEPSEEK",
            "CHATGPT CLAUDE GEMINI",
        ),
        (
            Measure::SharpeRatio,
            "DEEPSEEK CHATGPT GEMINI CLAUDE",
            "CHATGPT GEMINI CLAUDE",
        ),
        (
            Measure::Drawdown,
            "CHATGPT DEEPSEEK GEMINI CLAUDE",
            "CHATGPT GEMINI CLAUDE",
        ),
    ] {
        assert_eq!(
            board(measure, weeks(3)).await,
            of_three_weeks,
            "{measure:?}"
        );
        assert_eq!(board(measure, None).await, of_all_time, "{measure:?}");
        assert_eq!(board(measure, weeks(4)).await, "");
    }
}
