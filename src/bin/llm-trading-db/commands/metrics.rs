//! `metrics`: returns and correlations.

use anyhow::Result;
use llm_trading_db::{
    db::Db,
    repo::Upserted,
    service::metrics::{self, Scope, Summary, Window},
};

use super::count;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Dates that a correlation looks back over
    #[arg(long, value_name = "N", default_value = "30")]
    window: Window,

    /// Calculates the correlations of all dates anew, not only of those that can have changed
    #[arg(long)]
    backfill: bool,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let scope = match args.backfill {
        true => Scope::All,
        false => Scope::Changed,
    };
    let summary = metrics::run(db, args.window, scope).await?;
    output::text(&describe(&summary))
}

/// What a run did, in lines.
pub(crate) fn describe(summary: &Summary) -> String {
    let Summary {
        daily,
        seven_day,
        correlations,
        dates,
        removed,
        ..
    } = summary;
    let line = |name: &str, rows: &Upserted| {
        format!(
            "{name:15}{:>8} new {:>8} changed",
            rows.inserted, rows.updated
        )
    };
    let read = format!(
        "{} of {} read, correlations of {} calculated, {} removed",
        count(summary.bars as u64, "bar"),
        count(summary.symbols as u64, "symbol"),
        count(*dates as u64, "date"),
        count(*removed, "value"),
    );
    [
        read,
        line("daily returns", daily),
        line("7-day returns", seven_day),
        line("correlations", correlations),
    ]
    .join("\n")
}
