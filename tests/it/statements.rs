//! Which statements ran: a recorder of what sqlx logs, and the proof that the tests run every cached statement, without which
//! some mistakes would not be told.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Write,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, Once},
};

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
};

/// Tells a second run of this test binary to write the statements it runs to this file.
const RECORD: &str = "RECORD_STATEMENTS";

/// The tests that between them run every statement.
const MODULES: [&str; 7] = [
    "repo::",
    "import::",
    "metrics::",
    "performance::",
    "market::",
    "council::",
    "a_healthy_database_gives_no_finding",
];

/// Those of them that take long and run no statement of their own.
const LONG: [&str; 3] = [
    "a_batch_has_any_size",
    "memory_is_bounded",
    "changes_lead_where_a_full_run_leads",
];

/// The statements that sqlx logged, with their blanks normalised.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    /// Records what this thread runs, on a database made by [`crate::fixtures::database_that_logs`], until the guard is dropped.
    pub fn of_this_thread() -> (Self, DefaultGuard) {
        let recorder = Self::default();
        let subscriber = registry().with(Statements(recorder.clone()));
        (recorder, listen(subscriber))
    }

    /// What ran since the last time, without BEGIN and COMMIT.
    pub fn take(&self) -> Vec<String> {
        let mut statements = std::mem::take(&mut *self.0.lock().unwrap());
        statements.retain(|sql| !sql.starts_with("BEGIN") && !sql.contains("COMMIT"));
        statements
    }
}

/// Takes each statement that sqlx logs.
struct Statements<T>(T);

trait Take: Send + Sync + 'static {
    fn take(&self, sql: String);
}

impl Take for Recorder {
    fn take(&self, sql: String) {
        self.0.lock().unwrap().push(sql);
    }
}

impl Take for Mutex<fs::File> {
    fn take(&self, sql: String) {
        writeln!(self.lock().unwrap(), "{sql}").unwrap();
    }
}

impl<T: Take, S: Subscriber> Layer<S> for Statements<T> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut fields = Fields::default();
            event.record(&mut fields);
            self.0.take(fields.sql());
        }
    }
}

#[derive(Default)]
struct Fields {
    summary: String,
    statement: String,
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

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

fn normalised(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// In the second run, records the statements of all tests; says whether it does.
pub fn record_if_asked() -> bool {
    static ONCE: Once = Once::new();
    let Some(path) = env::var_os(RECORD) else {
        return false;
    };
    ONCE.call_once(|| {
        let file = fs::File::create(path).unwrap();
        let subscriber = registry().with(Statements(Mutex::new(file)));
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    true
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

#[test]
fn the_tests_run_every_cached_statement() {
    let path = env::temp_dir().join(format!("statements-{}", std::process::id()));
    let run = Command::new(env::current_exe().unwrap())
        .args(MODULES)
        .args(LONG.iter().flat_map(|name| ["--skip", name]))
        .env(RECORD, &path)
        .output()
        .unwrap();
    let recorded = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stdout)
    );

    let ran: BTreeSet<&str> = recorded.lines().collect();
    let never: Vec<String> = cached()
        .into_iter()
        .filter(|sql| !ran.contains(sql.as_str()))
        .collect();
    assert!(
        never.is_empty(),
        "no test runs these statements:\n{}",
        never.join("\n")
    );
}

/// The statements of the query cache.
fn cached() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let statements: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .map(|path| {
            let entry: serde_json::Value =
                serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            normalised(entry["query"].as_str().unwrap())
        })
        .collect();
    assert!(!statements.is_empty());
    statements
}
