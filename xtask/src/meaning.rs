//! Mutation testing of what no type tells, on the desk: with the tests that have to do with statements, and a place for the score.

use std::time::Instant;

use anyhow::{Result, ensure};
use cargo_checked_pg::mutants::{self, Request};

use crate::{commit, desk, score};

/// Thousandths that are to be rejected.
const GOAL: usize = 970;

/// The tests of the statements and of what is built on them.
const TESTS: [&str; 14] = [
    "bank::",
    "batches::",
    "concurrency::",
    "council::",
    "documents::",
    "domains::",
    "import::",
    "market::",
    "metrics::",
    "one_bad_row::",
    "performance::",
    "plans::",
    "repo::",
    "schema::",
];
/// Those of them that take long and execute nothing of their own.
const LONG: [&str; 4] = [
    "soak",
    "a_batch_has_any_size",
    "memory_is_bounded",
    "changes_lead_where_a_full_run_leads",
];

/// Runs every so many-th mutant of a kind; with a date, writes the score down.
pub async fn run(every: usize, named: Option<&str>, publish: Option<&str>) -> Result<()> {
    let begun = Instant::now();
    let request = Request {
        every,
        named: named.map(str::to_owned),
        tests: TESTS.map(str::to_owned).into(),
        skipped: LONG.map(str::to_owned).into(),
        cargo: ["--all-features", "--test", "it"].map(str::to_owned).into(),
        list: false,
    };
    let outcome = mutants::run(&desk()?, &request).await?;
    let table = outcome.table();
    println!("{table}\n{:.0?}", begun.elapsed());
    if let Some(date) = publish {
        ensure!(named.is_none(), "no score of a few is published");
        let minutes = begun.elapsed().as_secs().div_ceil(60);
        let mut text = format!(
            "`just mutants-of-meaning` on {date} at commit {}, {}in {minutes} minutes:\n\n{table}",
            commit()?,
            match every {
                1 => String::new(),
                every => format!("one of {every} of each kind, "),
            }
        );
        let survivors = outcome.survivors();
        if !survivors.is_empty() {
            text += "\nSurvivors:\n\n";
        }
        for mutant in survivors {
            text += &format!("- {}\n", mutant.name());
        }
        score::publish("meaning", &text)?;
    }
    let tenths = outcome.rejected();
    ensure!(
        tenths >= GOAL,
        "{}.{} % are rejected, and {} % should be: write a test that tells each survivor, or list it in mutants.txt",
        tenths / 10,
        tenths % 10,
        GOAL / 10
    );
    Ok(())
}
