//! Statements that are not the crate's.

use llm_trading_db::{db::Finding, error::Error};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use super::Live;
use crate::support;

const TABLES: &str = "CREATE DOMAIN lot AS int4;
    CREATE TABLE orders (id int4 NOT NULL, lots lot NOT NULL, note text);
    CREATE TABLE fills (id int4 NOT NULL, price numeric NOT NULL)";

/// Their tables, and the entries that `cargo sqlx prepare` makes for these statements.
async fn prepared(statements: &[&str]) -> (Live, Vec<(String, String)>) {
    let mut live = Live::on(support::bare_database_options().await).await;
    live.run(TABLES).await;
    let mut cached = Vec::new();
    for (number, sql) in statements.iter().enumerate() {
        let text = AssertSqlSafe((*sql).to_owned()).into_sql_str();
        let describe = live.outside.describe(text).await.unwrap();
        let hash = format!("{number:064x}");
        let entry =
            json!({"db_name": "PostgreSQL", "query": sql, "describe": describe, "hash": hash});
        cached.push((format!("orders::number_{number}"), entry.to_string()));
    }
    (live, cached)
}

async fn findings(live: &Live, cached: &[(String, String)]) -> Vec<String> {
    let findings = live.db().await.verify_statements(cached).await.unwrap();
    findings
        .into_iter()
        .map(|Finding { what, .. }| what)
        .collect()
}

#[tokio::test]
async fn columns_that_come_go_and_move_are_told() {
    let (mut live, cached) = prepared(&[
        "SELECT * FROM orders",
        "SELECT id AS \"id?\", note AS \"note!\" FROM orders",
    ])
    .await;
    assert_eq!(findings(&live, &cached).await, [""; 0]);

    live.run("ALTER TABLE orders DROP COLUMN note; ALTER TABLE orders ADD COLUMN side text")
        .await;
    let lines = findings(&live, &cached).await;
    assert_eq!(
        lines,
        [
            "000000000000 (orders::number_0): column note is missing",
            "000000000000 (orders::number_0): column side is new",
            "000000000000 (orders::number_1): column \"note\" does not exist (SQLSTATE 42703)",
        ]
    );

    // Its marks say whether the column may be null, so the schema has no say.
    live.run(
        "DROP TABLE orders; CREATE TABLE orders (note text NOT NULL, id int4, lots lot NOT NULL)",
    )
    .await;
    let lines = findings(&live, &cached).await;
    assert_eq!(
        lines,
        [
            "000000000000 (orders::number_0): columns are note, id, lots, were id, lots, note",
            "000000000000 (orders::number_0): column id may be null, was not null",
            "000000000000 (orders::number_0): column note is not null, was nullable",
        ]
    );
}

#[tokio::test]
async fn a_domain_of_another_base_is_told() {
    let (mut live, cached) = prepared(&["SELECT id FROM orders WHERE lots = $1::lot"]).await;
    live.run("DROP DOMAIN lot CASCADE; CREATE DOMAIN lot AS int8; ALTER TABLE orders ADD COLUMN lots lot").await;
    assert_eq!(
        findings(&live, &cached).await,
        ["000000000000 (orders::number_0): parameter $1 is lot of int8, was lot of int4"]
    );
}

/// What has neither columns nor a plan is only parsed.
#[tokio::test]
async fn every_kind_of_statement_is_understood() {
    let (mut live, cached) = prepared(&[
        "SET LOCAL lock_timeout = 10",
        "DELETE FROM orders -- all of them",
        "INSERT INTO orders (id, lots) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        "LOCK TABLE orders",
    ])
    .await;
    assert_eq!(
        findings(&live, &cached).await,
        [
            "000000000000 (orders::number_2): there is no unique or exclusion constraint matching the ON CONFLICT \
             specification (SQLSTATE 42P10)"
        ]
    );
    live.run("CREATE UNIQUE INDEX ON orders (id)").await;
    assert_eq!(findings(&live, &cached).await, [""; 0]);
}

/// sqlx takes a side of an outer join for nullable by the plan: here it is the wrong one once the table is full.
#[tokio::test]
async fn another_plan_is_no_finding() {
    let sql = "SELECT orders.id, fills.price FROM orders LEFT JOIN fills ON fills.id = orders.id";
    let (mut live, cached) = prepared(&[sql]).await;
    let before = live.outside.describe(sql.into_sql_str()).await.unwrap();
    live.run(
        "INSERT INTO fills SELECT n, 1 FROM generate_series(1, 100000) AS n;
         INSERT INTO orders SELECT n, 1 FROM generate_series(1, 10) AS n;
         ANALYZE",
    )
    .await;
    let after = live.outside.describe(sql.into_sql_str()).await.unwrap();
    assert_ne!(
        before.nullable, after.nullable,
        "the case shows nothing any more"
    );
    assert_eq!(findings(&live, &cached).await, [""; 0]);
}

#[tokio::test]
async fn what_is_no_entry_is_refused() {
    let live = Live::on(support::bare_database_options().await).await;
    let error = live
        .db()
        .await
        .verify_statements(&[("orders::save", "{}")])
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Invalid { field, .. } if field == "orders::save"),
        "{error:?}"
    );
}
