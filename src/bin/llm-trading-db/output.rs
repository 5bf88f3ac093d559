//! What people look at: tables, sparklines, a heat map; and the log.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use llm_trading_db::repo::correlations::Matrix;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Serialize;
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// Writes a line to standard output.
pub fn print(line: impl Display) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}

/// Writes a value as JSON to standard output.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(serde_json::to_string_pretty(value)?)
}

/// A table with a head; all columns but the first `left` are aligned to the right.
pub fn table(head: &[&str], left: usize, rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_header(head.to_vec());
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(left) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The value, or a dash.
pub fn or_dash(value: Option<impl Display>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// A fraction as a percentage with two decimals.
pub fn percent(fraction: Option<Decimal>) -> String {
    let percent =
        |fraction: Decimal| format!("{:+.2} %", (fraction * Decimal::ONE_HUNDRED).round_dp(2));
    or_dash(fraction.map(percent))
}

/// The course of `values`, lowest to highest.
pub fn sparkline(values: &[Decimal]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (Some(low), Some(high)) = (values.iter().min(), values.iter().max()) else {
        return String::new();
    };
    let height = |value: &Decimal| {
        let part = (value - low).checked_div(high - low)?;
        (part * Decimal::from(7)).round().to_usize()
    };
    values
        .iter()
        .map(|value| BARS[height(value).unwrap_or(3).min(7)])
        .collect()
}

/// The matrix as text; with colours where standard output is a terminal that wants them.
pub fn heat_map(matrix: &Matrix) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || !io::stdout().is_terminal();
    let mut text = format!("{:8}", "");
    for symbol in &matrix.symbols {
        text += &format!("{symbol:>8}");
    }
    for row in &matrix.symbols {
        text += &format!("\n{row:<8}");
        for column in &matrix.symbols {
            let cell = match matrix.get(*row, *column) {
                Some(r) => format!("{:>8}", format!("{:+.2}", r.round_dp(2))),
                None => format!("{:>8}", "–"),
            };
            text += &match matrix.get(*row, *column).and_then(|r| r.to_f64()) {
                Some(r) if !plain => coloured(&cell, r),
                _ => cell,
            };
        }
    }
    text
}

/// Red for falling together with rising, green for rising together; the stronger, the deeper.
fn coloured(cell: &str, r: f64) -> String {
    let depth = (r.abs().min(1.0) * 130.0) as u8 + 25;
    let (red, green) = if r < 0.0 { (depth, 25) } else { (25, depth) };
    format!("\u{1b}[48;2;{red};{green};40m\u{1b}[38;2;255;255;255m{cell}\u{1b}[0m")
}

/// How many statements sqlx has sent, if it tells.
#[derive(Clone, Default)]
pub struct StatementCount(Arc<AtomicU64>);

impl StatementCount {
    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<S: Subscriber> Layer<S> for StatementCount {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Logs to standard error, and counts statements if asked to.
pub fn start_logging(verbose: u8, count_statements: bool) -> StatementCount {
    let level = ["warn", "info", "debug"][usize::from(verbose.min(2))];
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_filter(filter);
    let count = StatementCount::default();
    let counting = count_statements.then(|| count.clone().with_filter(LevelFilter::DEBUG));
    tracing_subscriber::registry()
        .with(log)
        .with(counting)
        .init();
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_spans_its_values() {
        let line = |values: &[i64]| {
            sparkline(&values.iter().map(|v| Decimal::from(*v)).collect::<Vec<_>>())
        };
        assert_eq!(line(&[0, 1, 2, 3, 4, 5, 6, 7]), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&[5, 5]), "▄▄");
        assert_eq!(line(&[]), "");
    }

    #[test]
    fn a_missing_value_is_a_dash() {
        assert_eq!(percent(None), "–");
        assert_eq!(percent(Some(Decimal::new(-12345, 5))), "-12.34 %");
    }
}
