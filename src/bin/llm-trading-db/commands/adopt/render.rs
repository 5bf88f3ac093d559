//! The report of an adoption, for people.

use llm_trading_db::adopt::{self, Report, Run};

use crate::{commands::count, output};

/// Lines of a kind that are shown; the report as JSON has all.
const SHOWN: usize = 40;
/// Keys that are shown of a line.
const KEYS: usize = 3;

/// The reports of all runs, the first one first.
pub(super) fn runs(runs: &[Run]) -> String {
    let told = (1..).zip(runs).map(|(number, run)| {
        let heading = format!(
            "run {number} of {}, at {}, by version {}",
            runs.len(),
            run.at,
            run.program_version
        );
        format!("{heading}\n\n{}", render(&run.report, false))
    });
    Vec::from_iter(told).join("\n\n")
}

/// The report, for people; `all` shows every line and every key that it has.
pub(super) fn render(report: &Report, all: bool) -> String {
    let shown = if all { usize::MAX } else { SHOWN };
    let keys = |keys: &[String]| match all {
        true => keys.join(", "),
        false => keys[..keys.len().min(KEYS)].join(", "),
    };
    let mut parts = vec![tables(report)];
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let more = lines.len().saturating_sub(shown);
            let mut text = vec![title.to_owned()];
            text.extend(
                lines
                    .into_iter()
                    .take(shown)
                    .map(|line| format!("  {line}")),
            );
            if more > 0 {
                text.push(format!("  and {more} more, see --json"));
            }
            parts.push(text.join("\n"));
        }
    };
    part("weeks", weeks_that_changed(report));
    part("refused", refused(report, keys));
    part("changed", changed(report, all.then_some(keys)));
    part("notes", notes(report));
    part("objects of others", others(report));
    part("roles without rights on the new tables", rights(report));
    part("connected meanwhile", report.sessions.clone());
    part("money", money(report));
    part("computed from the bars", derived(report));
    part("what `performance` would change", performance(report));
    part("proofs", proofs(report));
    parts.join("\n\n")
}

fn tables(report: &Report) -> String {
    let headings = ["table", "old rows", "adopted", "refused", "changed"];
    let mut table = output::table(&headings, 1);
    for line in &report.tables {
        let adopted = match line.recomputed {
            true => "recomputed".to_owned(),
            false => line.adopted.to_string(),
        };
        let numbers = [line.legacy, line.refused, line.changed].map(|number| number.to_string());
        let [legacy, refused, changed] = numbers;
        table.add_row([&line.name, &legacy, &adopted, &refused, &changed]);
    }
    table.to_string()
}

fn weeks_that_changed(report: &Report) -> Vec<String> {
    let odd = report
        .weeks
        .iter()
        .filter(|week| week.week.as_deref() != Some(&week.label) || week.elsewhere > 0);
    odd.map(|week| {
        let means = week.week.as_deref().unwrap_or("no week");
        let elsewhere = match week.elsewhere {
            0 => String::new(),
            rows => format!(", {rows} of them dated far from it"),
        };
        format!(
            "{} means {means} ({}), {}{elsewhere}",
            week.label,
            week.rule,
            count(week.rows, "row")
        )
    })
    .collect()
}

fn place(table: &str, field: Option<&String>) -> String {
    match field {
        Some(field) => format!("{table}.{field}"),
        None => table.to_owned(),
    }
}

fn refused(report: &Report, keys: impl Fn(&[String]) -> String) -> Vec<String> {
    let line = |of: &adopt::Refused| {
        format!(
            "{} {} {}: {} ({})",
            count(of.rows, "row"),
            place(&of.table, of.field.as_ref()),
            of.code,
            of.reason,
            keys(&of.keys)
        )
    };
    report.refused.iter().map(line).collect()
}

fn changed(report: &Report, keys: Option<impl Fn(&[String]) -> String>) -> Vec<String> {
    let line = |of: &adopt::Changed| {
        let place = place(&of.table, of.field.as_ref());
        let keys = keys
            .as_ref()
            .map_or_else(String::new, |keys| format!(" ({})", keys(&of.keys)));
        format!("{} {place} {}{keys}", count(of.rows, "row"), of.code)
    };
    report.changed.iter().map(line).collect()
}

fn notes(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Note| {
        let place = place(&of.table, of.field.as_ref());
        format!("{} {place} {}", count(of.rows, "row"), of.code)
    };
    report.notes.iter().map(line).collect()
}

fn others(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Other| format!("{} {}: {}", of.kind, of.name, of.what);
    report.others.iter().map(line).collect()
}

fn rights(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Right| {
        format!(
            "{} had {} on {}",
            of.role,
            of.privileges.join(", "),
            of.table
        )
    };
    report.rights.iter().map(line).collect()
}

fn money(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Money| {
        format!(
            "{}: {} = {} adopted + {} refused",
            of.what, of.legacy, of.adopted, of.refused
        )
    };
    // A table that is not there adds up to nothing.
    let any = |of: &&adopt::Money| {
        [&of.legacy, &of.adopted, &of.refused]
            .iter()
            .any(|sum| *sum != "0")
    };
    report.money.iter().filter(any).map(line).collect()
}

fn proofs(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Proof| {
        let holds = if of.holds { "holds" } else { "FAILS" };
        let detail = match of.detail.as_str() {
            "" => String::new(),
            detail => format!(" ({detail})"),
        };
        format!("{} {holds}: {}{detail}", of.number, of.name)
    };
    report.proofs.iter().map(line).collect()
}

fn derived(report: &Report) -> Vec<String> {
    let line = |of: &adopt::Derived| {
        format!(
            "{}: of {}, {} are equal, {} different, {} no longer supported by a bar; {} new",
            of.name,
            count(of.legacy, "old row"),
            of.equal,
            of.different,
            of.legacy_only,
            of.new_only
        )
    };
    report.derived.iter().map(line).collect()
}

fn performance(report: &Report) -> Vec<String> {
    let shown = |value: Option<&String>| value.map_or_else(|| "–".to_owned(), Clone::clone);
    let line = |of: &adopt::Restated| {
        let fields = of.would_be.iter().map(|(field, is)| {
            let was = of.was.as_ref().and_then(|row| row[field].as_ref());
            format!("{field} {} → {}", shown(was), shown(is.as_ref()))
        });
        let fields: Vec<String> = fields.collect();
        format!("{} of {}: {}", of.table, of.key, fields.join(", "))
    };
    report.performance.iter().map(line).collect()
}
