//! The table of the cases in `docs/guarantees.md`, and that no promise is without a case.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use anyhow::{Context, Result, ensure};

use super::case::Case;
use crate::project;

const GUIDE: &str = "docs/guarantees.md";
const BEGIN: &str = "<!-- compile-fail suite: begin -->\n";
const END: &str = "<!-- compile-fail suite: end -->";

/// What must have a case each: the kinds of mistake at the head of the guide, the defects of the old layer that are a matter of types, the traps its guide warned of,
/// and the steps that its checklist asked for.
fn promises() -> BTreeSet<String> {
    let rows = [
        "sqlx",
        "wrong document read",
        "wrong document written",
        "untyped JSONB",
        "keys",
        "escapes",
        "unchecked SQL",
        "outer joins",
        "NOT NULL",
        "CHECK",
        "dropped results",
        "transactions",
        "time",
    ];
    let numbered = |what: &'static str, numbers: &[u8]| -> Vec<String> {
        numbers.iter().map(|n| format!("{what} {n}")).collect()
    };
    [
        rows.iter().map(|row| format!("row: {row}")).collect(),
        numbered("defect", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 35, 38]),
        numbered("gotcha", &[1, 2, 3, 4, 5, 6]),
        numbered("step", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ]
    .concat()
    .into_iter()
    .collect()
}

pub fn update(cases: &[Case], write: bool) -> Result<()> {
    let covered: BTreeSet<String> = cases.iter().flat_map(|c| c.covers.clone()).collect();
    let open: Vec<String> = promises().difference(&covered).cloned().collect();
    ensure!(
        open.is_empty(),
        "no case in tests/ui covers {}",
        open.join(", ")
    );

    let path = project(GUIDE);
    let guide = fs::read_to_string(&path)?;
    let (before, rest) = guide.split_once(BEGIN).context(GUIDE)?;
    let (old, after) = rest.split_once(END).context(GUIDE)?;
    let new = table(cases)?;
    if write {
        fs::write(&path, format!("{before}{BEGIN}{new}{END}{after}"))?;
    } else {
        ensure!(
            old == new,
            "the table of the cases in {GUIDE} is stale; run `just ui --write`"
        );
    }
    Ok(())
}

fn table(cases: &[Case]) -> Result<String> {
    let mut table = "| mistake | in the old layer | now | by |\n|---|---|---|---|\n".to_owned();
    for case in cases {
        let messages: Vec<String> = case
            .expect
            .iter()
            .map(|part| format!("`` {} ``", part.replace('|', "\\|")))
            .collect();
        writeln!(
            table,
            "| [{}](../{}) | {} | {} | {} |",
            case.mistake,
            case.place,
            case.symptom,
            messages.join(" … "),
            case.stage.name()
        )?;
    }
    Ok(table)
}
