//! Which statements the tests execute.

use std::{
    collections::{BTreeSet, HashSet},
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    process::{self, Command},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use super::must;
use crate::{Schema, db::listed};

/// Tells a run of a test binary to write the statements that it executes to this file, each with the thread, which is named after
/// the test.
const RECORD: &str = "CHECKED_PG_RECORD_STATEMENTS";

/// Notes a statement that is about to be executed, in a run that is watched.
pub(crate) fn record(sql: &str) {
    static RECORDER: OnceLock<Option<Recorder>> = OnceLock::new();
    let recorder = RECORDER.get_or_init(|| {
        env::var_os(RECORD).map(|path| Recorder {
            seen: Mutex::default(),
            file: must(OpenOptions::new().append(true).open(path)),
        })
    });
    if let Some(recorder) = recorder {
        recorder.note(sql);
    }
}

struct Recorder {
    seen: Mutex<HashSet<(String, String)>>,
    file: File,
}

impl Recorder {
    fn note(&self, sql: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = thread::current();
        let test = thread.name().unwrap_or_default();
        if seen.insert((sql.to_owned(), test.to_owned())) {
            // One write per line, so that lines of several processes do not mix.
            let line = format!("{}\n", serde_json::json!([sql, test]));
            must((&self.file).write_all(line.as_bytes()));
        }
    }
}

/// Asserts that the tests of this binary execute every statement of the crate, those of its query cache.
///
/// A statement can compile and fail whenever it runs, for a NOT NULL column that it leaves out or for an ON CONFLICT without a key.
/// This runs the test binary once more and watches what its `Db`s and their transactions execute, on whichever thread.
/// In that second run the assertion itself returns at once. It works the same way under cargo-nextest, whose processes know nothing of each
/// other.
///
/// Tests in other binaries (other files of `tests/`) do not count: put the assertion where the tests of the statements are.
///
/// ```no_run
/// # static SCHEMA: checked_pg::Schema = checked_pg::Schema::empty();
/// #[test]
/// # fn hidden() {}
/// fn every_statement_is_executed() {
///     checked_pg::testing::assert_every_statement_is_executed(&SCHEMA);
/// }
/// ```
///
/// # Panics
/// If a statement is not executed, with the place of each; or if a test fails.
#[track_caller]
pub fn assert_every_statement_is_executed(schema: &Schema) {
    assert_statements_are_executed(schema, &[], &[]);
}

/// As [`assert_every_statement_is_executed`], by the tests whose names contain one of `tests` (all if there is none) and none of
/// `skipped`: for a binary with long tests that execute nothing new.
///
/// # Panics
/// As [`assert_every_statement_is_executed`].
#[track_caller]
pub fn assert_statements_are_executed(schema: &Schema, tests: &[&str], skipped: &[&str]) {
    if env::var_os(RECORD).is_some() {
        return;
    }
    let statements = must(listed(schema));
    assert!(!statements.is_empty(), "the schema has no statements");
    let executed = run_again(tests, skipped);
    let never: Vec<&str> = statements
        .iter()
        .filter(|statement| !executed.contains(&statement.sql))
        .map(|statement| statement.label.as_str())
        .collect();
    assert!(
        never.is_empty(),
        "no test of this binary executes these statements:\n  {}",
        never.join("\n  ")
    );
}

/// Runs the test binary again; the statements that it executed.
#[track_caller]
fn run_again(tests: &[&str], skipped: &[&str]) -> BTreeSet<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("checked-pg-statements-{}-{number}", process::id());
    let path = env::temp_dir().join(name);
    must(File::create_new(&path));
    let run = Command::new(must(env::current_exe()))
        .args(tests)
        .args(skipped.iter().flat_map(|name| ["--skip", name]))
        .env(RECORD, &path)
        .output();
    let recorded = fs::read_to_string(&path);
    must(fs::remove_file(&path));
    let run = must(run);
    assert!(
        run.status.success(),
        "the tests fail:\n{}",
        String::from_utf8_lossy(&run.stdout)
    );
    let recorded = must(recorded);
    let lines = recorded
        .lines()
        .map(serde_json::from_str::<(String, String)>);
    must(lines.map(|line| line.map(|(sql, _)| sql)).collect())
}
