//! Every statement finds its rows by an index: the plans of the whole query cache on tables of 100 000 rows. And the saves are
//! not planned each time.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "EXPLAIN is put together from the cached statements"
)]

use std::{fs, path::Path};

use checked_pg::testing::Plans;
use llm_trading_db::{
    config::Config,
    db::Db,
    repo::{
        decisions,
        pitches::{self, NewPitch},
        reviews::{self, NewReview, Round},
    },
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::{
    fixtures::{account, column, decision, label, model, now, pitch, review, week},
    support,
};

/// Fills every table, as a desk of many years would: few accounts, models and symbols, many weeks and days.
const FILL: &str = include_str!("plans.sql");

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let mut connection = Plans::new(&[&llm_trading_db::SCHEMA])
        .fill(FILL)
        .allow(
            "WHERE event_type IN ('ENTRY', 'EXIT', 'CORRECTION')",
            "wants the trades of all time, which are a good part of the events",
        )
        .allow("FROM users WHERE active", "wants most users")
        .allow(
            "INSERT INTO returns_pending (symbol, first_date, last_date)\n        SELECT known.symbol, min(known.date)",
            "marks all days of all symbols, for a run from the beginning",
        )
        .allow(
            "AS asked (ticker, first_date, last_date",
            "wants spans of days, and a plan for all parameters knows neither how many nor how long they are",
        )
        .allow(
            "SELECT event_type, count(*)",
            "counts all events unless filtered, and then the server plans it anew for each filter",
        )
        .small(
            "performance_problems",
            "one row for each account and span that could not be computed",
        )
        .small("returns_pending", "what is left to do, by symbol")
        .small("correlations_pending", "what is left to do, by date")
        .small("correlation_window", "one row")
        .check()
        .await;
    for filters in ["('1807-01-07', NULL)", "(NULL, 'ACCOUNT1')"] {
        let plan = plan_of_filtered_count(&mut connection, filters).await;
        assert!(!plan.contains("Seq Scan"), "{filters}: {plan}");
    }
}

/// The plan of the count of events, made for these filters.
async fn plan_of_filtered_count(connection: &mut PgConnection, filters: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let entries = fs::read_dir(folder).unwrap();
    let entries = entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let count = entries.filter(|entry| entry.contains("SELECT event_type, count(*)"));
    let count: Value = serde_json::from_str(&count.collect::<String>()).unwrap();
    let statements = [
        "SET plan_cache_mode = force_custom_plan".to_owned(),
        format!("PREPARE filtered AS {}", count["query"].as_str().unwrap()),
    ];
    for statement in statements {
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE filtered{filters}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    connection.execute("DEALLOCATE filtered").await.unwrap();
    plan.to_string()
}

/// Where the server thinks that it gains by it, it plans a prepared statement anew each time, which takes longer than a save.
#[tokio::test]
async fn saves_are_not_planned_each_time() {
    let config = Config::from_options(support::database_options().await).max_pool_size(1);
    let db = Db::connect(&config).await.unwrap();
    let week = week("2026-01-07");
    let new = NewPitch {
        model: model("groq"),
        account: account("COUNCIL"),
        pitch_data: pitch(week, "groq", "SPY", "1"),
    };
    let round = Round {
        week,
        research_date: None,
        labels: [(label('A'), model("groq"))].into(),
        reviews: vec![NewReview {
            reviewer_model: model("gemini"),
            review_data: review(label('A'), 7),
        }],
    };
    let decision = decision(week, "SPY", "1");
    for _ in 0..10 {
        let new = std::slice::from_ref(&new);
        pitches::save(&db, week, None, new, now()).await.unwrap();
        db.transaction(async |tx| reviews::save_round(tx, &round, now()).await)
            .await
            .unwrap();
        decisions::save(&db, week, None, &decision, now())
            .await
            .unwrap();
    }
    let planned_once = "
        SELECT generic_plans > 0
        FROM pg_prepared_statements
        WHERE statement ~ 'ON CONFLICT [(]'";
    let planned_once: Vec<bool> = column(&db, planned_once).await.unwrap();
    assert_eq!(planned_once, [true; 3]);
}
