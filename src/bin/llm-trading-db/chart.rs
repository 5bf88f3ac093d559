//! Charts of characters: a sparkline, and a heat map of correlations.

use std::{
    env,
    io::{self, IsTerminal},
};

use llm_trading_db::{repo::correlations::Matrix, types::Price};
use rust_decimal::{Decimal, prelude::ToPrimitive};

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Width of a cell of the heat map: a symbol has at most ten characters.
const MIN_CELL: usize = 8;
/// Colours of the 256-colour palette from -1 over 0 to 1: blue, white, red.
const HEAT: [u8; 9] = [25, 32, 74, 153, 255, 223, 215, 208, 196];
const BLACK: u8 = 16;

/// Whether standard output takes colours, and the user wants them (<https://no-color.org>).
pub(crate) fn in_colour() -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stdout().is_terminal() && !unwanted && !dumb
}

/// Prices as a line of bars between their lowest and their highest; a day without a price is a gap.
pub(crate) fn sparkline(prices: impl Iterator<Item = Option<Price>> + Clone) -> String {
    let known = prices.clone().flatten();
    let (Some(low), Some(high)) = (known.clone().min(), known.max()) else {
        return String::new();
    };
    let range = high.value() - low.value();
    let bar = |price: Price| {
        if range.is_zero() {
            return BARS[3];
        }
        let top = Decimal::from(BARS.len() - 1);
        let level = ((price.value() - low.value()) * top / range).round();
        BARS[level.to_usize().unwrap_or(0).min(BARS.len() - 1)]
    };
    prices.map(|price| price.map_or(' ', bar)).collect()
}

/// A matrix with its symbols as headings; coloured from blue (-1) over white (0) to red (1).
pub(crate) fn heat_map(matrix: &Matrix, coloured: bool) -> String {
    let longest = matrix
        .symbols
        .iter()
        .map(|symbol| symbol.as_str().len())
        .max();
    let width = longest.unwrap_or(0).max(MIN_CELL - 1) + 1;
    let mut lines = vec![format!("{:width$}", "")];
    for symbol in &matrix.symbols {
        lines[0].push_str(&format!("{symbol:>width$}"));
    }
    for row in &matrix.symbols {
        let mut line = format!("{row:width$}");
        for column in &matrix.symbols {
            line.push_str(&cell(matrix.get(*row, *column), width, coloured));
        }
        lines.push(line);
    }
    lines.join("\n")
}

fn cell(correlation: Option<Decimal>, width: usize, coloured: bool) -> String {
    let Some(correlation) = correlation else {
        return format!("{:>width$}", "–");
    };
    let number = format!("{:.2}", correlation.round_dp(2));
    match colour(correlation) {
        Some(background) if coloured => {
            format!("\u{1b}[48;5;{background};38;5;{BLACK}m{number:>width$}\u{1b}[0m")
        }
        _ => format!("{number:>width$}"),
    }
}

fn colour(correlation: Decimal) -> Option<u8> {
    let steps = Decimal::from((HEAT.len() - 1) / 2);
    let step = ((correlation + Decimal::ONE) * steps).round().to_usize()?;
    HEAT.get(step).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use llm_trading_db::{repo::correlations::Correlation, types::Symbol};

    fn prices(values: &[Option<u32>]) -> Vec<Option<Price>> {
        let price = |value: u32| Price::new(Decimal::from(value)).unwrap();
        values.iter().map(|value| value.map(price)).collect()
    }

    #[test]
    fn sparklines_go_from_the_lowest_to_the_highest() {
        let line = |values| sparkline(prices(values).into_iter());
        assert_eq!(line(&[Some(10), Some(11), None, Some(17)]), "▁▂ █");
        assert_eq!(line(&[Some(5), Some(5)]), "▄▄");
        assert_eq!(line(&[None]), "");
        assert_eq!(line(&[]), "");
    }

    #[test]
    fn heat_maps_are_plain_or_coloured() {
        let (a, b) = (Symbol::new("A").unwrap(), Symbol::new("B").unwrap());
        let cell = |symbol_1, symbol_2, correlation: Option<&str>| Correlation {
            symbol_1,
            symbol_2,
            date: "2026-01-07".parse().unwrap(),
            correlation: correlation.map(|text| text.parse().unwrap()),
            window_rows: 30,
        };
        let matrix = Matrix {
            date: "2026-01-07".parse().unwrap(),
            symbols: vec![a, b],
            cells: vec![
                cell(a, a, Some("1")),
                cell(a, b, Some("-0.256")),
                cell(b, a, Some("-0.256")),
                cell(b, b, None),
            ],
        };
        let plain = heat_map(&matrix, false);
        let expected =
            "               A       B\nA           1.00   -0.26\nB          -0.26       –";
        assert_eq!(plain, expected);
        let coloured = heat_map(&matrix, true);
        assert!(
            coloured.contains("\u{1b}[48;5;196;38;5;16m    1.00\u{1b}[0m"),
            "{coloured:?}"
        );
        assert!(
            coloured.contains("\u{1b}[48;5;153;38;5;16m   -0.26\u{1b}[0m"),
            "{coloured:?}"
        );
    }
}
