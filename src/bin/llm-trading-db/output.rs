//! What goes to standard output: text, tables, JSON.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};
use clap::Args;
use comfy_table::{CellAlignment, Table, TableComponent, presets};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer, ser};
use serde_json::value::RawValue;

/// How a read is shown.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// Shows JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Writes text. A reader that has seen enough (`| head`) is no error.
pub(crate) fn text(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    text(&serde_json::to_string_pretty(value)?)
}

/// A table with headings; the first `left` columns hold words, the others numbers.
pub(crate) fn table(headings: &[&str], left: usize) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::LeftBorderIntersections)
        .remove_style(TableComponent::MiddleIntersections)
        .remove_style(TableComponent::RightBorderIntersections)
        .set_header(headings);
    for column in table.column_iter_mut().skip(left) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A value that may be missing, for a cell.
pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// A fraction as a percentage: 0.0123 is `+1.23 %`.
pub(crate) fn signed_percent(fraction: Decimal) -> String {
    format!("{:+.2} %", (fraction * Decimal::ONE_HUNDRED).round_dp(2))
}

/// A share as a percentage: 0.5 is `50.0 %`.
pub(crate) fn percent(share: Decimal) -> String {
    format!("{:.1} %", (share * Decimal::ONE_HUNDRED).round_dp(1))
}

/// A number with two decimals.
pub(crate) fn hundredths(number: Decimal) -> String {
    format!("{:.2}", number.round_dp(2))
}

/// A decimal as a JSON number, digit for digit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) Decimal);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string())
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(signed_percent(decimal("0.012345")), "+1.23 %");
        assert_eq!(signed_percent(decimal("-0.5")), "-50.00 %");
        assert_eq!(percent(decimal("0.5")), "50.0 %");
        assert_eq!(hundredths(decimal("1.005")), "1.00");
        assert_eq!(or_dash(None::<u8>), "–");
    }

    #[test]
    fn numbers_for_programs_keep_their_digits() {
        let number = Number(decimal("0.1234567890123456789012345678"));
        assert_eq!(
            serde_json::to_string(&number).unwrap(),
            "0.1234567890123456789012345678"
        );
    }
}
