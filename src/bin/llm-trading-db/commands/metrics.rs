//! `metrics`: returns and correlations.

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use llm_trading_db::{
    db::Db,
    repo::{Upserted, bars},
    service::metrics::{self, Progress, Scope, Summary, Window},
};

use super::{count, left_out};
use crate::{Incomplete, output};

/// Values of which a run is announced before it begins: some seconds' worth.
const MANY: usize = 500_000;
/// Values that a server of no special strength stores in a second.
const PER_SECOND: usize = 50_000;
/// Bytes that a stored value takes, with its part of the index.
const BYTES: usize = 120;
/// Bars that have no seven-day return yet.
const SEVEN: u16 = 7;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A run does what changed since the last one. It can be interrupted: the next one goes on where it was."
)]
pub(crate) struct Args {
    /// Dates that a correlation looks back over [default: 30]
    #[arg(long, value_name = "N")]
    window: Option<Window>,

    /// Compares all returns and correlations with the bars, not only what changed since the last run
    #[arg(long)]
    backfill: bool,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let scope = match args.backfill {
        true => Scope::All,
        false => Scope::Changed,
    };
    if let Some(window) = args.window {
        refuse_a_long_window(db, window).await?;
    }
    let window = args.window.unwrap_or_default();
    let mut shown = Shown::new();
    let summary = metrics::run_with(db, window, scope, |progress| shown.show(progress)).await?;
    shown.bar.finish_and_clear();
    output::text(&describe(&summary))?;
    if summary.misfits.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<String> = summary.misfits.iter().map(left_out).collect();
    lines.push(ADVICE.to_owned());
    Err(Incomplete(lines).into())
}

const ADVICE: &str = "what rests on these rows is not calculated, all else is; mend them with `llm-trading-db import-bars`, or take \
them back with `llm-trading-db remove-bars`, and run this again";

/// A window that was asked for and has no date is a mistake; the usual one waits for the history to grow.
async fn refuse_a_long_window(db: &Db, window: Window) -> Result<()> {
    let needed = u32::from(window.dates()) + u32::from(SEVEN);
    let days = bars::dates(db, needed).await?.len();
    ensure!(
        days == 0 || days >= needed as usize,
        "the window of {} dates is longer than the history: there are bars of {}, and the first {SEVEN} have no seven-day return",
        window.dates(),
        count(days as u64, "day")
    );
    Ok(())
}

/// What is shown while the job runs.
struct Shown {
    bar: ProgressBar,
}

impl Shown {
    fn new() -> Self {
        // Hidden by itself unless standard error is a terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_finish(ProgressFinish::AndClear);
        Self { bar }
    }

    fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Returns { bars } => self.bar.set_message(format!("returns of {bars} bars")),
            Progress::Correlations {
                done: 0,
                dates,
                values_per_date,
            } => {
                if let Some(outlook) = outlook(dates, values_per_date) {
                    crate::say(&outlook);
                }
                let style = "{bar:40} {pos} of {len} dates, {eta} left";
                if let Ok(style) = ProgressStyle::with_template(style) {
                    self.bar.set_style(style);
                }
                self.bar.set_length(dates as u64);
                self.bar.set_position(0);
            }
            Progress::Correlations { done, .. } => self.bar.set_position(done as u64),
            _ => {}
        }
    }
}

/// What a long run will take, in words.
fn outlook(dates: usize, values_per_date: usize) -> Option<String> {
    let values = dates.saturating_mul(values_per_date);
    if values < MANY {
        return None;
    }
    let minutes = values.div_ceil(PER_SECOND * 60);
    let megabytes = values.saturating_mul(BYTES) / 1_000_000;
    Some(format!(
        "correlations of {}: {:.1} million values, about {megabytes} MB, roughly {} on a usual server; \
         interrupt it at any time, the next run goes on",
        count(dates as u64, "date"),
        values as f64 / 1e6,
        count(minutes as u64, "minute"),
    ))
}

/// What a run did, in lines.
pub(crate) fn describe(summary: &Summary) -> String {
    let Summary {
        daily,
        seven_day,
        correlations,
        dates,
        removed,
        dates_missing,
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
    let mut lines = vec![
        read,
        line("daily returns", daily),
        line("7-day returns", seven_day),
        line("correlations", correlations),
    ];
    if *dates_missing > 0 {
        lines.push(format!(
            "no correlations yet: the first window is full after {} more",
            count(*dates_missing as u64, "date")
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_announced() {
        assert_eq!(outlook(100, 100), None);
        let outlook = outlook(5964, 120 * 120).unwrap();
        assert!(
            outlook.starts_with("correlations of 5964 dates: 85.9 million values, about 10305 MB, roughly 29 minutes"),
            "{outlook}"
        );
    }
}
