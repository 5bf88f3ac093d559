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
    varying_statements_read_less(&mut connection).await;
}

/// The plan of the count of events, made for these filters.
async fn plan_of_filtered_count(connection: &mut PgConnection, filters: &str) -> String {
    let sql = cached("SELECT event_type, count(*)");
    explain(connection, "force_custom_plan", &sql, filters)
        .await
        .to_string()
}

/// The one statement of the query cache with this in it.
fn cached(part: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let entries = entries.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let statements = entries.map(|path| -> String {
        let entry: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        entry["query"].as_str().unwrap().to_owned()
    });
    let found: Vec<String> = statements.filter(|sql| sql.contains(part)).collect();
    assert_eq!(found.len(), 1, "{part}");
    found[0].clone()
}

/// The plan of a prepared statement, and how it went.
async fn explain(connection: &mut PgConnection, mode: &str, sql: &str, arguments: &str) -> Value {
    let statements = [
        format!("SET plan_cache_mode = {mode}"),
        format!("PREPARE explained AS {sql}"),
    ];
    for statement in statements {
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained{arguments}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    connection.execute("DEALLOCATE explained").await.unwrap();
    plan
}

/// A plan for all parameters cannot use the index of a condition that some of them turn off.
async fn varying_statements_read_less(connection: &mut PgConnection) {
    let of_level = cached("WHERE level = $1::log_level");
    let of_account = cached("WHERE true AND account = $1::account  \n");
    let page = cached(
        "WHERE (occurred_at, id) < ($1, $2::event_id) AND account = $3::account AND week_id = $4::week_id \n",
    );
    let or = |sql: &str, conditions: &[&str]| {
        conditions.iter().fold(sql.to_owned(), |sql, condition| {
            let parameter = condition.rsplit_once(' ').unwrap().1;
            let either = format!("({parameter} IS NULL OR {condition})");
            assert!(sql.contains(condition), "{sql}");
            sql.replace(condition, &either)
        })
    };
    let level = "level = $1::log_level";
    let account = "account = $1::account";
    let (of_page, week) = ("account = $3::account", "week_id = $4::week_id");
    let last = "gen_random_uuid()";
    for (varying, always, arguments) in [
        (
            &of_level,
            or(&of_level, &[level]),
            "('CRITICAL', 10)".to_owned(),
        ),
        (
            &of_account,
            or(&of_account, &[account]),
            "('NOBODY', 10)".to_owned(),
        ),
        (
            &page,
            or(&page, &[of_page, week]),
            format!("('2026-01-07Z', {last}, 'ACCOUNT1', '1807-01-07', 10)"),
        ),
    ] {
        let mut blocks = Vec::new();
        for sql in [varying, &always] {
            let plan = explain(connection, "force_generic_plan", sql, &arguments).await;
            let top = &plan[0]["Plan"];
            let read =
                ["Shared Hit Blocks", "Shared Read Blocks"].map(|kind| top[kind].as_u64().unwrap());
            blocks.push(read[0] + read[1]);
        }
        assert!(blocks[0] * 20 < blocks[1], "{blocks:?} of {varying}");
    }
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
