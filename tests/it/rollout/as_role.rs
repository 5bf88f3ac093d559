//! The suite's own tests of the repositories, as a role that has the rights of `doctor --grants` and no other.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "roles are made and given their rights by statements of the test's own"
)]

use std::{env, process::Command};

use cargo_checked_pg::rollout::{self, Work};
use llm_trading_db::SCHEMA;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};

use super::roles;
use crate::support;

/// Tells a run of the tests to work as a role with the rights that this variable holds.
const GRANTS: &str = "DESK_TEST_GRANTS";
const ROLE: &str = "desk_as_role";
const ROLE_THAT_READS: &str = "desk_that_reads";

/// The rights with which this run works, if it is one that does.
pub(crate) fn grants() -> Option<String> {
    env::var(GRANTS).ok()
}

/// How to connect to a fresh, migrated, empty database as the role.
pub(crate) async fn database(grants: &str) -> PgConnectOptions {
    database_as(ROLE, grants).await
}

async fn database_as(role: &str, grants: &str) -> PgConnectOptions {
    let options = support::database_options().await;
    let mut owner = PgConnection::connect_with(&options).await.unwrap();
    // Tests begin at the same time, and roles are the server's.
    let make = format!(
        "DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         {grants}"
    );
    owner.execute(AssertSqlSafe(make)).await.unwrap();
    owner.close().await.unwrap();
    options.username(role)
}

/// Runs one test of this binary again, as the application role.
pub(crate) async fn run_again(test: &str) {
    let grants = rollout::grants(&SCHEMA, ROLE, Work::Write).await.unwrap();
    let run = Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env(GRANTS, grants)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{said}\n\nThe tests ran as a role with the rights of `doctor --grants` (tests/it/rollout/as_role.rs). One that was denied a \
         right for a statement of its own asks for `fixtures::database_as_owner`."
    );
}

/// The cached statements: the text, and how many parameters it has.
fn cached() -> Vec<(String, usize)> {
    let entries = roles::cached().into_iter();
    entries
        .map(|(_, text)| {
            let entry: serde_json::Value = serde_json::from_str(&text).unwrap();
            let parameters = entry["describe"]["parameters"]["Left"].as_array().unwrap();
            let query = entry["query"].as_str().unwrap();
            (query.to_owned(), parameters.len())
        })
        .collect()
}

/// Whether a statement asks for more than to read, by its words.
fn writes(sql: &str) -> bool {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let has = |wanted: &[&str]| words.windows(wanted.len()).any(|found| found == wanted);
    has(&["INSERT", "INTO"])
        || has(&["DELETE", "FROM"])
        || has(&["FOR", "UPDATE"])
        || has(&["FOR", "SHARE"])
        || has(&["LOCK", "TABLE"])
        || has(&["UPDATE"])
}

/// Each statement runs, with NULL for every parameter: rights are asked for before any value is looked at.
#[tokio::test]
async fn the_reading_role_runs_every_statement_that_reads_and_no_other() {
    let grants = rollout::grants(&SCHEMA, ROLE_THAT_READS, Work::Read)
        .await
        .unwrap();
    let options = database_as(ROLE_THAT_READS, &grants).await;
    let mut reader = PgConnection::connect_with(&options).await.unwrap();
    let (mut reads, mut refused) = (0, 0);
    for (sql, parameters) in cached() {
        let arguments = match parameters {
            0 => String::new(),
            count => format!("({})", vec!["NULL"; count].join(", ")),
        };
        let text = format!("PREPARE tried AS {sql}; EXECUTE tried{arguments}");
        let ran = match sql.starts_with("LOCK") {
            true => reader.execute(AssertSqlSafe(format!("BEGIN; {sql}"))).await,
            false => reader.execute(AssertSqlSafe(text)).await,
        };
        let denied = match &ran {
            Err(sqlx::Error::Database(error)) => error.code().as_deref() == Some("42501"),
            _ => false,
        };
        if writes(&sql) {
            assert!(denied, "the role may write: {sql}: {ran:?}");
            refused += 1;
        } else {
            assert!(ran.is_ok(), "the role may not read: {sql}: {ran:?}");
            reads += 1;
        }
        reader.execute("ROLLBACK; DEALLOCATE ALL").await.unwrap();
    }
    assert!(reads > 20 && refused > 20, "{reads} {refused}");
}
