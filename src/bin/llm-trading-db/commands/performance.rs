//! `performance`: weekly results and statistics of the accounts.

use anyhow::Result;
use llm_trading_db::{
    db::Db,
    repo::{Upserted, performance::Problem},
    service::performance::{self, Summary},
    types::Weeks,
};

use super::{count, now};
use crate::{Incomplete, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Statistics of the newest N weeks, this one included
    #[arg(long, value_name = "N", conflicts_with = "all")]
    weeks: Option<Weeks>,

    /// Statistics of all weeks, which is the default
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let summary = performance::run(db, args.weeks, now()).await?;
    output::text(&describe(&summary, args.weeks))?;
    if summary.problems.is_empty() && summary.misfits.is_empty() {
        return Ok(());
    }
    let unreadable = summary.misfits.iter().map(super::left_out);
    let mut lines: Vec<String> = unreadable.collect();
    lines.extend(summary.problems.iter().map(left_out));
    lines.push(ADVICE.to_owned());
    Err(Incomplete(lines).into())
}

const ADVICE: &str = "what these accounts had before stays; correct an event with `llm-trading-db correct-event`, \
or void it with `llm-trading-db void-event`, and run this again";

/// What a run did, in lines.
fn describe(summary: &Summary, weeks: Option<Weeks>) -> String {
    let all = |rows: Upserted| rows.inserted + rows.updated + rows.unchanged;
    let over = match weeks {
        Some(span) => count(u64::from(span.get().unsigned_abs()), "week"),
        None => "all weeks".to_owned(),
    };
    let mut lines = vec![format!(
        "{} and, over {over}, {} brought up to date",
        count(all(summary.weeks), "weekly result"),
        count(all(summary.accounts), "account"),
    )];
    let mut also = |number: u64, text: String| {
        if number > 0 {
            lines.push(text);
        }
    };
    let Summary {
        upcoming,
        withdrawn,
        exits_without_entry,
        ..
    } = *summary;
    also(
        upcoming,
        format!(
            "{} of a week after this one, in no statistics yet",
            count(upcoming, "result")
        ),
    );
    also(
        withdrawn,
        format!(
            "{} withdrawn: the events were voided or corrected",
            count(withdrawn, "weekly result")
        ),
    );
    also(
        exits_without_entry,
        format!(
            "{} not counted: no ENTRY before it in its week",
            count(exits_without_entry, "EXIT")
        ),
    );
    lines.join("\n")
}

/// What was left out, in a line.
pub(crate) fn left_out(problem: &Problem) -> String {
    let Problem {
        account,
        week_id,
        event_id,
        problem,
        ..
    } = problem;
    format!("{account}, week {week_id}, event {event_id}: {problem}")
}
