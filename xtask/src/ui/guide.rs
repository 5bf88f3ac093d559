//! The table of the cases in `docs/guarantees.md`, and that no promise is without a case.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use anyhow::{Context, Result, ensure};

use super::case::Case;
use crate::project;

const GUIDE: &str = "docs/guarantees.md";
const BEGIN: &str = "<!-- compile-fail suite: begin -->\n";
const END: &str = "<!-- compile-fail suite: end -->";

/// What must have a case each: the mistakes of the table at the head of the guide, the defects of the old layer that are a
/// matter of types, the traps its guide warned of, and the steps that its checklist asked for.
fn promises(guide: &str) -> Result<BTreeSet<String>> {
    let numbered = |what: &'static str, numbers: &[u8]| -> Vec<String> {
        numbers.iter().map(|n| format!("{what} {n}")).collect()
    };
    let promises = [
        mistakes(guide)?,
        numbered("defect", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 35, 38]),
        numbered("gotcha", &[1, 2, 3, 4, 5, 6]),
        numbered("step", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ];
    Ok(promises.concat().into_iter().collect())
}

/// The first column of the guide's first table; a row may name several mistakes.
fn mistakes(guide: &str) -> Result<Vec<String>> {
    let rows = guide
        .lines()
        .skip_while(|line| !line.starts_with("| mistake |"))
        .skip(2)
        .map_while(|line| line.strip_prefix("| "));
    let mistakes: Vec<String> = rows
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split("; "))
        .map(str::to_owned)
        .collect();
    ensure!(!mistakes.is_empty(), "{GUIDE} does not begin with a table");
    Ok(mistakes)
}

/// Every promise has a case, and no case stands for anything else, such as a row by its old name.
fn check(guide: &str, cases: &[Case]) -> Result<()> {
    let promises = promises(guide)?;
    let covered: BTreeSet<String> = cases.iter().flat_map(|c| c.covers.clone()).collect();
    let list = |of: &BTreeSet<String>, without: &BTreeSet<String>| -> String {
        let items: Vec<&str> = of.difference(without).map(String::as_str).collect();
        items.join("; ")
    };
    let (open, unknown) = (list(&promises, &covered), list(&covered, &promises));
    ensure!(open.is_empty(), "no case in tests/ui covers: {open}");
    ensure!(
        unknown.is_empty(),
        "cases in tests/ui cover what is not in {GUIDE}: {unknown}"
    );
    Ok(())
}

pub fn update(cases: &[Case], write: bool) -> Result<()> {
    let path = project(GUIDE);
    let guide = fs::read_to_string(&path)?;
    check(&guide, cases)?;
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
        let tests: String = case.tests.iter().map(|test| format!(" `{test}`")).collect();
        writeln!(
            table,
            "| [{}](../{}) | {} | {} | {}{tests} |",
            case.mistake,
            case.place,
            case.symptom,
            messages.join(" … "),
            case.stage.name()
        )?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::{GUIDE, check, fs, project};
    use crate::ui::case;

    #[test]
    fn a_mistake_without_a_case_is_noticed() {
        let guide = fs::read_to_string(project(GUIDE)).unwrap();
        let cases = case::all().unwrap();
        check(&guide, &cases).unwrap();

        let told = |guide: String| check(&guide, &cases).unwrap_err().to_string();
        let row = "| `SELECT *` |";
        assert_eq!(
            told(guide.replace(row, &format!("| a new one | | |\n{row}"))),
            "no case in tests/ui covers: a new one"
        );
        assert_eq!(
            told(guide.replace(row, "| `SELECT *`; a second one |")),
            "no case in tests/ui covers: a second one"
        );
        assert_eq!(
            told(guide.replace("`QueryBuilder`; ", "")),
            format!("cases in tests/ui cover what is not in {GUIDE}: `QueryBuilder`")
        );
    }
}
