//! The page, and the promises.

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context, Result};

use super::{LIMIT, Row, clients::OURS, faults::Fault};

const BEGIN: &str = "<!-- reliability: begin -->";
const END: &str = "<!-- reliability: end -->";
/// What a call may take longer than its limits.
const SLACK: Duration = Duration::from_millis(250);
/// How soon after the cause everything works again.
const HEALED: Duration = Duration::from_secs(1);

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// One line of the table.
pub fn line(row: &Row) -> String {
    let outcome = &row.outcome;
    let healed = outcome.healed.map_or_else(|| "never".to_owned(), seconds);
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {healed} |",
        row.fault.name(),
        row.client,
        outcome.calls,
        outcome.acknowledged.len(),
        outcome.failed,
        row.lost,
        outcome.wrong,
        seconds(outcome.longest),
    )
}

/// The page with the rows of this run.
pub fn renew(page: &str, rows: &[Row]) -> Result<String> {
    let (head, rest) = page
        .split_once(BEGIN)
        .context("the page has no begin mark")?;
    let (_, tail) = rest.split_once(END).context("the page has no end mark")?;
    let mut table = String::from(
        "\n| what breaks | client | calls | acknowledged | failed | lost | wrong | longest wait | healed after |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        writeln!(table, "{}", line(row))?;
    }
    Ok(format!("{head}{BEGIN}{table}{END}{tail}"))
}

/// Which promise of `Db` a row breaks.
pub fn broken(row: &Row) -> Option<String> {
    if row.client != OURS {
        return None;
    }
    let outcome = &row.outcome;
    // For a connection, and for the answer.
    let limit = 2 * LIMIT + SLACK;
    // In the limit of connections all calls must succeed, since they share those that there are.
    let shares = row.fault != Fault::ConnectionLimit || outcome.failed == 0;
    let kept = row.lost == 0
        && outcome.wrong == 0
        && outcome.longest <= limit
        && outcome.healed.is_some_and(|after| after <= HEALED)
        && shares;
    (!kept).then(|| format!("a promise is broken: {}", line(row)))
}
