//! Every statement finds its rows by an index: the plans of the whole query cache on tables of 100 000 rows. And the saves are
//! not planned each time.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "EXPLAIN is put together from the cached statements"
)]

use std::{collections::BTreeSet, fs, path::Path};

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
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::{
    fixtures::{account, column, decision, label, model, now, pitch, review, week},
    support,
};

/// Statements that may read a whole table, by a part of their text, and why.
const WHOLE_TABLE: [(&str, &str); 5] = [
    (
        "WHERE event_type IN ('ENTRY', 'EXIT', 'CORRECTION')",
        "wants the trades of all time, which are a good part of the events",
    ),
    ("FROM users WHERE active", "wants most users"),
    (
        "INSERT INTO returns_pending (symbol, first_date, last_date)\n        SELECT known.symbol, min(known.date)",
        "marks all days of all symbols, for a run from the beginning",
    ),
    (
        "AS asked (ticker, first_date, last_date",
        "wants spans of days, and a plan for all parameters knows neither how many nor how long they are",
    ),
    (
        "SELECT event_type, count(*)",
        "counts all events unless filtered, and then the server plans it anew for each filter",
    ),
];

/// Fills every table, as a desk of many years would: few accounts, models and symbols, many weeks and days.
const FILL: &str = include_str!("plans.sql");

struct Cached {
    sql: String,
    parameters: usize,
}

fn cached() -> Vec<Cached> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .map(|path| {
            let entry: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            Cached {
                sql: entry["query"].as_str().unwrap().to_owned(),
                parameters: entry["describe"]["parameters"]["Left"]
                    .as_array()
                    .unwrap()
                    .len(),
            }
        })
        .collect()
}

async fn filled_database() -> PgConnection {
    let options = support::database_options().await;
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    connection.execute(FILL).await.unwrap();
    connection.execute("VACUUM ANALYZE").await.unwrap();
    // The plan that a prepared statement ends up with, whatever its parameters are.
    connection
        .execute("SET plan_cache_mode = force_generic_plan")
        .await
        .unwrap();
    connection
}

async fn large_tables(connection: &mut PgConnection) -> BTreeSet<String> {
    let sql = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND reltuples > 1000";
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(connection).await.unwrap();
    names.into_iter().collect()
}

async fn generic_plan(connection: &mut PgConnection, statement: &Cached) -> Value {
    let arguments = match statement.parameters {
        0 => String::new(),
        n => format!("({})", vec!["NULL"; n].join(", ")),
    };
    plan(connection, &statement.sql, &arguments).await
}

async fn plan(connection: &mut PgConnection, sql: &str, arguments: &str) -> Value {
    let prepare = format!("PREPARE statement AS {sql}");
    connection.execute(AssertSqlSafe(prepare)).await.unwrap();
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE statement{arguments}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    connection.execute("DEALLOCATE statement").await.unwrap();
    plan
}

/// The plan of the count of events, made for these filters.
async fn plan_of_filtered_count(connection: &mut PgConnection, filters: &str) -> Value {
    let count = |statement: &Cached| statement.sql.contains("SELECT event_type, count(*)");
    let count = cached().into_iter().find(count).unwrap();
    let custom = "SET plan_cache_mode = force_custom_plan";
    connection.execute(custom).await.unwrap();
    plan(connection, &count.sql, filters).await
}

/// The tables that a plan reads from one end to the other.
fn whole_tables(plan: &Value, found: &mut BTreeSet<String>) {
    match plan {
        Value::Array(parts) => parts.iter().for_each(|part| whole_tables(part, found)),
        Value::Object(node) => {
            if node.get("Node Type").is_some_and(|kind| kind == "Seq Scan") {
                found.extend(node["Relation Name"].as_str().map(str::to_owned));
            }
            node.values().for_each(|part| whole_tables(part, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let mut connection = filled_database().await;
    let large = large_tables(&mut connection).await;
    assert!(large.len() >= 15, "{large:?}");
    let mut unused: BTreeSet<&str> = WHOLE_TABLE.iter().map(|(part, _)| *part).collect();
    let mut findings = Vec::new();
    // Has no plan.
    let statements = cached().into_iter().filter(|s| !s.sql.starts_with("LOCK"));
    for statement in statements {
        let plan = generic_plan(&mut connection, &statement).await;
        let mut whole = BTreeSet::new();
        whole_tables(&plan, &mut whole);
        if whole.is_disjoint(&large) {
            continue;
        }
        match WHOLE_TABLE
            .iter()
            .find(|(part, _)| statement.sql.contains(part))
        {
            Some((part, _)) => {
                unused.remove(part);
            }
            None => findings.push(format!("{whole:?} in\n{}\n{plan:#}", statement.sql)),
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n\n"));
    for filters in ["('1807-01-07', NULL)", "(NULL, 'ACCOUNT1')"] {
        let plan = plan_of_filtered_count(&mut connection, filters).await;
        let mut whole = BTreeSet::new();
        whole_tables(&plan, &mut whole);
        assert!(whole.is_empty(), "{filters}: {plan:#}");
    }
    assert!(
        unused.is_empty(),
        "no longer need to be on the list: {unused:?}"
    );
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
