//! Which statements ran: a recorder of what sqlx logs, and the proof that the tests run every cached statement, without which
//! some mistakes would not be told.

use std::sync::{Arc, Mutex};

use checked_pg::testing;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry,
};

use crate::{
    fixtures::{database, execute},
    log::listen,
    rollout::as_role,
};

/// The tests that between them run every statement.
const MODULES: [&str; 8] = [
    "repo::",
    "import::",
    "metrics::",
    "performance::",
    "market::",
    "council::",
    "an_import_that_keeps_what_is_known_fills_bars",
    "a_healthy_database_gives_no_finding",
];

/// Those of them that take long and run no statement of their own.
const LONG: [&str; 3] = [
    "a_batch_has_any_size",
    "memory_is_bounded",
    "changes_lead_where_a_full_run_leads",
];

/// The statements that sqlx logged, with their blanks normalised, and how many rows each gave.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<(String, u64)>>>);

impl Recorder {
    /// Records what this thread runs, on a database made by [`crate::fixtures::database_that_logs`], until the guard is dropped.
    pub fn of_this_thread() -> (Self, DefaultGuard) {
        let recorder = Self::default();
        let subscriber = registry().with(Statements(recorder.clone()));
        (recorder, listen(subscriber))
    }

    /// What ran since the last time, without BEGIN and COMMIT.
    pub fn take(&self) -> Vec<String> {
        self.take_with_rows()
            .into_iter()
            .map(|(sql, _)| sql)
            .collect()
    }

    /// The same, each with the number of rows that came back.
    pub fn take_with_rows(&self) -> Vec<(String, u64)> {
        let mut statements = std::mem::take(&mut *self.0.lock().unwrap());
        statements.retain(|(sql, _)| !sql.starts_with("BEGIN") && !sql.contains("COMMIT"));
        statements
    }
}

/// Takes each statement that sqlx logs.
struct Statements(Recorder);

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let rows = fields.rows;
            self.0.0.lock().unwrap().push((fields.sql(), rows));
        }
    }
}

#[derive(Default)]
struct Fields {
    summary: String,
    statement: String,
    rows: u64,
}

impl Fields {
    /// sqlx logs the text only of a statement that is longer than its summary.
    fn sql(self) -> String {
        if self.statement.is_empty() {
            self.summary
        } else {
            normalised(&self.statement)
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

fn normalised(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why each statement must run: these compile, and no run of them succeeds.
#[tokio::test]
async fn what_compiles_and_cannot_work_fails_when_it_runs() {
    let db = database().await;
    for (statement, told) in [
        (
            "INSERT INTO fetch_log (id, fetch_type) VALUES (gen_random_uuid(), 'daily')",
            "a value is missing for column `status`",
        ),
        (
            "INSERT INTO accounts (id, balance) VALUES (gen_random_uuid(), 0) ON CONFLICT (balance) DO NOTHING",
            "there is no unique or exclusion constraint matching the ON CONFLICT specification",
        ),
        (
            "INSERT INTO fetch_log (id, fetch_type, status) VALUES (gen_random_uuid(), 'daily', 'error')",
            "fetch_log_error_has_message",
        ),
        (
            "INSERT INTO daily_log_returns (symbol, date, log_return) VALUES ('SPY', '2026-01-07', 10000)",
            "22003",
        ),
    ] {
        let error = execute(&db, statement).await.unwrap_err().to_string();
        assert!(error.contains(told), "{statement}: {error}");
    }
}

/// They do so as a role that has the rights of `doctor --grants` and no other, so that these are shown to be enough.
#[tokio::test]
async fn the_tests_run_every_cached_statement() {
    if as_role::grants().is_none() {
        return as_role::run_again("statements::the_tests_run_every_cached_statement").await;
    }
    testing::assert_statements_are_executed(&llm_trading_db::SCHEMA, &MODULES, &LONG);
}
